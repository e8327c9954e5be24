/** Build step, run after tsc: compiles each .wat beside the sources into dist/images/wasm-host/. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import wabt from 'wabt';

const modules = ['canary'];
const here = fileURLToPath(new URL('.', import.meta.url));
const target = process.argv[2] ?? here;

const compiler = await wabt();
for (const name of modules) {
  const module = compiler.parseWat(`${name}.wat`, readFileSync(`${here}${name}.wat`, 'utf8'));
  writeFileSync(`${target}/${name}.wasm`, module.toBinary({}).buffer);
  module.destroy();
}
