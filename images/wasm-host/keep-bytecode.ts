/**
 * Build step of an image, run by the Node of a guest: makes or checks the worker's bytecode. `make <worker.cjs> <file>`
 * writes it; `check <worker.cjs> <file>` ends with 0 when this Node, with these flags, accepts it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { compileWorker } from './worker-script.ts';

const [what, worker = '', file = ''] = process.argv.slice(2);
if (what === 'make') {
  writeFileSync(file, compileWorker(worker).createCachedData());
} else if (what === 'check') {
  process.exitCode = compileWorker(worker, readFileSync(file)).cachedDataRejected === false ? 0 : 1;
} else {
  process.stderr.write('keep-bytecode: make or check, the worker, the file\n');
  process.exitCode = 2;
}
