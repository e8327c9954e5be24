import t from 'tap';
import { buildOverhead, figureAt, sameCode } from '../fixtures/overhead/figures.ts';
import {
  buildDefaultResults,
  buildResult,
  buildStandard,
  record,
  viewOf,
} from '../fixtures/report/results.ts';
import { baselineOverhead, notMeasured } from '../outcome/overhead.ts';
import { means } from '../measure/figures.ts';
import type { Result } from '../store/result.ts';
import { formats } from './formats.ts';
import { workloads } from '../../images/wasm-host/workloads/catalogue.ts';
import {
  findClocks,
  formatByClock,
  formatNotes,
  formatOverheadOf,
  formatRow,
  formatWorkloads,
} from './format-overhead.ts';

const proven = buildOverhead(figureAt(0, 0, sameCode), figureAt(0, 0, sameCode));
const timed = (): Result['overhead'] => [
  figureAt(28, 1, { workload: means.memory, clock: 'time', cpuModel: 'AMD EPYC' }),
];
const textsOf = (results: readonly Result[], clock: 'time' | 'instructions' = 'instructions') =>
  formatRow(results, clock).map(({ text }) => text);

t.test('a result tells both means with their intervals, or why there is nothing to tell', (t) => {
  t.equal(
    formatOverheadOf(buildResult(buildOverhead())),
    'kernels +47.7 % [+47.6, +47.8], programs +37.6 % [+37.5, +37.7] (instructions)',
  );
  t.equal(formatOverheadOf(buildResult(proven)), '0 % (same code) (instructions)');
  t.equal(formatOverheadOf(buildStandard(baselineOverhead)), 'baseline');
  t.equal(formatOverheadOf(buildResult()), 'not measured');
  t.equal(formatOverheadOf(buildResult(notMeasured('the machine died'))), 'not measured: the machine died');
  const unstable = buildOverhead(figureAt(10, 0.1, { stable: false }), figureAt(5));
  t.match(formatOverheadOf(buildResult(unstable)), /^kernels \+10.0 % \[\+9.9, \+10.1\] unstable, programs/);
  const single = buildResult({ ...buildOverhead(), overhead: [figureAt(33.3)] });
  t.match(formatByClock(single, 'instructions'), [
    { text: 'random-access +33.3 % [+33.2, +33.4]', stable: true },
  ]);
  t.end();
});

t.test('clocks are columns of their own, and a time names its CPU', (t) => {
  const { overhead, overheadSource } = buildOverhead();
  const both = buildResult({ overheadSource, overhead: [...overhead, ...(timed() ?? [])] });
  t.same(findClocks([both]), ['time', 'instructions']);
  const table = formats.table.render(viewOf([both, buildStandard(baselineOverhead, { overcommit: 0 })]), {
    width: 160,
  });
  t.match(table, /overhead \(time\) +overhead \(instructions\)/);
  t.match(table, /kernels \+28.0 % \[\+27.0, \+29.0\] +kernels \+47.7 %/);
  t.match(table, '\noverhead: time on AMD EPYC\n');
  const markdown = formats.md.render(viewOf([both], record));
  t.match(markdown, /\| overhead \(time\) \| overhead \(instructions\) \|/);
  t.match(markdown, /\noverhead: time on AMD EPYC\n/);
  t.end();
});

t.test('a row says each distinct overhead once, and the baseline only alone', (t) => {
  const cheap = buildResult(buildOverhead());
  const standard = buildStandard(baselineOverhead);
  t.same(textsOf([standard]), ['baseline']);
  t.same(textsOf([standard, cheap, cheap]), textsOf([cheap]));
  t.same(textsOf([standard, buildStandard()]), ['not measured']);
  t.same(textsOf([cheap, buildResult()]), [...textsOf([cheap]), 'others not measured']);
  const slow = buildResult({ ...proven, tier: 'on-demand' });
  t.same(textsOf([cheap, slow]), [
    'conservative: kernels +47.7 % [+47.6, +47.8]',
    'conservative: programs +37.6 % [+37.5, +37.7]',
    'on-demand: 0 % (same code)',
  ]);
  t.end();
});

t.test('the default matrix with a shared measurement fits a terminal', (t) => {
  const results = buildDefaultResults().map((result) => ({
    ...result,
    ...(result.tier === 'standard' ? baselineOverhead : proven),
  }));
  const lines = formats.table.render(viewOf(results), { color: false }).split('\n');
  t.match(lines[0], /^memory {2}overcommit {2}thp always .* {2}overhead \(instructions\)$/);
  t.match(lines[1], /^512M +0 .* {2}baseline$/);
  t.match(lines[3], /^512M +2 .* {2}0 % \(same code\)$/);
  t.ok(lines.slice(0, 13).every((line) => line.length <= 100));
  t.end();
});

t.test('what is unstable is struck through, and says so where nothing can be', (t) => {
  const cell = buildResult(buildOverhead(figureAt(10, 0.1, { stable: false }), figureAt(5)));
  t.match(formats.table.render(viewOf([cell]), { color: false }), 'kernels +10.0 % [+9.9, +10.1] unstable');
  t.match(
    formats.table.render(viewOf([cell]), { color: true }),
    // eslint-disable-next-line no-control-regex -- the escape sequence is what is looked for
    /\u001b\[9mkernels \+10.0 %[^\u001b]*\u001b\[29m unstable/,
  );
  t.match(formats.md.render(viewOf([cell], record)), /~~kernels \+10.0 % .*~~ unstable, programs/);
  t.match(formats.html.render(viewOf([cell], record)), /<s>\+10 %<\/s> unstable/);
  t.end();
});

t.test('CSV has the figures in columns whose places do not move, unstable ones empty', (t) => {
  const rows = formats.csv
    .render(viewOf([buildResult(buildOverhead()), buildStandard(baselineOverhead), buildResult()], record))
    .split('\n');
  t.match(
    rows[0],
    /,evidence,overhead,overheadClock,overheadMemory,overheadMemoryLow,overheadMemoryHigh,overheadPrograms,overheadProgramsLow,overheadProgramsHigh,overheadMeasuredIn,cellVerdict,distribution,cpu,swap,/,
  );
  t.match(rows[1], /,measured,instructions,1\.477,1\.476,1\.478,1\.376,1\.375,1\.377,"?memory=1G/);
  t.match(rows[2], /,baseline,,,,,,,,,flaky,"standard 1[^"]*",default,none,/);
  t.match(rows[3], /,,,,,,,,,,flaky,"standard 1[^"]*",default,none,/);
  const unstable = buildOverhead(figureAt(10, 0.1, { stable: false }), figureAt(5));
  t.match(formats.csv.render(viewOf([buildResult(unstable)], record)), /,measured,instructions,,,,1\.05,/);
  t.end();
});

t.test('what was asked for and not measured has its reason below the table', (t) => {
  const failed = buildResult(notMeasured('the machine died'));
  t.same(formatNotes([failed, failed]), ['overhead not measured: the machine died (2 cells)']);
  t.match(
    formats.table.render(viewOf([failed]), { color: false }),
    '\noverhead not measured: the machine died\n',
  );
  t.match(formats.md.render(viewOf([failed], record)), '\noverhead not measured: the machine died\n');
  t.end();
});

t.test('a kind stands for its workloads when all of them are meant', (t) => {
  const lives = workloads.filter(({ kind }) => kind === 'life-cycle').map(({ name }) => name);
  t.equal(
    formatWorkloads(['bulk-memory', ...lives, 'round-robin']),
    'bulk-memory, round-robin, life-cycle (all 16)',
  );
  t.equal(formatWorkloads(lives.slice(1, 3)), 'instantiate-64k-touch-4, instantiate-64k-touch-15');
  t.equal(formatWorkloads(['not measured']), 'not measured');
  t.end();
});
