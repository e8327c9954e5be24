// WORKERS workers (500), one after another, all kept. V8 ends the process when one cannot have its heap. With MEMORIES
// each worker makes so many WebAssembly memories instead, and one is enough.
const { Worker, isMainThread, parentPort } = require('node:worker_threads');

if (isMainThread) {
  const memories = process.env.MEMORIES !== undefined;
  const wanted = Number(process.env.WORKERS || (memories ? 1 : 500));
  let count = 0;
  const start = () => {
    const worker = new Worker(__filename);
    worker.once('message', (said) => {
      count += 1;
      console.log(`${count} workers: ${said}`);
      // A worker that is to be ended for its failure is ended a moment later.
      if (count >= wanted)
        setTimeout(() => process.exit(said.includes('Error') ? 1 : 0), memories ? 3000 : 0);
      else start();
    });
    worker.once('error', (error) => {
      console.error(`${count} workers, then ${error.code || ''} ${error}`);
      process.exit(1);
    });
  };
  start();
} else if (process.env.MEMORIES === undefined) {
  parentPort.postMessage('up');
  setInterval(() => undefined, 1e6);
} else {
  const kept = [];
  let said = '';
  try {
    while (kept.length < Number(process.env.MEMORIES))
      kept.push(new WebAssembly.Memory({ initial: 1, maximum: 100 }));
  } catch (error) {
    said = `, then ${error}`;
  }
  parentPort.postMessage(`${kept.length} memories${said}`);
  setInterval(() => undefined, 1e6);
}
