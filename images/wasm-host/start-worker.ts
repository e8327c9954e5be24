/**
 * Runs worker.cjs from the image's bytecode, if the image has some for this very Node: parsing and compiling JavaScript
 * is a twelfth of an attempt's instructions under emulation. Without it the source is compiled.
 */
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { bytecodeFile, compileWorker, type Main } from './worker-script.ts';

function readBytecode(): Buffer | undefined {
  try {
    return readFileSync(`${dirname(process.execPath)}/${bytecodeFile}`);
  } catch {
    return undefined; // this is no image, or its builder could not run this Node
  }
}

const folder = dirname(process.argv[1] ?? '');
const file = `${folder}/worker.cjs`;
const main = compileWorker(file, readBytecode()).runInThisContext() as Main;
main({}, require, {}, file, folder);
