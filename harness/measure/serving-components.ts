/** What servers serve in guests: components of wasi:http, and core modules for the wasm host. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { project } from '../../images/paths.ts';
import type { ServerKind } from './request-price.ts';
import { servingWorks } from './serving-plan.ts';

const folders: Readonly<Record<ServerKind, string>> = {
  component: path.join(project.subjectsFolder, 'components'),
  'wasm-host': path.join(project.compiledFolder, 'wasm-host'),
};

/** Files of a disk; what a kind of host has no module for is not among them. */
export function listComponents(kind: ServerKind): readonly Readonly<{ to: string; from: string }>[] {
  const names = [...new Set(servingWorks.map(({ component }) => `${component}.wasm`))];
  return names.flatMap((name) => {
    const from = path.join(folders[kind], name);
    return existsSync(from) ? [{ to: name, from }] : [];
  });
}
