/** Samples of real servers, each a process with an HTTP server of Node. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { sampleServers, type MeasuredServer } from './serving-sample.ts';

const { signal } = new AbortController();

/** A server that answers every `nth` request of pages that begin with `page` with 500, after some work. */
const server = (nth: number, page = '/') => ({
  command: process.execPath,
  args: [
    '-e',
    `let count = 0;
    const server = require('node:http').createServer((request, answer) => {
      const isBad = request.url.startsWith('${page}') && (count += 1) % ${nth} === 0;
      answer.statusCode = isBad ? 500 : 200;
      for (const end = performance.now() + 1; performance.now() < end;);
      answer.end(request.url);
    });
    server.listen(0, '127.0.0.1', () => console.log('http://127.0.0.1:' + server.address().port + '/'));`,
  ],
});

/** The sample of one server alone. */
async function sampleOne(command: MeasuredServer['command'], load: MeasuredServer['load']) {
  const [found] = await sampleServers([{ command, load }], signal);
  if (found === undefined) throw new RangeError('no sample');
  return found;
}

t.test('CPU time is that of the server, for exactly as many requests as were wanted', async (t) => {
  const load = { path: '/', connections: 2, warmUp: { amount: 10 }, sampleMs: 600_000, requests: 60 };
  const found = await sampleOne(server(1e9), load);
  t.match(found, { requests: 60, invalid: null });
  t.ok(found.cpuNs > 0.3e6 && found.cpuNs < 20e6, `${found.cpuNs} ns per request of 1 ms`);
  t.ok(found.p50Ms <= found.p99Ms && found.p50Ms >= 0.9);
});

t.test(
  'requests that settle a server are sent before those that count, and none of them counts',
  async (t) => {
    const settling = { path: '/settle', amount: 6 };
    const load = {
      path: '/',
      connections: 1,
      settling,
      warmUp: { amount: 4 },
      sampleMs: 600_000,
      requests: 10,
    };
    const { requests, invalid } = await sampleOne(server(6, '/settle'), load);
    t.equal(requests, 10);
    t.equal(invalid, null, 'the request with 500 is the last of those that settle');
  },
);

t.test('servers run side by side and answer in turns, there and back', async (t) => {
  const log = path.join(t.testdir(), 'log');
  const load = { path: '/', connections: 1, warmUp: { amount: 4 }, sampleMs: 800, requests: 40 };
  const servers = ['A', 'B'].map((name) => {
    const { command, args } = server(1e9);
    const write = `require('node:fs').appendFileSync('${log}', '${name}');`;
    return { command, load, args: args.map((arg) => arg.replace('answer.end', `${write} answer.end`)) };
  });
  const begun: number[] = [];
  const samples = await sampleServers(
    servers.map(({ command, args }) => ({ command: { command, args }, load })),
    signal,
    (index) => begun.push(index),
  );
  t.same(begun, [0, 1]);
  t.match(samples, [
    { requests: 40, invalid: null },
    { requests: 40, invalid: null },
  ]);
  const counted = readFileSync(log, 'utf8').slice(-80);
  t.same(
    counted.match(/A+|B+/g)?.map((turn) => `${turn.length} ${turn[0]}`),
    [
      '2 A',
      '5 B',
      '5 A',
      '5 B',
      '5 A',
      '5 B',
      '5 A',
      '5 B',
      '5 A',
      '5 B',
      '5 A',
      '5 B',
      '5 A',
      '5 B',
      '5 A',
      '5 B',
      '3 A',
    ],
  );
});

t.test('answers of 500 are counted, and a server that does not come up is told apart', async (t) => {
  const load = { path: '/', connections: 1, warmUp: { amount: 10 }, sampleMs: 600_000, requests: 40 };
  const { invalid } = await sampleOne(server(4), load);
  t.match(invalid, /^10 of 40 answers had the status 500$/);
  await t.rejects(sampleOne({ command: process.execPath, args: ['-e', '0'] }, load), {
    code: 'MEASURE_FAILED',
    message: 'a server ended before it listened',
  });
  await t.rejects(sampleOne({ command: '/nonexistent', args: [] }, load), {
    code: 'MEASURE_FAILED',
    message: 'a server could not be started',
  });
});
