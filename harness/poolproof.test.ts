import path from 'node:path';
import t from 'tap';
import type { Script } from './fixtures/fake-machine.ts';
import { fakeSeams, standardOutput } from './fixtures/fake-commands.ts';
import { openCell } from './library/open-guest.ts';
import { runWith } from './library/run-matrix.ts';
import {
  compareRuns,
  defaultSettings,
  explain,
  formatCellId,
  loadHistory,
  loadRun,
  parseCellId,
  parseMatrix,
  planMatrix,
  PoolproofError,
  predict,
  renderReport,
  selectCells,
  type FormatName,
  type RunOptions,
} from './poolproof.ts';
import { buildCell } from './field/results.ts';

const runs = path.join(import.meta.dirname, 'fixtures/runs');
const text =
  'axes: { memory: [512M, 4G], overcommit: [0, 2], thp: [always, never], engine: [wasmtime], node: [22] }\n';

const open = (script: Script, deadlines = {}) =>
  openCell(buildCell(defaultSettings()), { cacheDir: '/nowhere' }, { ...fakeSeams([script]), deadlines });

t.test('a matrix is planned without a guest: predictions, and one number per boot', (t) => {
  const planned = [...planMatrix(parseMatrix(text, 'm.yaml'))];
  t.same(
    planned.map(({ boot }) => boot),
    [1, 1, 1, 1, 2, 2, 2, 2],
  );
  for (const { cell, predicted } of planned) t.same(predicted, predict(cell.settings), cell.id);
  const part = selectCells(parseMatrix(text, 'm.yaml'), ['memory=4G,overcommit=2']);
  t.same(
    [...planMatrix(part)].map(({ predicted }) => predicted?.tier),
    ['conservative', 'conservative'],
  );
  const id = formatCellId(defaultSettings());
  t.same(parseCellId(id), defaultSettings());
  t.end();
});

t.test('a cell that the run will skip has the reason in the plan, and no prediction', (t) => {
  const matrix = parseMatrix(
    'axes: { arch: riscv64, kernel: trixie, node: 24, engine: [wasmtime, v8] }\n',
    'm.yaml',
  );
  const [wasmtime, v8] = planMatrix(matrix);
  t.match(wasmtime, { predicted: null, skipped: /^there is no build of libwasmtime for riscv64/ });
  t.match(v8, { predicted: { tier: 'standard' }, skipped: null });
  t.end();
});

async function run(dir: string, options: Partial<RunOptions>) {
  const matrix = parseMatrix(text, 'm.yaml');
  const seams = fakeSeams([{ stdout: standardOutput }]);
  const places = {
    resultsDir: path.join(dir, 'results'),
    cache: { dir: path.join(dir, 'cache'), cold: true },
  };
  return { ...(await runWith(matrix, { ...places, ...options }, seams)), resultsDir: places.resultsDir };
}

t.test('groups of options select, limit and repeat; the run records them', async (t) => {
  const dir = t.testdir();
  const seen = await run(dir, {
    select: { only: ['memory=512M,overcommit=0'], shard: '1/2' },
    limits: { jobs: 1, memoryMib: 4000 },
    retry: { times: 2, failOnFlaky: true },
  });
  t.equal(seen.results.length, 1);
  t.equal(seen.exitCode, 0);
  t.match(seen.record.options, {
    only: 'memory=512M,overcommit=0',
    jobs: 1,
    cold: true,
    retries: 2,
    failOnFlaky: true,
    shard: '1/2',
  });
  const again = await loadRun(seen.resultsDir);
  t.same(again.results, seen.results);
  t.same(again.problems, []);
  const balanced = await run(dir, { select: { only: ['overcommit=0'], shard: '2/2', durations: seen.dir } });
  t.equal(balanced.results.length, 2);
  await t.rejects(run(dir, { select: { shard: 'x' } }), { code: 'USAGE' });
  await t.rejects(run(path.join(dir, 'other'), { resume: 'latest' }), { code: 'STORE_NOT_FOUND' });
});

t.test('stored runs are read, compared, followed, explained and rendered', async (t) => {
  const [old, now] = [await loadRun(runs, 'part-1'), await loadRun(runs, 'whole')];
  t.equal(now.results.length, 8);
  t.match(compareRuns([old], [now]), { compared: 2, changes: [] });
  t.ok(explain(now.results[0]!).length <= 10);
  const formats: readonly (FormatName | 'table')[] = [
    ...(['table', 'json', 'csv', 'tap', 'junit', 'md', 'html', 'github', 'annotations'] as const),
  ];
  const texts = formats.map((format) => renderReport(format, now));
  t.equal(new Set(texts).size, formats.length);
  t.match(texts[0], 'memory');
  t.match(JSON.parse(texts[1]!), { poolproof: 'report', cells: { length: 8 } });
  t.throws(() => renderReport('pdf' as FormatName, now), { code: 'REPORT_UNKNOWN' });
  await t.rejects(loadRun(runs, 'none'), { code: 'STORE_NOT_FOUND' });
  const { resultsDir } = await run(t.testdir(), {
    select: { only: ['memory=512M,overcommit=0,thp=always'] },
  });
  t.match(await loadHistory(resultsDir, 'memory=512M'), [{ spans: [{ state: 'standard' }], firstBad: null }]);
  await t.rejects(loadHistory(resultsDir, 'memory=8G'), { code: 'USAGE' });
});

t.test('a guest that is open runs programs, one after the other, and says its facts', async (t) => {
  const guest = await open({ stdout: 'hello\n', exitCode: 3 });
  t.equal(guest.kernelRelease, '6.1.0-fake');
  t.match(guest.subject.command.join(' '), 'wasm-host.sh --once');
  t.match(guest.qemuCommand, process.execPath);
  const [first, second] = await Promise.all([
    guest.exec(['/bin/a']),
    guest.exec(['/bin/b'], { env: { A: 'b' } }),
  ]);
  t.match(first, { stdout: 'hello\n', exitCode: 3, timedOut: false, facts: { overcommitMemory: 0 } });
  t.match(second, { stdout: 'hello\n' });
  t.match(await guest.readFacts(), { memTotal: 480_284 * 1024, maxMapCount: 65_530 });
  await t.rejects(guest.exec(['a\nb']), { code: 'USAGE' });
  await t.rejects(guest.exec(['x'.repeat(20_000)]), { code: 'USAGE' });
  t.match(await guest.exec(['/bin/c']), { exitCode: 3 }, 'what was refused is no end');
  const { terminal, closed } = await guest.openShell();
  t.ok(terminal.writable);
  await guest[Symbol.asyncDispose]();
  await closed;
  await t.rejects(guest.exec(['/bin/a']), { code: 'MACHINE_EXITED' });
});

t.test('a guest that does not come up, dies or gives no answer is an error with a code', async (t) => {
  await t.rejects(open({ exitAtStart: true }), { code: 'MACHINE_EXITED' });
  await t.rejects(open({ silent: true }, { readyMs: 50, firstLineMs: 50 }), { code: 'MACHINE_TIMEOUT' });
  await using dying = await open({ dieDuringRun: '' });
  await t.rejects(dying.exec(['/bin/a']), { code: 'MACHINE_EXITED' });
  await using endless = await open({ neverEnds: true });
  t.match(await endless.exec(['/bin/a'], { timeoutMs: 50 }), { timedOut: true, stopped: 'request' });
  const error = await open({ startFails: true }).catch((thrown: unknown) => thrown);
  t.notOk(error instanceof PoolproofError);
});
