/** The second thread of a life cycle: does the same work as the first, at the same time. */
import { workerData } from 'node:worker_threads';
import { openLibrary } from './libwasmtime.ts';
import { asked, done, makeLives, result, type Second } from './measure-life.ts';

const { library, engine, module, cycle, control } = workerData as Second;
const cells = new Int32Array(control);
const lives = makeLives(openLibrary(library), engine, module, cycle);

const finish = (): void => {
  Atomics.store(cells, asked, 0);
  Atomics.store(cells, done, 1);
  Atomics.notify(cells, done);
};

finish();
for (;;) {
  Atomics.wait(cells, asked, 0);
  const count = Atomics.load(cells, asked);
  if (count < 0) break;
  Atomics.store(cells, result, lives(count));
  finish();
}
