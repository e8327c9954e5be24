import { execFile } from 'node:child_process';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import t, { type Test } from 'tap';
import { launcher, library, version } from '../../images/fixtures/run-host.ts';
import { listen } from '../fixtures/fake-commands.ts';
import { advise as command } from './advise.ts';

const cli = path.resolve(import.meta.dirname, '../../dist/harness/cli.js');
const report = path.resolve(import.meta.dirname, '../fixtures/field/version-2.yaml');

async function advise(words: readonly string[], options: Readonly<Record<string, unknown>> = {}) {
  const { context, out, err } = listen();
  return { code: await command(context, words, options), out: out(), err: err() };
}

/** The built command under a limit of the shell: only a process of its own can have one. */
function adviseUnder(limit: string, ...words: readonly string[]) {
  const args = ['-c', `${limit}; exec "$@"`, 'sh', process.execPath, cli, 'advise', '--json', ...words];
  return new Promise<{ code: number | null; advice: unknown; stderr: string }>((resolve) => {
    const child = execFile('sh', args, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode, advice: JSON.parse(stdout || 'null'), stderr }),
    );
  });
}

/** A report like the stored one, with some of its text replaced. */
async function change(t: Test, from: RegExp, to: string): Promise<string> {
  const text = await readFile(report, 'utf8');
  t.match(text, from);
  const dir = t.testdir({ 'report.yaml': text.replace(from, to) });
  return path.join(dir, 'report.yaml');
}

t.test('a report of another machine is judged by its facts, and nothing is started', async (t) => {
  const whole = await advise([report], { host: 'spin' });
  t.match(whole, {
    code: 0,
    out: /^Spin 4[^]*the reported machine[^]*not proven: that is another machine\n$/,
  });
  const limited = await change(t, /(Max address space +)unlimited +unlimited/, '$1549755813888 549755813888');
  const smaller = await advise([limited], { host: 'spin@3.4.1', json: true });
  t.equal(smaller.code, 1);
  t.match(JSON.parse(smaller.out), {
    poolproof: 'advice',
    schema: 1,
    host: 'spin',
    version: '3.4.1',
    fits: 'smaller',
    setup: { env: { SPIN_MAX_INSTANCE_COUNT: /^\d+$/, SPIN_WASMTIME_POOLING: '1' } },
    raises: [{ limit: 'RLIMIT_AS' }],
    proof: null,
    exit: 1,
  });
});

t.test('without a deciding fact nothing can be told', async (t) => {
  const damaged = await change(t, /Max address space +unlimited +unlimited/, 'Max nothing at all   1  1');
  t.match(await advise([damaged], { host: 'wash' }), {
    code: 2,
    out: /cannot tell: resourceLimits\.addressSpace unknown\n$/,
  });
});

t.test('a host, a version or a program that there is not is refused with those that there are', async (t) => {
  const refuse = (words: readonly string[], options: Readonly<Record<string, unknown>>, message: RegExp) =>
    t.rejects(advise(words, options), { code: 'USAGE', message });
  await refuse([], { host: 'apache' }, /^--host apache/);
  await refuse([], { host: 'spin@new', proof: false }, /^--host spin@new: not a version/);
  await refuse([], { host: 'wash', program: '/nowhere' }, /there is no such program/);
  await refuse([], { program: cli }, /node is proven by poolproof itself/);
  await refuse([report, report], {}, /at most one field report/);
  await t.rejects(advise(['/nowhere.yaml']), { code: 'FIELD_NOT_FOUND' });
});

t.test('the wasm host proves what is advised for it, under a limit on this machine', async (t) => {
  const free = await adviseUnder(':', '--library', library);
  t.match(
    free,
    { code: 0, advice: { fits: 'whole', proof: { agrees: true, seen: /1000 slots/ }, exit: 0 } },
    free.stderr,
  );
  const data = await adviseUnder('ulimit -d 1048576', '--library', library);
  t.match(data, {
    code: 1,
    advice: { fits: 'smaller', proof: { agrees: true }, raises: [{ limit: 'RLIMIT_DATA' }] },
  });
  const { setup, reached } = data.advice as {
    setup: { env: Record<string, string> };
    reached: { slots: number };
  };
  t.equal(setup.env['SPIN_MAX_INSTANCE_COUNT'], String(reached.slots));
  t.ok(reached.slots > 64, 'more than it takes by itself');
  const space = await adviseUnder('ulimit -v 8388608', '--library', library);
  t.match(space, {
    code: 1,
    advice: {
      setup: { env: {} },
      reached: { tier: 'conservative', checks: 'explicit' },
      proof: { agrees: true },
    },
  });
  const none = await adviseUnder('ulimit -v 2097152', '--library', library);
  t.match(none, {
    code: 1,
    advice: { fits: 'none', reached: { tier: 'on-demand' }, proof: { agrees: true } },
  });
});

/** In the place of wasmtime: says the version, then does what `body` says. */
async function standIn(t: Test, body: string): Promise<string> {
  const file = path.join(t.testdir(), 'wasmtime');
  await writeFile(file, `#!/bin/sh\n[ "$1" = --version ] && { echo wasmtime ${version}; exit; }\n${body}\n`);
  await chmod(file, 0o755);
  return file;
}

t.test('a host is believed when the kernel shows its pool, also in a process that it starts', async (t) => {
  const engine = `sh ${launcher} --node ${process.execPath} --engine wasmtime --library ${library} --profile wasmtime`;
  const pooled = await standIn(t, `${engine} | sed -u 's/^wasm host: standard.*/Serving HTTP on .../'`);
  const proven = await advise([], { host: 'wasmtime-serve', program: pooled });
  t.match(proven, {
    code: 0,
    out: /^wasmtime serve 50[^]*proven: \/proc\/\d+\/maps: 3\.9\d TiB reserved .*, the pool of 3\.94 TiB among them/,
  });
});

t.test('a host that shows no pool, or does not come up, refutes the prediction', async (t) => {
  const without = await standIn(t, 'echo "Serving HTTP on ..."; exec sleep 60');
  const refuted = await advise([], { host: 'wasmtime-serve', program: without });
  t.match(
    refuted,
    { code: 2, out: /cannot tell: the prediction is refuted by .*writable, and no pool/ },
    refuted.err,
  );
  const dies = await standIn(t, 'echo failed to create stack pool mapping >&2; exit 1');
  t.match(await advise([], { host: 'wasmtime-serve', program: dies }), {
    code: 2,
    out: /it did not come up: failed to create stack pool mapping\n$/,
  });
  t.match(await advise([], { host: 'wasmtime-serve', program: dies, proof: false }), {
    code: 0,
    out: /not proven/,
  });
});

t.test('a report’s machine has its own versions of the hosts', async (t) => {
  const { out } = await advise([report], { host: 'node', json: true });
  t.match(JSON.parse(out), { host: 'node', version: /^\d+\.\d+\.\d+$/ });
});
