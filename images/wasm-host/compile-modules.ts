/**
 * Build step, run after tsc: compiles each .wat of this folder and of workloads/ to a .wasm beside it. Bulk memory and
 * nothing newer, so that every engine of the table accepts it. Argument: the folder to compile in (default: where this
 * file is).
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import wabt from 'wabt';

const root = process.argv[2] ?? import.meta.dirname;
const compiler = await wabt();
for (const name of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
  if (!name.endsWith('.wat')) continue;
  const module = compiler.parseWat(name, readFileSync(path.join(root, name), 'utf8'), { bulk_memory: true });
  writeFileSync(path.join(root, name.replace(/\.wat$/, '.wasm')), module.toBinary({}).buffer);
  module.destroy();
}
