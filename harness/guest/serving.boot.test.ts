/** Our host serves in a guest under strict overcommit, in the tier that it logs. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import type { HostReport } from '../../images/allocator/host-report.ts';
import { buildImages } from '../../images/build.ts';
import { resolveCacheFolder } from '../../images/cache/cache-folder.ts';
import { enginePath, hostFolder, nodePath } from '../../images/definitions.ts';
import { project } from '../../images/paths.ts';
import { defaultSettings } from '../axes/table.ts';
import { startMachine } from '../machine/machine.ts';
import { findQemu } from '../plan/computer.ts';
import { deadlinesFor } from '../plan/deadlines.ts';
import { buildMachineSpec } from '../plan/machine-spec.ts';
import { machineFactFiles, readFacts, readSubjectRun } from './observe.ts';
import { openSession } from './open-session.ts';

const version = '50.0.1';
const hello = readFileSync(path.join(project.compiledFolder, 'wasm-host', 'hello.wasm')).toString('base64');

/**
 * Starts the host, asks for two pages, and stops it: prints each answer, the exit code and what the host printed. On
 * one line, as a request is.
 */
const script = (engine: string): string =>
  [
    'cd /tmp',
    `echo ${hello} | base64 -d >hello.wasm`,
    `{ sh ${hostFolder}/wasm-host.sh --node ${nodePath('22')} ${engine} --serve 127.0.0.1:8080 --module hello.wasm >log 2>&1 & }`,
    'host=$!',
    'ask() { printf "GET $1 HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n" >request; /bin/ask 8080 200 4>/dev/null || exit 1; cat answer; echo; }',
    'ask /healthz',
    'ask /',
    'kill $host',
    'wait $host',
    'echo "exit $?"',
    'cat log',
  ].join('; ');

t.test('under strict overcommit, each engine serves in the tier that it logs, and says why', async (t) => {
  const qemu = await findQemu();
  const images = await buildImages({
    kernel: 'bookworm',
    nodes: ['22'],
    engines: [version],
    cacheDir: resolveCacheFolder(),
  });
  const settings = { ...defaultSettings(), memory: 512 * 1024 * 1024 };
  const spec = buildMachineSpec(settings, images, { qemu: qemu.path, accelerator: 'tcg' });
  const deadlines = deadlinesFor('tcg');
  await using machine = await startMachine(spec, { kind: 'boot' });
  const session = await openSession(machine, deadlines);
  await session.request(
    { verb: 'apply', settings: [{ path: '/proc/sys/vm/overcommit_memory', value: '2' }] },
    deadlines.requestMs,
  );
  for (const [kind, engine] of [
    ['wasmtime', `--engine wasmtime@${version} --library ${enginePath(version)}`],
    ['v8', '--engine v8'],
  ] as const) {
    const reply = await session.request(
      {
        verb: 'run',
        backstopSeconds: 240,
        limits: {},
        factPaths: machineFactFiles,
        env: { PATH: '/bin', HOME: '/tmp' },
        command: ['/bin/sh', '-c', script(engine)],
      },
      300_000,
    );
    t.match(readFacts(reply.texts), { overcommitMemory: 2 });
    const { stdout, stderr, exitCode } = readSubjectRun(reply);
    t.equal(exitCode, 0, stderr);
    const line = /^\{"poolproof".*$/m.exec(stdout)?.[0] ?? '{}';
    const { tier, why, outcome, proof } = JSON.parse(line) as HostReport;
    t.equal(outcome, 'reached');
    // The pools of Spin's size are more than this guest may commit; V8 commits none.
    t.equal(tier, kind === 'wasmtime' ? 'conservative' : 'standard');
    const health = /^\{"status".*$/m.exec(stdout)?.[0] ?? '{}';
    t.match(JSON.parse(health), { status: 'serving', tier, why, slots: proof?.slots, engine: { kind } });
    if (kind === 'wasmtime') t.match(why, /^standard: .*CommitLimit leaves/);
    t.match(stdout, /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nhello$/m);
    t.match(stdout, /^exit 0$/m);
    t.match(stdout, /wasm host: SIGTERM: stopping/);
  }
});
