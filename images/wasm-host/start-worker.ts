/**
 * Runs worker.cjs from bytecode that came with the image, where there is some for this very Node: parsing and
 * compiling JavaScript is a twelfth of what an attempt executes under emulation. Without it the source is compiled.
 */
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { bytecodeFolder, compileWorker, type Main } from './worker-script.ts';

function readBytecode(folder: string): Buffer | undefined {
  try {
    return readFileSync(`${folder}/${bytecodeFolder}/${process.versions.node}`);
  } catch {
    return undefined; // none was made for this version, or this is no image
  }
}

const folder = dirname(process.argv[1] ?? '');
const file = `${folder}/worker.cjs`;
const main = compileWorker(file, readBytecode(folder)).runInThisContext() as Main;
main({}, require, {}, file, folder);
