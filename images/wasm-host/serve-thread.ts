/** A thread of the server: one request at a time, each in an instance of its own. */
import { parentPort, workerData } from 'node:worker_threads';
import type { ThreadData } from './serve-instance.ts';
import type { Job } from './serve-message.ts';
import { openV8Handler } from './serve-v8.ts';
import { openWasmtimeHandler } from './serve-wasmtime.ts';

const { shared, limits, folder } = workerData as ThreadData;
const handle =
  shared.kind === 'wasmtime' ? openWasmtimeHandler(shared, limits, folder) : openV8Handler(shared, limits);

parentPort?.on('message', (job: Job | null) => {
  if (job === null) parentPort?.close();
  else parentPort?.postMessage(handle(job));
});
parentPort?.postMessage('ready');
