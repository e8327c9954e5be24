import { spawnSync } from 'node:child_process';
import { cp, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import t, { type Test } from 'tap';
import { plainFacts, type Script } from './fixtures/fake-machine.ts';
import { listen, run, standardOutput } from './fixtures/fake-commands.ts';
import { readPromisedMib } from './plan/computer.ts';
import { main } from './program.ts';
import type { Format } from './report/format.ts';
import { formats } from './report/formats.ts';

const good: Script = { stdout: standardOutput };
const cell = 'memory=512M,overcommit=0';

const matrix = 'title: a title\naxes: { memory: [512M], overcommit: [0], thp: [always] }\nrepeat: 2\n';

t.test('run stores and shows its cells, and its exit code is their verdict', async (t) => {
  const dir = t.testdir({ 'm.yaml': matrix });
  const results = path.join(dir, 'results');
  const words = ['run', path.join(dir, 'm.yaml'), '--results', results, '--cold', '--jobs', '1'];
  const whole = await run(t, [...words, '--details', '--timings']);
  t.equal(whole.code, 0, whole.err);
  t.match(
    whole.out,
    /^\na title\n\n[^]*standard[^]*2 cells: 2 reached[^]*results in .*\npage: .*report\.html\n/,
  );
  const json = await run(t, [...words, '--json', '--only', 'thp=always'], [{ exitCode: 134 }]);
  t.equal(json.code, 1);
  const lines = json.out
    .trimEnd()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
  t.match(lines, [{ outcome: 'crashed', verdict: 'unexpected' }, { repetition: 2 }]);
  const invalid = await run(t, words, [{ ...good, facts: { '/proc/sys/vm/overcommit_memory': '1' } }]);
  t.equal(invalid.code, 2);
  const tap = await run(t, [...words, '--reporter', 'tap=-', '--retries', '1', '--template-cache', '1G']);
  t.match(tap, { code: 0, out: /^TAP version 14\n/, err: /a title/ });
  const firstDir = whole.out.match(/results in (.*)/)?.[1] ?? '';
  const resumed = await run(t, [...words, '--resume', path.basename(firstDir)]);
  t.match(resumed, { code: 0, out: /standard/ });
  const byItself = await run(t, ['run', ...words.slice(2), '--resume', path.basename(firstDir)]);
  t.match(byItself, { code: 0, out: /^\na title\n/ }, 'by the matrix of the run');
  const shard = await run(t, [...words, '--shard', '1/1', '--durations', 'latest', '--memory-budget', '4G']);
  t.match(shard, { code: 0, out: /standard/ });
});

t.test('a run with a tag is found by it; one that cannot be told from others is refused', async (t) => {
  const dir = t.testdir({ 'm.yaml': matrix });
  const results = ['--results', path.join(dir, 'results')];
  const start = (...words: string[]) =>
    run(t, ['run', path.join(dir, 'm.yaml'), '--cold', '--jobs', '1', ...results, ...words]);
  for (const tag of ['nightly', 'nightly', 'other']) t.match(await start('--tag', tag), { code: 0 });
  t.match(await run(t, ['report', 'nightly', ...results]), { code: 0, out: /2 cells: 2 reached/ });
  t.match(await run(t, ['compare', 'nightly~1', 'nightly', ...results]), { code: 0, out: /no change/ });
  const explained = await run(t, ['explain', `${cell}@nightly`, ...results]);
  t.match(explained, { code: 0, out: /^cell: memory=512M/ });
  t.match(await run(t, ['explain', `${cell}@nigthly`, ...results]), {
    code: 2,
    err: /^STORE_NOT_FOUND: .*no run nigthly\n {2}did you mean nightly\? runs here: (?:other|nightly), (?:other|nightly), 20/,
  });
  t.match(await start('--tag', 'latest'), { code: 2, err: /^USAGE: --tag latest/ });
  t.match(await start('--tag', 'x', '--resume'), { code: 2, err: /^USAGE: --tag and --resume/ });
});

t.test('cells of a stored run that failed or broke are run again, by its own matrix', async (t) => {
  const dir = t.testdir({ 'm.yaml': matrix });
  const rest = ['--results', path.join(dir, 'results'), '--cold', '--jobs', '1'];
  const again = (...words: string[]) => run(t, ['run', ...words, ...rest]);
  const start = async (script: Script, code: number): Promise<string> => {
    const { out, ...ended } = await run(t, ['run', path.join(dir, 'm.yaml'), ...rest], [script]);
    t.equal(ended.code, code);
    return path.basename(/results in (.*)/.exec(out)?.[1] ?? '');
  };
  const failed = await start({ exitCode: 134 }, 1);
  const broken = await start({ ...good, facts: { '/proc/sys/vm/overcommit_memory': '1' } }, 2);
  const whole = { code: 0, out: /^\na title\n[^]*2 cells: 2 reached/ };
  const nothing = { code: 0, out: /^no cell of that run is to be run again/ };
  t.match(await again('--failed', failed), whole);
  t.match(await again('--broken', failed), nothing);
  t.match(await again('--failed', broken), nothing);
  t.match(await again('--broken', broken), whole);
  t.match(await again('--failed', failed, '--broken', failed), whole);
  t.match(await again('--failed', failed, '--broken', broken), { code: 2, err: /^USAGE: .*the same run/ });
  for (const other of ['--resume', '--only=thp=always'])
    t.match(await again('--failed', other), { code: 2, err: /^USAGE: --failed and --/ });
});

t.test('init writes a matrix that loads, with its schema, and never over another file', async (t) => {
  const file = path.join(t.testdir(), 'first.yaml');
  t.match(await run(t, ['init', file]), { code: 0, out: /: 4 cells\nrun it: poolproof run / });
  const schema = /^# yaml-language-server: \$schema=(\S+)\n/.exec(await readFile(file, 'utf8'))?.[1] ?? '';
  t.ok((await stat(path.resolve(path.dirname(file), schema))).isFile(), schema);
  t.match(await run(t, ['plan', file]), { code: 0, out: /\n4 cells, 2 boots; / });
  t.match(await run(t, ['init', file]), { code: 2, err: /^USAGE: .*first\.yaml: .*there already/ });
  t.match(await run(t, ['init', path.join(file, 'x')]), { code: 3, err: /^STORE_UNWRITABLE: / });
});

t.test('plan says which cells have no room on this computer', async (t) => {
  const file = path.join(t.testdir({ 'm.yaml': 'axes: { memory: [512M, 1T] }\n' }), 'm.yaml');
  const { code, out, err } = await run(t, ['plan', file]);
  t.match({ code, out }, { code: 0, out: /^memory=1T[^]*\n2 cells, 2 boots; /m });
  const refused =
    /^1 cell of more memory than the kernel here promises a process, \d+ MiB: run refuses them\n$/;
  t.match(err, (await readPromisedMib()) < 2 ** 20 ? refused : /^$/);
});

t.test('plan says what is predicted, what is booted and with which command', async (t) => {
  const axes = 'axes: { memory: [512M, 1G, 2G], overcommit: [0, 1, 2], thp: [always, never] }';
  const folder = t.testdir({ 'm.yaml': matrix, 'c.yaml': `${axes}\ncover: pairwise\n` });
  const [file, covering] = [path.join(folder, 'm.yaml'), path.join(folder, 'c.yaml')];
  const plain = await run(t, ['plan', file]);
  t.match(plain, { code: 0, out: /^memory=512M.* boot 1 {2}standard\n.*\n2 cells, 1 boot; predicted/ });
  t.match(await run(t, ['plan', covering]), {
    code: 0,
    out: /\ncover: (\d+) of 18 combinations; 21 of 21 pairs of values occur\n\1 cells, 3 boots; predicted/,
  });
  const json = await run(t, ['plan', file, '--json']);
  t.match(JSON.parse(json.out.split('\n')[1]!), { boot: 1, repetition: 2, predicted: { tier: 'standard' } });
  const commands = await run(t, ['plan', file, '--commands']);
  t.equal(commands.out.match(/ -machine /g)?.length, 1, 'one command per boot');
  const jobs = await run(t, ['plan', file, '--format', 'github-matrix', '--shards', '1']);
  t.match(JSON.parse(jobs.out), { include: { length: 1 } });
  t.match(await run(t, ['plan', file, '--format', 'jenkins']), { code: 2, err: /^USAGE: .*github-matrix/ });
});

t.test('a shell sends what is typed to the guest and ends with it', async (t) => {
  t.testdir();
  const left = await run(t, ['shell', cell], [good], 'ls\n\x1d');
  t.match(left, {
    code: 0,
    err: /booting memory=512M.*\nsettings applied. The wasm host of this cell:\n {2}\/bin\/sh /,
  });
  t.match(await run(t, ['shell', 'memory=1'], []), { code: 2, err: /^(?:USAGE|CELL)/ });
  t.match(await run(t, ['shell', cell], [{ exitAtStart: true }]), { code: 2, err: /MACHINE_EXITED: / });
});

t.test('exec ends as its command does, and says where the guest gave no answer', async (t) => {
  t.testdir();
  const exec = (script: Script, ...words: string[]) => run(t, ['exec', cell, ...words], [script]);
  t.match(await exec({ exitCode: 7 }, '--', 'false', '-x'), { code: 7, err: /^booting memory=512M/ });
  t.match(await exec({ exitCode: 134 }, '--', 'x'), { code: 134 }, 'a signal, as a shell reports it');
  t.match(await exec({ exitCode: 137, timedOut: true }, '--timeout', '5', '--', 'x'), {
    code: 124,
    err: /\nnotice: ended after 5 s/,
  });
  t.match(await exec({ exitAtStart: true }, '--', 'x'), { code: 2, err: /MACHINE_EXITED: / });
  t.match(await exec({}, '--', 'two\nlines'), { code: 2, err: /^USAGE: .*line break/m });
  t.match(await exec({}), { code: 2, err: /missing required argument 'command'/ });
});

t.test('what images need no network for works without one', async (t) => {
  const dir = t.testdir();
  t.match(await run(t, ['images', 'list']), { code: 0, out: /^kernel-\S+ +absent/ });
  const json = await run(t, ['images', 'list', '--json']);
  t.match(JSON.parse(json.out), [{ state: 'absent' }]);
  t.match(await run(t, ['images', 'verify']), { code: 0, out: '0 files read, 0 damaged\n' });
  t.match(await run(t, ['images', 'gc', '--keep', '1G']), { code: 0, out: /^0 files removed/ });
  t.match(await run(t, ['images', 'gc']), { code: 0, out: /^0 files removed/ });
  t.match(await run(t, ['images', 'import', path.join(dir, 'none')]), { code: 3, err: /^IMAGE_ARCHIVE: / });
  t.match(await run(t, ['images', 'import']), { code: 2, err: /missing required argument/ });
  const several = path.join(dir, 'm.yaml');
  await writeFile(several, 'axes: { kernel: [bookworm, trixie] }\n');
  t.match(await run(t, ['images', 'export', 'x', several]), { code: 2, err: /^USAGE: .*several/ });
  t.match(await run(t, ['images', 'build', path.join(dir, 'none')]), { code: 2, err: /^MATRIX_NOT_FOUND/ });
});

t.test('doctor has a line per need, and the command for what is missing', async (t) => {
  const dir = t.testdir({ qemu: '#!/bin/sh\necho QEMU emulator version 8.2.0\n' });
  const qemu = path.join(dir, 'qemu');
  spawnSync('chmod', ['755', qemu]);
  process.env['POOLPROOF_QEMU'] = qemu;
  t.teardown(() => delete process.env['POOLPROOF_QEMU']);
  const { code, out } = await run(t, ['doctor']);
  t.match(out, /^ok +.*Node \d+[^]*QEMU 8\.2\.0 at [^]*images are built\n/);
  t.equal(code, out.includes('MISSING') ? 3 : 0);
  process.env['POOLPROOF_QEMU'] = path.join(dir, 'none');
  const missing = await run(t, ['doctor']);
  t.match(missing, { code: 3, out: /\nMISSING .*\n[^]*\nsudo apt-get install .*qemu-system-x86/ });
});

t.test('host and overhead refuse what they cannot run before they start anything', async (t) => {
  t.testdir();
  t.match(await run(t, ['overhead', '--processes', '2']), { code: 2, err: /^USAGE: .*at least 3/ });
  t.match(await run(t, ['overhead', '--tier', 'x']), { code: 2, err: /^USAGE: / });
  t.match(await run(t, ['overhead', '--workloads', 'x']), { code: 2, err: /^USAGE: / });
  t.match(await run(t, ['host', '--engine', 'v8', '--profile', 'x', '--once']), { code: 2 });
  for (const command of ['host', 'overhead']) {
    t.match(await run(t, [command, '--engine', 'nope']), {
      code: 2,
      err: /^USAGE: `nope` is not a value of `engine`/,
    });
    t.match(await run(t, [command, '--engine', 'V8']), { code: 2, err: /did you mean `v8`\?/ });
    t.match(await run(t, [command, '--library', '/nope']), {
      code: 2,
      err: /^USAGE: \/nope: .*no such file/,
    });
  }
});

t.test('commands about the field ask guests and end with what these answer', async (t) => {
  const dir = t.testdir();
  const at = ['--results', path.join(dir, 'results')];
  const dies: Script = { exitCode: 134, stderr: 'Fatal process out of memory' };
  t.match(await run(t, ['explain', cell, ...at]), { code: 0, out: /^cell: memory=512M[^]*seen: standard/ });
  t.match(await run(t, ['explain', `${cell}@latest`, ...at], []), {
    code: 0,
    out: /seen: standard/,
    err: '',
  });
  t.match(await run(t, ['explain', `${cell}@typo`, ...at], []), {
    code: 2,
    err: /^STORE_NOT_FOUND: .*no run typo/,
  });
  t.match(await run(t, ['repro', cell, ...at]), {
    code: 0,
    out: /looked for: reached, standard[^]*reproduced\n$/,
  });
  t.match(await run(t, ['repro', cell, ...at], [dies]), { code: 1, out: /not reproduced\n$/ });
  t.match(await run(t, ['repro', cell, '--shell', '--json'], [good], '\x1d'), {
    code: 0,
    out: /"reproduced"/,
  });
  t.match(await run(t, ['repro', 'none', ...at]), { code: 2, err: /^FIELD_NOT_FOUND: / });
  t.match(await run(t, ['fix', cell, ...at]), { code: 0, out: /nothing to fix: standard is reached/ });
  t.match(await run(t, ['fix', cell], [dies]), { code: 1, out: /no cure found for this failure/ });
  t.match(await run(t, ['fix', cell, '--tier', 'x']), { code: 2, err: /^USAGE: / });
  const meminfo = plainFacts['/proc/meminfo']!.replace(/MemTotal: +\d+/, 'MemTotal: 2020000');
  const minimize = ['minimize', 'memory=2G,overcommit=0,node=20', ...at];
  // The facts of a guest of 2 GiB, which are near enough to those of the next steps.
  const dead: Script = { ...dies, facts: { '/proc/meminfo': meminfo } };
  t.match(await run(t, minimize, [dead]), { code: 0, out: /crashed/ });
  const bisect = ['bisect', '--axis', 'memory', '--from', '2G', '--to', '2064M', '--where', 'overcommit=0'];
  t.match(await run(t, bisect, [dead]), { code: 1, out: /^standard is reached nowhere from 2G to 2064M\n/ });
  t.match(await run(t, ['bisect']), { code: 2, err: /required option '--axis/ });
  t.match(await run(t, ['bisect', '--axis', 'x']), { code: 2, err: /^USAGE: / });
});

/** Runs a command line that a signal stops at the first line on standard error that matches. */
async function interrupt(t: Test, words: readonly string[], scripts: readonly Script[], at: RegExp) {
  process.env['POOLPROOF_CACHE'] = path.join(t.testdirName, 'cache');
  const { context, out, err } = listen(scripts);
  const controller = new AbortController();
  const code = await main(words, {
    ...context,
    signal: controller.signal,
    seams: { ...context.seams, deadlines: { subjectMs: 10_000 } },
    err: (text) => {
      context.err(text);
      if (at.test(text)) setImmediate(() => controller.abort());
    },
  });
  return { code, out: out(), err: err() };
}

t.test('a search names each guest before it boots, and keeps what it knew when it is stopped', async (t) => {
  const at = ['--results', path.join(t.testdir(), 'results')];
  // The facts of a guest of 2 GiB, which are near enough to those of the next steps.
  const meminfo = plainFacts['/proc/meminfo']!.replace(/MemTotal: +\d+/, 'MemTotal: 2020000');
  const facts = { '/proc/meminfo': meminfo };
  const [works, hangs] = [
    { ...good, facts },
    { neverEnds: true, facts },
  ];
  const dies: Script = { exitCode: 134, stderr: 'Fatal process out of memory', facts };
  const pooling = 'memory=2G,overcommit=0,env.SPIN_WASMTIME_POOLING=0';
  t.match(await interrupt(t, ['fix', pooling, ...at], [dies, works, hangs], /^3\. booting /), {
    code: 130,
    out: /^cell: .*\nnow: crashed: .*\nfix: unset SPIN_WASMTIME_POOLING\n[^]*\ninterrupted: /,
    err: /^1\. booting memory=2G.*\n1\. crashed: .*\ntrying unset SPIN_WASMTIME_POOLING\n2\. booting .*\n2\. standard: /,
  });
  t.match(await interrupt(t, ['fix', pooling, ...at], [dies, hangs], /^2\. booting /), {
    code: 130,
    out: /no cure found for this failure so far\ninterrupted: /,
  });
  const minimal = ['minimize', 'memory=2G,overcommit=0,node=20,env.A=1', ...at];
  t.match(await interrupt(t, minimal, [dies, hangs], /^2\. booting /), {
    code: 130,
    out: /^failure: crashed.*\nneeded, or not yet known: .*\ncell: memory=2G,.*\ninterrupted: /,
  });
  const bisect = ['bisect', '--axis', 'memory', '--from', '2G', '--to', '2064M', '--where', 'overcommit=0'];
  t.match(await interrupt(t, bisect, [works, hangs], /^2\. booting /), {
    code: 130,
    out: /^memory=2G reaches standard\ninterrupted: the threshold is not known\n$/,
  });
  const first = await interrupt(t, ['fix', pooling, ...at], [hangs], /^1\. booting /);
  t.match(first, { code: 130, out: '', err: /^INTERRUPTED: /m });
});

t.test('capture prints its script, and its report with --run', async (t) => {
  t.testdir();
  t.match(await run(t, ['capture']), { code: 0, out: /^#!\/bin\/sh/ });
  t.match(await run(t, ['capture', 'true']), { code: 2, err: /^USAGE: / });
  t.match(await run(t, ['capture', '--run', '--', 'false']), { code: 0, out: /^poolproof: field-report$/m });
});

t.test('a stored run is shown, compared, followed, packed and merged', async (t) => {
  const dir = t.testdir();
  const results = path.join(dir, 'results');
  const id = '20261124T003400Z-de149c';
  await cp(path.join(import.meta.dirname, 'fixtures/runs/whole'), path.join(results, id), {
    recursive: true,
  });
  const at = ['--results', results];
  t.match(await run(t, ['report', ...at, '--format', 'junit']), { code: 0, out: /^<\?xml/ });
  t.match(await run(t, ['compare', id, id, ...at]), { code: 0, out: /no change/ });
  t.match(await run(t, ['history', 'memory=512M', ...at]), { code: 0, out: /none is bad now/ });
  const bundle = path.join(dir, 'b.tgz');
  t.match(await run(t, ['pack', ...at, '--output', bundle]), { code: 0, out: /8 cells/ });
  t.ok((await stat(bundle)).size > 0);
  const other = path.join(dir, 'other');
  t.match(await run(t, ['unpack', bundle, '--results', other]), { code: 0, out: /8 cells/ });
  t.match(await run(t, ['merge', bundle, '--output', path.join(dir, 'merged')]), {
    code: 0,
    out: /8 cells of 1 run\b/,
  });
  t.match(await readFile(path.join(other, id, 'run.json'), 'utf8'), id);
});

t.test('help, the version and mistakes in the command line have their exit codes', async (t) => {
  t.testdir();
  t.match(await run(t, ['--version']), { code: 0, out: '0.0.0\n' });
  t.match(await run(t, ['overhead', '--help']), { code: 0, out: /Workloads by kind:\n {2}control: / });
  t.match(await run(t, ['runn']), { code: 2, err: /Did you mean run\?/ });
  t.match(await run(t, ['run', '--jobs', '0']), { code: 2, err: /^USAGE: --jobs 0: a whole number from 1/ });
  t.match(await run(t, ['run', '--template-cache', 'x']), {
    code: 2,
    err: /^USAGE: --template-cache x: a size/,
  });
  t.match(await run(t, ['run', '--json', '--reporter', 'tap=-']), { code: 2, err: /^USAGE: / });
  const trace = await run(t, ['shell', 'x', '--verbose']);
  t.match(trace, { code: 2, err: /^\s+at /m });
});

t.test('the help of report and run names every format they take', async (t) => {
  t.testdir();
  const [report, during] = [await run(t, ['report', '--help']), await run(t, ['run', '--help'])];
  for (const [name, { storedOnly }] of Object.entries<Format>(formats)) {
    t.match(report.out, new RegExp(`\\b${name}\\b`), `report: ${name}`);
    if (storedOnly !== true) t.match(during.out, new RegExp(`\\b${name}\\b`), `run: ${name}`);
  }
});
