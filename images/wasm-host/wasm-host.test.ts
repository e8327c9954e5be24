import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t from 'tap';
import type { HostReport } from '../allocator/host-report.ts';
import { findEngineLibrary } from '../engine-library.ts';
import { hostCommand, type HostOptions } from './launch.ts';

/** The launcher as built: plain Node runs it, so it needs the compiled worker beside it. */
const launcher = path.resolve(import.meta.dirname, '../../dist/images/wasm-host/wasm-host.sh');

/** The pinned libwasmtime, fetched through pip when it is not in the image cache. */
const version = '50.0.1';
const library = await findEngineLibrary(version);

type Run = Readonly<{ code: number | null; stdout: string; stderr: string; report: HostReport | null }>;

type Setting = Readonly<{
  options?: HostOptions;
  /** Run by the shell before the launcher: `ulimit -v 1048576`. */
  before?: string;
  shell?: string;
  env?: Readonly<Record<string, string>>;
}>;

const wasmtime: HostOptions = { engine: `wasmtime@${version}`, library };
const scratch = mkdtempSync(path.join(tmpdir(), 'wasm-host-test-'));
t.teardown(() => rmSync(scratch, { recursive: true, force: true }));

const environment = (env: Setting['env']) => ({ PATH: process.env['PATH'], TMPDIR: scratch, ...env });

function hostArgs(options: HostOptions): readonly string[] {
  // The command of the sources, with the launcher of the build.
  return hostCommand({ deadline: '30', node: process.execPath, ...options }).args.with(0, launcher);
}

function runHost({ options = wasmtime, before = ':', shell = 'sh', env }: Setting): Promise<Run> {
  const words = [...shell.split(' '), '-c', `${before}; exec "$@"`, 'sh', ...shell.split(' ')];
  const [program = '', ...args] = [...words, ...hostArgs({ once: true, ...options })];
  return new Promise((resolve) => {
    const child = execFile(program, args, { env: environment(env) }, (_error, stdout, stderr) => {
      const lines = stdout.trim().split('\n');
      const last = lines.at(-1) ?? '';
      const report = last.startsWith('{') ? (JSON.parse(last) as HostReport) : null;
      resolve({ code: child.exitCode, stdout, stderr, report });
    });
  });
}

const mib = (size: number) => size * 1024;

t.test('the launcher is built', (t) => {
  t.ok(existsSync(launcher), 'dist/ holds the launcher: npm run build');
  t.ok(existsSync(path.join(path.dirname(launcher), 'canary.wasm')));
  t.end();
});

t.test('without limits wasmtime reaches standard, with two log lines and a proof', async (t) => {
  const { code, stdout, stderr, report } = await runHost({});
  t.equal(code, 0);
  t.equal(stderr, '');
  t.equal(stdout.trim().split('\n').length, 2);
  t.match(stdout, /^wasm host: standard \(wasmtime [\d.]+, Node [\d.]+, 1000 slots, elided bounds checks/);
  t.match(report, {
    poolproof: 'wasm-host',
    schema: 1,
    outcome: 'reached',
    tier: 'standard',
    choice: 'auto',
    engine: { kind: 'wasmtime' },
    node: process.versions.node,
    attempts: [{ tier: 'standard', ok: true, failure: null, predicted: { fits: true } }],
    proof: { checks: 'elided', slots: 1000, chargedBytes: 3_706_880_000, instances: 2 },
    warnings: [],
  });
  t.equal(report?.proof?.reservedBytes, 4_332_262_162_432);
  t.ok((report?.proof?.virtualBytes ?? 0) > 4_332_262_162_432, 'the address space was really taken');
  t.ok((report?.proof?.maps ?? 0) > 2000, 'a guard page for every stack');
  t.same(report?.proof?.kernel?.mappings, [], 'thousands are counted and not summed');
  t.type(report?.proof?.kernel?.committedAfter, 'number');
});

t.test('a pool of few slots is seen in /proc/self/maps', async (t) => {
  const { report } = await runHost({ env: { SPIN_ALLOCATOR: 'conservative' } });
  const [first] = report?.proof?.kernel?.mappings ?? [];
  t.match(first, { protection: '---p' });
  t.ok((first?.bytes ?? 0) > (report?.proof?.reservedBytes ?? Infinity) - 2 ** 30, 'the slab');
});

t.test('each tier can be forced, in every engine', async (t) => {
  for (const engine of [wasmtime, { engine: 'v8' }]) {
    for (const [choice, tier, checks] of [
      ['pooling', 'standard', 'elided'],
      ['conservative', 'conservative', 'elided'],
      ['on-demand', 'on-demand', engine.engine === 'v8' ? 'explicit' : 'elided'],
    ] as const) {
      const { code, report, stdout } = await runHost({ options: engine, env: { SPIN_ALLOCATOR: choice } });
      t.equal(code, 0, `${String(engine.engine)} ${choice}`);
      t.match(report, { tier, choice: tier, proof: { checks } });
      t.notMatch(stdout, /disabled automatically/, 'asked for is not automatic');
    }
  }
});

t.test('an address-space limit: conservative with small slots, below that on-demand', async (t) => {
  const conservative = await runHost({ before: `ulimit -v ${mib(8192)}` });
  t.match(conservative.report, {
    tier: 'conservative',
    attempts: [
      {
        ok: false,
        failure: {
          class: 'pool-mapping',
          pool: 'memory',
          bytes: 4_328_555_282_432,
          errno: 'ENOMEM',
          signal: 'SIGABRT',
        },
        predicted: { fits: false, shortfall: { pool: 'memory', limit: 'RLIMIT_AS' } },
      },
      { ok: true },
    ],
    proof: { checks: 'explicit', slots: 16 },
  });
  t.match(
    conservative.stderr,
    /warning: standard: memory pool needs 3\.94 TiB, RLIMIT_AS leaves \d+ MiB; .*ulimit -v/,
  );

  const { report, stdout } = await runHost({ before: `ulimit -v ${mib(1536)}` });
  t.match(report, {
    tier: 'on-demand',
    attempts: [{ ok: false }, { ok: false, predicted: { fits: false } }, { ok: true }],
    proof: { checks: 'explicit', slots: null },
  });
  const [line = ''] = stdout.split('\n');
  t.match(line, /pooling allocator disabled automatically; this is normal and changes no function; cost: /);
  t.match(line, /cure: a larger address-space limit/);
  t.notMatch(line, /overcommit/, 'overcommit would cure nothing here');
});

t.test('a data limit: the table pool, then the stack pool, does not fit', async (t) => {
  for (const [limit, pool, bytes] of [
    [640, 'table', 1_605_632_000],
    [3072, 'stack', 2_101_248_000],
  ] as const) {
    const { report } = await runHost({ before: `ulimit -d ${mib(limit)}` });
    t.match(report, {
      tier: 'conservative',
      attempts: [{ failure: { class: 'pool-mapping', pool, bytes } }, { ok: true }],
      proof: { checks: 'elided' },
    });
  }
  const fewer = await runHost({ before: `ulimit -d ${mib(3072)}`, env: { SPIN_WASMTIME_TOTAL_STACKS: '0' } });
  t.match(
    fewer.report,
    { tier: 'standard', proof: { chargedBytes: 1_605_632_000 } },
    "Spin's variables count",
  );
});

t.test('V8: guards for 1,000 memories, for 16, or explicit checks', async (t) => {
  const v8 = { engine: 'v8' };
  const all = await runHost({ options: v8 });
  t.match(all.report, { tier: 'standard', engine: { version: process.versions.v8 }, proof: { slots: 1000 } });
  t.ok((all.report?.proof?.virtualBytes ?? 0) > 1000 * 8 * 2 ** 30, 'every memory has its guard region');
  const few = await runHost({ options: v8, before: `ulimit -v ${mib(262_144)}` });
  t.match(few.report, {
    tier: 'conservative',
    attempts: [{ failure: { class: 'v8-memory' } }, { ok: true }],
  });
  const none = await runHost({ options: v8, before: `ulimit -v ${mib(6144)}` });
  t.match(none.report, { tier: 'on-demand', proof: { checks: 'explicit' } });
});

t.test('a forced tier that fails is an error, not a fallback', async (t) => {
  const { code, report, stdout } = await runHost({
    before: `ulimit -v ${mib(8192)}`,
    env: { SPIN_ALLOCATOR: 'standard' },
  });
  t.equal(code, 3);
  t.match(stdout, /^wasm host: no allocator tier works/);
  t.match(report, {
    outcome: 'exhausted',
    tier: null,
    choice: 'standard',
    proof: null,
    attempts: [{ ok: false }],
  });
  t.equal(report?.attempts.length, 1);
});

t.test('what cannot be meant exits with 2 before anything runs, and says what is good', async (t) => {
  const bad: readonly (readonly [Setting, RegExp])[] = [
    [{ env: { SPIN_ALLOCATOR: 'fast' } }, /auto, standard, conservative, on-demand/],
    [{ env: { SPIN_ALLOCATOR: '' } }, /auto, standard, conservative, on-demand/],
    [{ env: { SPIN_WASMTIME_POOLING: 'yes' } }, /must be 0 or 1/],
    [{ env: { SPIN_WASMTIME_TOTAL_STACKS: 'many' } }, /SPIN_WASMTIME_TOTAL_STACKS=many/],
    [{ options: { engine: 'v9' } }, /wasmtime, wasmtime@VERSION or v8/],
    [{ options: { engine: 'wasmtime@50.0.1' } }, /no libwasmtime: give --library/],
    [{ options: { ...wasmtime, engine: 'wasmtime@new' } }, /say --engine wasmtime@VERSION/],
    [{ options: { ...wasmtime, profile: 'own' } }, /spin or wasmtime/],
    [{ options: { ...wasmtime, deadline: '0' } }, /whole number of seconds/],
    [{ options: { ...wasmtime, node: '/nowhere/node' } }, /no such program/],
  ];
  for (const [setting, words] of bad) {
    const { code, stderr, stdout } = await runHost(setting);
    t.equal(code, 2, stderr);
    t.match(stderr, words);
    t.equal(stdout, '');
  }
});

t.test('a library that is none fails every tier with its class, and is reported', async (t) => {
  const library = path.join(scratch, 'empty.so');
  writeFileSync(library, '');
  const { code, report } = await runHost({ options: { engine: 'wasmtime@50.0.1', library } });
  t.equal(code, 3);
  t.same(
    report?.attempts.map(({ failure }) => failure?.class),
    ['library', 'library', 'library'],
  );
});

t.test('Node that dies before its JavaScript is a crash, with its words and status', async (t) => {
  const { code, stderr, stdout } = await runHost({ before: `ulimit -v ${mib(256)}` });
  t.ok((code ?? 0) > 128, `status ${String(code)}`);
  t.match(stderr, /Fatal process .*OOM|out of memory/i);
  t.match(stderr, /Node did not start/);
  t.equal(stdout, '');
});

/** A stand-in for Node, to see the launcher deal with workers that hang, are killed or know no flag. */
function fakeNode(name: string, script: string): string {
  const file = path.join(scratch, name);
  writeFileSync(file, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return file;
}

t.test('a worker that hangs is killed at the deadline and the next tier is tried', async (t) => {
  const hangs = `case "$*" in *"--tier standard"*) : >"$(echo "$*" | sed 's/.*--state \\([^ ]*\\).*/\\1/')/1.started"; exec sleep 60 ;; esac`;
  const node = fakeNode('hanging-node', `${hangs}\nexec "${process.execPath}" "$@"`);
  const { code, report, stderr } = await runHost({ options: { ...wasmtime, node, deadline: '1' } });
  t.equal(code, 0);
  t.match(report, { tier: 'conservative', attempts: [{ failure: { class: 'timeout' } }, { ok: true }] });
  t.match(stderr, /a longer --deadline/);
});

t.test('a worker killed by the kernel, and a Node without the flag, are told apart', async (t) => {
  const dies = `case "$*" in *"--tier standard"*) : >"$(echo "$*" | sed 's/.*--state \\([^ ]*\\).*/\\1/')/1.started"; kill -KILL $$ ;; esac`;
  const node = fakeNode('dying-node', `${dies}\nexec "${process.execPath}" "$@"`);
  const killed = await runHost({ options: { ...wasmtime, node } });
  t.match(killed.report?.attempts[0]?.failure, { class: 'killed', signal: 'SIGKILL' });

  const refuses = `[ "$1" = --disable-wasm-trap-handler ] && { echo "node: bad option: $1" >&2; exit 9; }`;
  const old = fakeNode('old-node', `${refuses}\nexec "${process.execPath}" "$@"`);
  const unsupported = await runHost({
    options: { engine: 'v8', node: old },
    env: { SPIN_ALLOCATOR: 'on-demand' },
  });
  t.equal(unsupported.code, 3);
  t.match(unsupported.report?.attempts, [{ failure: { class: 'unsupported', exitCode: 9 } }]);
});

t.test(
  'every shell runs the launcher, which serves until told to stop and leaves nothing behind',
  async (t) => {
    for (const shell of ['dash', 'bash', 'busybox sh']) {
      const [program = '', ...rest] = shell.split(' ');
      const child = spawn(program, [...rest, ...hostArgs(wasmtime)], { env: environment({}) });
      let stdout = '';
      await new Promise<void>((resolve) => {
        child.stdout.on('data', (chunk: Buffer) => {
          stdout += chunk.toString();
          if (stdout.split('\n').length === 3) resolve();
        });
        child.once('exit', () => resolve());
      });
      t.match(stdout, /"tier":"standard"/, shell);
      const workers = readFileSync(`/proc/${String(child.pid)}/task/${String(child.pid)}/children`, 'latin1')
        .trim()
        .split(' ');
      const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
      child.kill('SIGTERM');
      t.equal(await ended, 0, shell);
      for (const pid of workers) t.notOk(existsSync(`/proc/${pid}/status`), `process ${pid} is gone`);
      t.same(
        readdirSync(scratch).filter((name) => name.startsWith('wasm-host.')),
        [],
      );
    }
  },
);

t.test('the launcher explains itself', async (t) => {
  const { code, stdout } = await runHost({ options: {}, before: 'set -- sh "$2" --help' });
  t.equal(code, 0);
  t.match(stdout, /^Usage: wasm-host\.sh/);
});
