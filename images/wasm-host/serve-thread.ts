/** A thread of the server: one request after the other, each in an instance of its own. */
import { parentPort, workerData } from 'node:worker_threads';
import { BatchClaims, type Batch } from './serve-batch.ts';
import type { Done, ThreadData } from './serve-instance.ts';
import { openV8Handler } from './serve-v8.ts';
import { openWasmtimeHandler } from './serve-wasmtime.ts';

const { shared, limits, folder, claims: cells } = workerData as ThreadData;
const handle =
  shared.kind === 'wasmtime' ? openWasmtimeHandler(shared, limits, folder) : openV8Handler(shared, limits);
const claims = new BatchClaims(cells);

parentPort?.on('message', (batch: Batch | null) => {
  if (batch === null) {
    parentPort?.close();
    return;
  }
  for (const [index, job] of batch.jobs.entries()) {
    if (!claims.begin(batch, index)) return;
    const started = performance.now();
    const outcome = handle(job);
    parentPort?.postMessage({ outcome, ms: performance.now() - started } satisfies Done);
  }
});
parentPort?.postMessage('ready');
