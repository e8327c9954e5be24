import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFile,
  chmod,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  readlink,
  realpath,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import t from 'tap';
import { buildResult, buildStandard, record } from '../fixtures/report/results.ts';
import { evidenceName, writeEvidence } from './evidence.ts';
import { takeLock } from './lock.ts';
import { type RunInit, createRun, resumeRun } from './open-run.ts';
import { collectResults, readRun } from './read-run.ts';

const init: RunInit = record;
const results = [buildResult(), buildStandard({}, { overcommit: 0 }), buildStandard({}, { overcommit: 1 })];
const first = results[0]!;

t.test('a new run has its folder, its record and the link `latest`', async (t) => {
  const dir = join(t.testdir(), 'deep', 'results');
  await using run = await createRun(dir, init, new Date('2026-11-23T23:03:11.500Z'));
  t.match(run.record, { startedAt: '2026-11-23T23:03:11.500Z', finishedAt: null, resumedAt: [] });
  t.match(run.record.id, /^20261123T230311Z-[0-9a-f]{6}$/);
  t.equal(await readlink(join(dir, 'latest')), run.record.id);
  t.same(JSON.parse(await readFile(join(run.dir, 'run.json'), 'utf8')), run.record);
  await using second = await createRun(dir, init);
  t.equal(await readlink(join(dir, 'latest')), second.record.id, 'moved to the newer run');
  t.same(
    (await readdir(dir)).sort(),
    [run.record.id, second.record.id, 'latest'].sort(),
    'nothing else stays',
  );
});

t.test('a new run removes what killed ones left, and nothing that may be in use', async (t) => {
  const dir = t.testdir({ '.merge-0123456789ab': {}, '.unpack-0123456789ab': {}, '.mine': '' });
  await symlink('x', join(dir, '.latest-0123456789ab'));
  await writeFile(join(dir, '.probe-0123456789ab'), 'poolproof');
  await utimes(join(dir, '.merge-0123456789ab'), 1, 1);
  await using run = await createRun(dir, init);
  t.same((await readdir(dir)).sort(), ['.mine', '.unpack-0123456789ab', run.record.id, 'latest'].sort());
});

t.test('what was appended is what is read, in order', async (t) => {
  const run = await createRun(t.testdir(), init);
  const many = Array.from({ length: 50 }, (_, index) => buildResult({ repetition: index + 1 }));
  for (const result of many) run.appendResult(result);
  const finished = await run.finish();
  await run.close();
  const stored = await readRun(run.dir);
  t.same(await collectResults(stored.results()), JSON.parse(JSON.stringify(many)));
  t.same(stored.problems, []);
  t.equal(stored.record.finishedAt, finished.finishedAt);
  t.type(finished.finishedAt, 'string');
});

t.test('a folder that cannot be written is refused before anything', async (t) => {
  const dir = t.testdir({ file: 'not a folder' });
  await t.rejects(createRun(join(dir, 'file', 'results'), init), { code: 'STORE_UNWRITABLE' });
  await t.rejects(createRun('/proc/poolproof', init), {
    code: 'STORE_UNWRITABLE',
    details: { hint: /--results/ },
  });
  await mkdir(join(dir, 'taken', 'latest'), { recursive: true });
  await t.rejects(createRun(join(dir, 'taken'), init), { code: 'STORE_UNWRITABLE' }, 'latest is a folder');
  if (process.getuid?.() !== 0) {
    await mkdir(join(dir, 'closed'));
    await chmod(join(dir, 'closed'), 0o500);
    await t.rejects(createRun(join(dir, 'closed'), init), { code: 'STORE_UNWRITABLE' });
  }
});

t.test('a second writer of one run is refused until the first is done', async (t) => {
  const run = await createRun(t.testdir(), init);
  await t.rejects(resumeRun(run.dir, init), { code: 'STORE_BUSY' });
  await run.close();
  const resumed = await resumeRun(run.dir, init);
  t.match(resumed.record.resumedAt, [/^\d{4}-/]);
  await resumed.close();
});

t.test('the lock dies with its holder, whatever kills it', async (t) => {
  const dir = t.testdir();
  const lock = new URL('lock.ts', import.meta.url).href;
  const script = `const {takeLock}=await import(${JSON.stringify(lock)});await takeLock(${JSON.stringify(dir)});console.log('held');setInterval(()=>{},1e3)`;
  const args = [...process.execArgv, '--input-type=module', '-e', script];
  const holder = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(holder.stdout, 'data');
  await t.rejects(takeLock(dir), { code: 'STORE_BUSY' });
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  // The kernel closes the pipe at once; cat and flock need a moment to notice. This one waits for it.
  spawnSync('flock', [join(dir, '.lock'), 'true']);
  const taken = await takeLock(dir);
  t.equal(taken.held(), true);
  await taken.release();
  t.equal(taken.held(), false);
});

t.test('a lock that was lost stops the writer', async (t) => {
  const run = await createRun(t.testdir(), init);
  await run.close();
  t.throws(() => run.appendResult(first), { code: 'STORE_BUSY', message: /lost/ });
});

t.test('without flock the missing tool is named', async (t) => {
  const { PATH } = process.env;
  process.env['PATH'] = t.testdir();
  t.teardown(() => (process.env['PATH'] = PATH));
  await t.rejects(takeLock(t.testdirName), { code: 'TOOL_NOT_FOUND' });
});

t.test('a lock that is neither given nor refused is waited for only so long', async (t) => {
  const dir = t.testdir({ bin: {}, run: {} });
  const before = process.env['PATH'];
  await writeFile(join(dir, 'bin', 'flock'), '#!/bin/sh\nexec sleep 77\n', { mode: 0o755 });
  process.env['PATH'] = `${join(dir, 'bin')}:${before}`;
  t.teardown(() => (process.env['PATH'] = before));
  await t.rejects(takeLock(join(dir, 'run'), 300), {
    code: 'STORE_UNWRITABLE',
    message: /could not be locked within 0.3 s/,
    details: { hint: /--results DIR/ },
  });
});

t.test('a folder that cannot be locked is refused with the words of flock', async (t) => {
  const gone = join(t.testdir(), 'gone');
  await t.rejects(takeLock(gone), { code: 'STORE_UNWRITABLE', details: { stderr: /cannot open lock file/ } });
});

t.test('resuming drops a torn last line and tells which cells are there', async (t) => {
  const run = await createRun(t.testdir(), init);
  for (const result of results) run.appendResult(result);
  await run.close();
  const cells = join(run.dir, 'cells.jsonl');
  const { size } = await stat(cells);
  await truncate(cells, size - 5);
  await mkdir(join(run.dir, 'evidence', '.tmp-half'));
  const base = dirname(run.dir);
  for (const file of [join(run.dir, 'run.json.123'), join(run.dir, '.probe-0123456789ab')])
    await writeFile(file, '');
  await symlink('x', join(base, '.latest-0123456789ab'));
  await using resumed = await resumeRun(run.dir, init);
  t.same([...resumed.done], [`${first.id}#1`, `${results[1]!.id}#1`]);
  t.match(resumed.problems, [{ code: 'STORE_TORN', details: { line: 3 } }]);
  t.same(await readdir(join(run.dir, 'evidence')), [], 'half-written evidence is gone');
  t.same(
    (await readdir(run.dir)).filter((name) => /^\.probe|json\./.test(name)),
    [],
  );
  t.notOk((await readdir(base)).includes('.latest-0123456789ab'));
  resumed.appendResult(results[2]!);
  const stored = await readRun(run.dir);
  t.equal((await collectResults(stored.results())).length, 3);
  t.same(stored.problems, []);
});

t.test('a run with a damaged line is not resumed, and stays as it is', async (t) => {
  const run = await createRun(t.testdir(), init);
  for (const result of results) run.appendResult(result);
  await run.close();
  const file = join(run.dir, 'cells.jsonl');
  const whole = await readFile(file, 'utf8');
  const lines = whole.split('\n');
  const damages: readonly (readonly [title: string, line: number, text: string])[] = [
    ['a line in the middle that is cut', 2, lines[1]!.slice(0, 100)],
    ['a line with other bytes in it', 2, lines[1]!.replace('"outcome":"', '"outc\u0000me":"')],
    ['a last line that is damaged and has its end', 3, 'x'],
    ['an empty line', 1, ''],
  ];
  for (const [title, line, text] of damages) {
    const harmed = lines.with(line - 1, text).join('\n');
    await writeFile(file, harmed);
    await t.rejects(
      resumeRun(run.dir, init),
      {
        code: 'STORE_CORRUPT',
        message: /^cannot resume: /,
        details: { file: join(await realpath(run.dir), 'cells.jsonl'), line },
      },
      title,
    );
    t.equal(await readFile(file, 'utf8'), harmed, `${title}: nothing is changed`);
  }
  const newer = lines[1]!.replace(/"schema":\d+/, '"schema":99');
  await writeFile(file, lines.with(1, newer).join('\n'));
  await t.rejects(resumeRun(run.dir, init), { code: 'STORE_SCHEMA', details: { line: 2 } });
  await writeFile(file, whole);
  const record = join(run.dir, 'run.json');
  const text = await readFile(record, 'utf8');
  for (const garbled of [text.slice(0, 200), '', '[]', text.replace('"id"', '"ie"'), `${text}}`]) {
    await writeFile(record, garbled);
    await t.rejects(resumeRun(run.dir, init), { code: 'STORE_CORRUPT', details: { file: record } });
  }
  await writeFile(record, text);
  await using resumed = await resumeRun(run.dir, init);
  t.equal(resumed.done.size, 3, 'put back, it is whole again: the lock was given back each time');
});

t.test('a run whose only line is torn resumes empty, and so does one without a line', async (t) => {
  const run = await createRun(t.testdir(), init);
  await run.close();
  await writeFile(join(run.dir, 'cells.jsonl'), 'x'.repeat(200_000));
  const resumed = await resumeRun(run.dir, init);
  t.equal(resumed.done.size, 0);
  resumed.appendResult(first);
  await resumed.close();
  await rm(join(run.dir, 'cells.jsonl'));
  await using again = await resumeRun(run.dir, init);
  t.equal(again.done.size, 0);
});

t.test('resuming a run that was made with something else is refused', async (t) => {
  const run = await createRun(t.testdir(), init);
  await run.close();
  const others: readonly [RunInit, RegExp][] = [
    [{ ...init, matrix: { ...init.matrix, text: 'other' } }, /the matrix changed/],
    [{ ...init, images: { ...init.images, digest: 'other' } }, /the images changed/],
    [{ ...init, qemu: { ...init.qemu, version: '10.0' } }, /QEMU changed/],
    [{ ...init, accelerator: { kind: 'kvm', reason: '' } }, /the accelerator changed/],
  ];
  for (const [other, message] of others) {
    await t.rejects(resumeRun(run.dir, other), { code: 'USAGE', message });
  }
  await (await resumeRun(run.dir, init)).close();
});

t.test('a subject in a file of its own that changed is not mixed with what it was', async (t) => {
  const digests = { matrix: 'm1', subjects: { ext: 's1', other: 'o1' }, cases: { 'case-1': 'c1' } };
  const run = await createRun(t.testdir(), { ...init, digests });
  await run.close();
  const changed: readonly [NonNullable<RunInit['digests']>, RegExp][] = [
    [
      { ...digests, subjects: { ...digests.subjects, ext: 's2' } },
      /the subject ext \(its definition or its files\) changed/,
    ],
    [{ ...digests, matrix: 'm2', cases: { 'case-1': 'c2' } }, /the case case-1 changed/],
    [{ ...digests, matrix: 'm2' }, /the matrix as resolved .* changed/],
  ];
  for (const [other, message] of changed)
    await t.rejects(resumeRun(run.dir, { ...init, digests: other }), { code: 'USAGE', message });
  await (await resumeRun(run.dir, { ...init, digests })).close();

  const older = await createRun(t.testdir({}), init);
  await older.close();
  await t.rejects(resumeRun(older.dir, { ...init, digests }), {
    code: 'USAGE',
    message: /did not record what ext, other is/,
  });
  const without = { ...digests, subjects: {} };
  await (await resumeRun(older.dir, { ...init, digests: without })).close();
});

/** Whether a file system can be mounted here, tried in a mount namespace of its own. */
const canMount = spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0;

t.test(
  'a full disk is an error, and what was written stays readable',
  { skip: !canMount && 'nothing can be mounted here' },
  async (t) => {
    const disk = await mkdtemp(join(tmpdir(), 'poolproof-test-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k,mode=0700', 'tmpfs', disk]);
    try {
      const run = await createRun(disk, init);
      run.appendResult(first);
      await writeFile(join(disk, 'filler'), Buffer.alloc(64 * 1024)).catch(() => undefined);
      const full = { code: 'DISK_FULL', details: { hint: /--resume/ } };
      // What is left of a page that the file has takes a line or two.
      t.throws(() => {
        for (let line = 0; line < 100; line += 1) run.appendResult(first);
      }, full);
      t.throws(() => run.appendResult(first), full, 'the next one is tried again');
      await rm(join(disk, 'filler'));
      run.appendResult(results[1]!);
      await run.close();
      const stored = await readRun(run.dir);
      t.equal((await collectResults(stored.results())).length, 2);
      t.same(stored.problems, []);
    } finally {
      execFileSync('umount', [disk]);
      await rm(disk, { recursive: true });
    }
  },
);

t.test('evidence is a folder a cell, whole, with names that are safe', async (t) => {
  const run = await createRun(t.testdir(), init);
  const cell = { id: '../../etc=passwd,env=A B\u202e/../x', repetition: 2 };
  const folder = run.writeEvidence(cell, {
    'console.log': 'boot',
    'qemu-command.txt': '',
    stdout: Buffer.from([0, 255]),
    'attempt-1/console.log': 'first',
  });
  t.match(folder, /^evidence\/[\w.-]+-r2-[0-9a-f]{10}$/);
  t.notMatch(folder, /\.\.\//);
  t.same(await readFile(join(run.dir, folder, 'stdout')), Buffer.from([0, 255]));
  t.equal(await readFile(join(run.dir, folder, 'attempt-1', 'console.log'), 'utf8'), 'first');
  t.same(
    (await readdir(join(run.dir, folder))).sort(),
    ['attempt-1', 'console.log', 'stdout'],
    'nothing that is empty',
  );
  run.writeEvidence(cell, { stderr: 'again' });
  t.same(await readdir(join(run.dir, folder)), ['stderr'], 'replaced as a whole');
  for (const name of ['../x', '/etc/passwd', 'a/b/c', '', '.hidden', 'a\u0000']) {
    t.throws(() => run.writeEvidence(cell, { [name]: '' }), RangeError, name);
  }
  t.same(await readdir(join(run.dir, 'evidence')), [folder.slice('evidence/'.length)]);
  await run.close();
  t.not(evidenceName('a', 1), evidenceName('a', 2));
  t.ok(evidenceName('x'.repeat(5000), 1).length < 100);
});

t.test('endless evidence keeps its beginning and its end', async (t) => {
  const dir = t.testdir();
  const folder = writeEvidence(dir, { id: 'a', repetition: 1 }, { stdout: `A${'x'.repeat(9e6)}Z` });
  const text = await readFile(join(dir, folder, 'stdout'), 'utf8');
  t.match(text, /^A[^]*\[poolproof: \d+ bytes left out\][^]*Z$/);
  t.ok(text.length < 8.1 * 2 ** 20);
});

t.test('evidence that cannot be written leaves nothing behind', async (t) => {
  const dir = t.testdir({ evidence: 'a file' });
  t.throws(() => writeEvidence(dir, { id: 'a', repetition: 1 }, { stdout: '' }), {
    code: 'STORE_UNWRITABLE',
  });
  t.same(await readdir(dir), ['evidence']);
});

t.test('a run that was killed while writing a line can be resumed', async (t) => {
  const run = await createRun(t.testdir(), init);
  run.appendResult(first);
  await run.close();
  await appendFile(join(run.dir, 'cells.jsonl'), JSON.stringify(results[1]));
  const stored = await readRun(run.dir);
  t.equal(
    (await collectResults(stored.results())).length,
    1,
    'whole JSON without its newline is torn all the same',
  );
  t.match(stored.problems, [{ code: 'STORE_TORN', message: /cut short/ }]);
});
