import { writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import t from 'tap';
import type { HostReport } from '../allocator/host-report.ts';
import { scratch, wasmtime } from '../fixtures/run-host.ts';
import { runServer } from '../fixtures/run-server.ts';
import { messageModule } from '../fixtures/serve-modules.ts';

const module = path.join(scratch, 'message.wasm');
writeFileSync(module, messageModule);

const v8 = { engine: 'v8' };

const limit = (kib: number): string => `ulimit -v ${kib}`;

/** Address space in KiB, and the tier that is the best in it. */
const limits = [
  ['wasmtime', wasmtime, 2_000_000, 'on-demand', 'explicit'],
  ['wasmtime', wasmtime, 4_000_000, 'conservative', 'explicit'],
  ['wasmtime', wasmtime, 209_715_200, 'conservative', 'elided'],
  ['v8', v8, 1_300_000, 'on-demand', 'explicit'],
  ['v8', v8, 209_715_200, 'conservative', 'elided'],
] as const;

for (const [name, options, kib, tier, checks] of limits) {
  t.test(`${name} under ulimit -v ${kib}: it serves in the tier that it logs, and says why`, async (t) => {
    const server = await runServer({ options, module, before: limit(kib) });
    const line = server
      .stdout()
      .split('\n')
      .find((text) => text.startsWith('{"poolproof"'));
    const report = JSON.parse(line ?? '{}') as HostReport;
    t.match(report, { outcome: 'reached', tier, proof: { tier, checks } });
    const { status, body } = await server.ask('/healthz');
    t.equal(status, 200);
    const health = JSON.parse(body) as Readonly<{ why: string }>;
    t.match(health, { status: 'serving', tier, checks, why: report.why });
    t.match(health.why, /^standard: (memory pool needs|linear memories need) .*, RLIMIT_AS leaves /);
    const ask = async (): Promise<readonly number[]> => {
      const statuses: number[] = [];
      for (let count = 0; count < 20; count += 1) statuses.push((await server.ask('/a')).status);
      return statuses;
    };
    const statuses = await Promise.all(Array.from({ length: 32 }, ask));
    t.same([...new Set(statuses.flat())], [200], '640 requests on 32 connections');
    server.kill('SIGTERM');
    t.equal(await server.ended, 0);
  });
}

t.test('where no thread fits beside the engine, nothing is served, and the limit is named', async (t) => {
  const server = await runServer({ module, before: limit(800_000) });
  t.equal(await server.ended, 3);
  t.match(
    server.stderr(),
    /^wasm host: warning: on-demand: to serve, the process itself needs \d+ MiB, RLIMIT_AS leaves \d+ MiB/m,
  );
  t.match(server.stdout(), '"outcome":"exhausted"');
  t.notMatch(server.stdout(), 'serving');
});

t.test('an address in use ends the host with 2, and the address in its words', async (t) => {
  const other = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  const { port } = other.address() as AddressInfo;
  const address = `127.0.0.1:${port}`;
  for (const options of [wasmtime, v8]) {
    const server = await runServer({ options, module, address });
    t.equal(await server.ended, 2);
    t.equal(
      server.stderr(),
      `wasm host: BAD_ADDRESS: --serve ${address}: listen EADDRINUSE: address already in use ${address}\n`,
    );
    t.notMatch(server.stdout(), 'serving');
  }
  other.close();
});
