/** Paths of the project's own files, in a checkout and in an installed package. */
import path from 'node:path';
import { fileURLToPath } from 'node:url';

// Sources run as they are in tests; compiled files keep the layout of their sources below dist/.
const here = path.dirname(fileURLToPath(import.meta.url));
const fromSource = import.meta.url.endsWith('.ts');
const root = path.resolve(here, fromSource ? '..' : '../..');

export const project = {
  /** The pins; part of the package, not of dist/. */
  lockFile: path.join(root, 'images', 'lock.yaml'),
  /** .git in a checkout. */
  root,
  /** Matrices and schemas that come along: part of the package, not of dist/. */
  matricesFolder: path.join(root, 'matrices'),
  /** The commit that dist/ was made of; written by the build. */
  commitFile: path.join(root, 'dist', 'harness', 'commit.txt'),
  /** Subjects that come along: part of the package, not of dist/. */
  subjectsFolder: path.join(root, 'matrices', 'subjects'),
  /** init.sh, session.sh: copied to dist/ by the build, taken from there when compiled code runs. */
  guestFolder: path.join(here, 'guest'),
  /** Holds wasm-host/ and allocator/ compiled. */
  compiledFolder: path.join(root, 'dist', 'images'),
  /** Their sources, to notice a stale dist/; absent in an installed package. */
  sourceFolder: path.join(root, 'images'),
} as const;
