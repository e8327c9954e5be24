import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import t from 'tap';
import { GiB, MiB } from '../allocator/sizes.ts';
import {
  environment,
  hostArgs,
  launcher,
  runHost,
  scratch,
  wasmtime,
  type Setting,
} from '../fixtures/run-host.ts';

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
  t.match(
    stdout,
    /^wasm host: standard \(wasmtime [\d.]+ \(its library says \d+\), Node [\d.]+, 1000 slots, elided bounds checks/,
  );
  t.match(report, {
    poolproof: 'wasm-host',
    schema: 1,
    outcome: 'reached',
    tier: 'standard',
    choice: 'auto',
    engine: { kind: 'wasmtime' },
    node: process.versions.node,
    attempts: [{ tier: 'standard', ok: true, failure: null, predicted: { fits: true } }],
    proof: {
      checks: 'elided',
      slots: 1000,
      instances: 2,
      model: { checks: 'elided', slots: 1000, reservedBytes: 4_332_262_162_432, chargedBytes: 3_706_880_000 },
      kernel: {
        memory: { mappingBytes: 4_328_555_282_432, strideBytes: 4_328_521_728, slots: 1000 },
      },
    },
    warnings: [],
  });
  const { reservedBytes = 0, chargedBytes = 0, virtualBytes = 0, kernel } = report?.proof ?? {};
  // Measured: the kernel no longer counts the 1000 guard pages of the stacks as writable.
  t.ok(Math.abs(chargedBytes + 1000 * 4096 - 3_706_880_000) < 16 * 2 ** 20, `${chargedBytes} charged`);
  t.equal(reservedBytes, 4_328_555_282_432 + chargedBytes);
  t.ok(virtualBytes > reservedBytes, 'the address space was really taken');
  const [before, engine, canary] = kernel?.steps ?? [];
  t.ok((engine?.virtualBytes ?? 0) - (before?.virtualBytes ?? 0) > 4_328_555_282_432, 'with the engine');
  t.ok((engine?.maps ?? 0) - (before?.maps ?? 0) >= 2000);
  t.equal(canary?.maps, report?.proof?.maps);
  t.ok((report?.proof?.maps ?? 0) > 2000, 'a guard page for every stack');
  t.same(report?.proof?.kernel?.mappings, [], 'thousands are counted and not summed');
  t.type(report?.proof?.kernel?.committedAfter, 'number');
});

t.test('a pool of few slots is seen in /proc/self/maps', async (t) => {
  const { report } = await runHost({ env: { SPIN_ALLOCATOR: 'conservative' } });
  const [first] = report?.proof?.kernel?.mappings ?? [];
  t.match(first, { protection: '---p' });
  t.ok((first?.bytes ?? 0) > (report?.proof?.reservedBytes ?? Infinity) - 2 ** 30, 'the slab');
  t.same(report?.proof?.kernel?.memory?.mappingBytes, 64 * (4 * 2 ** 30 + 32 * 2 ** 20) + 32 * 2 ** 20);
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
    { tier: 'standard', proof: { model: { chargedBytes: 1_605_632_000 } } },
    "Spin's variables count",
  );
  const charged = fewer.report?.proof?.chargedBytes ?? 0;
  t.ok(Math.abs(charged - 1_605_632_000) < 16 * MiB, `${charged} measured`);
});

t.test('V8: guards for 1,000 memories, for 16, or explicit checks', async (t) => {
  const v8 = { engine: 'v8' };
  const all = await runHost({ options: v8 });
  t.match(all.report, { tier: 'standard', engine: { version: process.versions.v8 }, proof: { slots: 1000 } });
  t.ok((all.report?.proof?.virtualBytes ?? 0) > 1000 * 8 * 2 ** 30, 'every memory has its guard region');
  t.equal(
    all.report?.proof?.reservedBytes,
    all.report?.proof?.model?.reservedBytes,
    'cage by cage, as measured',
  );
  t.ok((all.report?.proof?.kernel?.memory?.behindBytes ?? 0) > 4 * GiB - MiB);
  const few = await runHost({ options: v8, before: `ulimit -v ${mib(262_144)}` });
  t.match(few.report, {
    tier: 'conservative',
    attempts: [{ failure: { class: 'v8-memory' } }, { ok: true }],
  });
  const none = await runHost({ options: v8, before: `ulimit -v ${mib(6144)}` });
  t.match(none.report, {
    tier: 'on-demand',
    proof: { checks: 'explicit', kernel: { memory: { mappingBytes: 4 * MiB, guardBeforeBytes: 0 } } },
  });
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
    [{ options: { ...wasmtime, engine: 'wasmtime@new' } }, /version must be whole, as in wasmtime@50\.0\.1/],
    [
      { options: { engine: 'wasmtime', library: '/nowhere.so' } },
      /does not say its version .*say --engine wasmtime@/,
    ],
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
  const { code, report, stderr } = await runHost({ options: { ...wasmtime, node, deadline: '8' } });
  t.equal(code, 0);
  t.match(report, { tier: 'conservative', attempts: [{ failure: { class: 'timeout' } }, { ok: true }] });
  t.match(stderr, /^wasm host: standard: nothing within 8 s, killed$/m);
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
      // What the launcher told to end has no parent any more, and may end a moment after it.
      for (const pid of workers) while (existsSync(`/proc/${pid}/status`)) await setTimeout(10);
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
