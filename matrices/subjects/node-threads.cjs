// HOW=pool: a file is read in libuv's pool, which ends the process when it cannot have its threads. HOW=worker and
// HOW=spawn: one worker thread, one process.
const { spawn } = require('node:child_process');
const { readFile } = require('node:fs');
const { Worker } = require('node:worker_threads');

const end = (error) => {
  if (!error) return console.log('done');
  console.error(String(error.stack ?? error));
  process.exit(1);
};
switch (process.env.HOW || 'pool') {
  case 'pool':
    readFile(__filename, end);
    break;
  case 'worker':
    new Worker('', { eval: true }).once('error', end).once('exit', () => end());
    break;
  case 'spawn':
    spawn('/bin/true')
      .once('error', end)
      .once('exit', () => end());
    break;
}
