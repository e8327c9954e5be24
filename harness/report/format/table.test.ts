import { stripVTControlCharacters } from 'node:util';
import { PassThrough } from 'node:stream';
import t from 'tap';
import {
  buildDefaultResults,
  buildResult,
  buildStandard,
  record,
  settings,
  viewOf,
} from '../../fixtures/report/results.ts';
import { buildOverhead } from '../../fixtures/overhead/figures.ts';
import type { Cell } from '../../matrix/cell.ts';
import { tellUndecided } from '../../outcome/judge-overhead.ts';
import { servingNotMeasured } from '../../outcome/serving.ts';
import type { ExitOptions } from '../exit-code.ts';
import type { RenderOptions } from '../format.ts';
import { formatElapsed } from '../format-run.ts';
import { type Clock, createProgress } from '../progress.ts';
import { type Reporter, multiplex } from '../reporter.ts';
import { wantsColor } from '../wants-color.ts';
import type { Result } from '../../store/result.ts';
import { table } from './table.ts';

const renderTable = (
  results: readonly Result[],
  { interrupted = false, ...options }: RenderOptions & ExitOptions,
): string => table.render(viewOf(results, undefined, { interrupted }), options);

const results = buildDefaultResults();

t.test('a narrow terminal gets memory and overcommit as rows, THP as columns', (t) => {
  const lines = renderTable(results, { color: false, width: 80 }).split('\n');
  t.match(lines[0], /^memory {2}overcommit {2}thp always +thp madvise +thp never +overhead$/);
  t.match(lines[1], /^512M +0 +standard +standard +standard +not measured$/);
  t.match(lines[3], /^512M +2 +conservative +conservative +conservative +not measured$/);
  t.ok(lines.slice(0, 13).every((line) => line.length <= 80));
  t.match(
    lines[14],
    /^512M–2G overcommit 2: table pool needs 153\d MiB, CommitLimit leaves 56–811 MiB \(9 cells\)$/,
  );
  t.equal(lines.at(-2), 'exit 0: every cell did what was expected');
  t.end();
});

t.test('a terminal too narrow for any layout gets the narrowest', (t) => {
  const [head] = renderTable(results, { color: false, width: 20 }).split('\n');
  t.match(head, /^memory {2}overcommit {2}thp always/);
  t.end();
});

t.test('a place that the matrix leaves out is a dot, also in colour', (t) => {
  const sparse = results.filter(({ id }) => !id.startsWith('memory=512M,overcommit=0,thp=never'));
  const lines = renderTable(sparse, { color: true, width: 160 }).split('\n');
  t.match(lines[2], '\u001b[2m·\u001b[22m');
  t.match(stripVTControlCharacters(lines[2] ?? ''), /^512M( +standard){2} +· +standard/);
  t.end();
});

t.test('every measurement stands below the table where details are wanted', (t) => {
  const plain = renderTable(results, { color: false });
  const detailed = renderTable(results, { color: false, details: true });
  t.ok(detailed.startsWith(`${plain}\n`));
  t.end();
});

t.test('a wide terminal gets memory by overcommit and THP', (t) => {
  const lines = renderTable(results, { color: false, width: 160 }).split('\n');
  t.match(lines[0], /^ +overcommit 0 +overcommit 1 +overcommit 2$/);
  t.match(lines[1], /^memory( +thp always +thp madvise +thp never){3} +overhead$/);
  t.match(lines[2], /^512M( +standard){6}( +conservative){3} +not measured$/);
  t.equal(lines.indexOf(''), 6, 'four rows');
  t.end();
});

t.test('other axes become columns of a plain list', (t) => {
  const cells = ['22', '24'].map((node) => buildStandard({}, { node }));
  const text = renderTable(cells, { color: false });
  t.match(text, /^node {2}tier {6}overhead\n22 {4}standard {2}not measured\n24 {4}standard/);
  const one = renderTable([buildResult()], { color: false });
  t.match(one, /^tier +overhead\nconservative +not measured\n\nall cells: table pool/);
  t.match(renderTable([], { color: false }), /0 cells: none.*\nexit 2: /);
  t.end();
});

t.test('verdicts are marked and the legend says how', (t) => {
  const text = renderTable([buildResult({ verdict: 'unexpected' }), buildStandard({}, { overcommit: 0 })], {
    color: false,
    interrupted: true,
  });
  t.match(text, /conservative ✗/);
  t.match(text, /^✗ unexpected$/m);
  t.match(text, /1 as expected, 1 unexpected$/m);
  t.match(text, /^exit 130: interrupted/m);
  t.end();
});

t.test('colour is added where it is wanted, and changes nothing else', (t) => {
  const plain = renderTable(results, { color: false });
  const colored = renderTable(results, { color: true });
  t.match(colored, '\u001b[32mstandard\u001b[39m');
  t.match(colored, '\u001b[33mconservative\u001b[39m');
  t.equal(stripVTControlCharacters(colored).replace(/ +$/gm, ''), plain);
  t.match(renderTable([buildResult({ verdict: 'unexpected' })], { color: true }), 'conservative ✗\u001b[39m');
  t.equal(wantsColor({ isTTY: true }, {}), true);
  t.equal(wantsColor({ isTTY: true }, { TERM: 'dumb' }), false);
  t.equal(wantsColor({ isTTY: true }, { NO_COLOR: '1', FORCE_COLOR: '1' }), false);
  t.equal(wantsColor({}, { FORCE_COLOR: '1' }), true);
  t.equal(wantsColor({ isTTY: true }, { FORCE_COLOR: '0', NO_COLOR: '' }), false);
  t.equal(wantsColor({}, {}), false);
  t.end();
});

t.test('hostile text from a guest does nothing to a terminal', (t) => {
  const reason = 'boom \u001b[2J\u001b]0;owned\u0007 \u202etxt.exe\u0000 \u009b31m line\nnext';
  const text = renderTable([buildResult({ outcome: 'crashed', tier: null, form: null, reason })], {
    color: false,
  });
  t.match(text, /^all cells: crashed: boom txt\.exe line next$/m);
  // eslint-disable-next-line no-control-regex -- looking for them is the point
  t.notMatch(text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  t.end();
});

/** A clock one turns by hand. */
function buildClock(): Clock & { turn(ms: number): void } {
  let now = 0;
  const timers = new Set<{ ms: number; next: number; tick: () => void }>();
  return {
    now: () => now,
    every: (ms, tick) => {
      const timer = { ms, next: now + ms, tick };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    turn: (ms) => {
      for (const end = now + ms; now < end;) {
        now += 10;
        for (const timer of timers) {
          if (timer.next > now) continue;
          timer.next += timer.ms;
          timer.tick();
        }
      }
    },
  };
}

function buildStream(isTTY: boolean): { stream: NodeJS.WriteStream; written: () => string[] } {
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 80, rows: 24 });
  const chunks: string[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk.toString()));
  return { stream: stream as unknown as NodeJS.WriteStream, written: () => chunks };
}

const cell = (id: string): Cell => ({ id, settings, expectation: null, repetition: 1 });
const start = { record, dir: 'results/x', cells: 3, doneBefore: 0 };

t.test('without a terminal progress is plain lines and a sign of life each minute', (t) => {
  const { stream, written } = buildStream(false);
  const clock = buildClock();
  const progress = createProgress(stream, clock);
  void progress.onRunStart?.({ ...start, doneBefore: 2 });
  progress.onCellStart?.(cell('a'));
  clock.turn(3100);
  progress.onCellEnd?.(buildResult({ id: 'a' }));
  progress.onCellStart?.(cell('b'));
  clock.turn(120_000);
  progress.onCellEnd?.(buildResult({ id: 'b', verdict: 'unexpected', reason: 'why\u001b[2J' }));
  const attempts = [buildResult().attempts[0]!, buildResult().attempts[0]!];
  const machine = { name: 'shed', accelerator: 'kvm' } as NonNullable<Result['machine']>;
  // Its end is read together with its start.
  const timings = { ready: 300, subject: 1700, 'host.compile': 900 };
  const surprise = { verdict: 'unexpected', expected: null, reason: 'r' } as const;
  progress.onCellEnd?.(buildResult({ id: 'd', ...surprise, machine, timings }));
  progress.onCellEnd?.(
    buildResult({ id: 'c', repetition: 2, outcome: 'broken', verdict: null, reason: 'lost', attempts }),
  );
  void progress.onRunEnd?.({ record, dir: 'x', results: [], interrupted: true });
  clock.turn(120_000);
  t.same(written().join('').split('\n'), [
    '3 cells to run, 2 done before, emulated (/dev/kvm is not there), results in results/x',
    '[1/3] a: conservative (3.1 s)',
    '1/3 cells done, 1 running, 1m 00s, about 2m 00s left',
    '1/3 cells done, 1 running, 2m 00s, about 4m 00s left',
    '[2/3] b: conservative (120.0 s) UNEXPECTED, expected conservative: why',
    '[3/3] d: conservative (2.0 s) on shed UNEXPECTED, expected something else: r',
    '[4/3] c (repetition 2): broken, 2 machines: lost',
    'interrupted after 4 of 3 cells',
    '',
  ]);
  t.end();
});

t.test('on a terminal what runs is redrawn at most ten times a second, what is done stays', (t) => {
  const { stream, written } = buildStream(true);
  const clock = buildClock();
  const progress = createProgress(stream, clock);
  void progress.onRunStart?.({ ...start, cells: 1000 });
  const before = written().length;
  for (let index = 0; index < 1000; index++) progress.onCellStart?.(cell(`cell-${index}-${'x'.repeat(100)}`));
  t.equal(written().length, before, 'events alone draw nothing');
  clock.turn(1100);
  const text = stripVTControlCharacters(written().join(''));
  t.match(text, /cell-0-x+/);
  t.match(text, /and 996 more/);
  t.match(text, /0\/1000 cells done, 1000 running, 1 s/);
  t.ok(written().length - before <= 20, `${written().length - before} writes in a second`);
  t.ok(text.split('\n').every((line) => line.length < 80));
  progress.onCellEnd?.(buildResult({ id: `cell-0-${'x'.repeat(100)}` }));
  t.match(stripVTControlCharacters(written().join('')), /\[1\/1000\] cell-0/);
  void progress.onRunEnd?.({ record, dir: 'x', results: [], interrupted: false });
  const after = written().length;
  clock.turn(5000);
  t.equal(written().length, after, 'silent after the end');
  t.end();
});

t.test('a measurement says whose it is and what came out, also of those that share it', (t) => {
  const { stream, written } = buildStream(false);
  const progress = createProgress(stream, buildClock());
  const undecided = { verdict: 'undecided', ...buildOverhead() } as const;
  const [own, other] = [buildResult({ id: 'a', ...undecided }), buildResult({ id: 'b', ...undecided })];
  const subject = { name: 'spin-sizes' } as NonNullable<Result['subject']>;
  const host = buildResult({ id: 'h', subject, serving: servingNotMeasured('status 500') });
  void progress.onRunStart?.({
    ...start,
    record: { ...record, accelerator: { kind: 'kvm', reason: 'found' } },
  });
  progress.onMeasureStart?.(own, 2, 'overhead');
  progress.onMeasureEnd?.([other, own], 'overhead');
  progress.onMeasureStart?.(host, 1, 'requests');
  progress.onMeasureEnd?.([{ ...host, tier: null }], 'requests');
  progress.onMeasureEnd?.([], 'requests');
  void progress.onRunEnd?.({ record, dir: 'x', results: [], interrupted: false });
  const figures = 'kernels +47.7 % [+47.6, +47.8], programs +37.6 % [+37.5, +37.7] (instructions)';
  const why = tellUndecided(own);
  t.same(written().join('').trimEnd().split('\n'), [
    '3 cells to run, with KVM (found), results in results/x',
    'measuring the overhead of conservative/elided, wasmtime 50.0.1, Node 22 in a, for 2 cells',
    `overhead of conservative/elided, wasmtime 50.0.1, Node 22: ${figures}`,
    `b: conservative, undecided: ${why}`,
    `a: conservative, undecided: ${why}`,
    'measuring requests of conservative, spin-sizes in h',
    'requests of no tier, spin-sizes: not measured: status 500',
  ]);
  t.end();
});

t.test('a terminal that tells no width has eighty columns; few running cells are all named', (t) => {
  const { stream, written } = buildStream(true);
  Object.assign(stream, { columns: undefined });
  const clock = buildClock();
  const progress = createProgress(stream, clock);
  void progress.onRunStart?.(start);
  progress.onCellStart?.(cell('x'.repeat(100)));
  clock.turn(200);
  const text = stripVTControlCharacters(written().join(''));
  t.match(text, `  ${'x'.repeat(79 - 12)} 0 s\n`);
  t.notMatch(text, 'more');
  void progress.onRunEnd?.({ record, dir: 'x', results: [], interrupted: false });
  t.end();
});

t.test('progress keeps no process alive', (t) => {
  const before = process.getActiveResourcesInfo();
  const { stream, written } = buildStream(false);
  const progress = createProgress(stream);
  void progress.onRunStart?.(start);
  t.same(process.getActiveResourcesInfo(), before);
  progress.onCellStart?.(cell('a'));
  progress.onCellEnd?.(buildResult({ id: 'a' }));
  void progress.onRunEnd?.({ record, dir: 'x', results: [], interrupted: false });
  t.match(written().join(''), /\[1\/3\] a: conservative \(0\.\d s\)\n$/);
  t.end();
});

t.test('times are told in the two units that matter', (t) => {
  t.equal(formatElapsed(7900), '8 s');
  t.equal(formatElapsed(80_000), '1m 20s');
  t.equal(formatElapsed(7_500_000), '2h 05m');
  t.end();
});

t.test('every reporter hears everything, and the first failure is thrown afterwards', async (t) => {
  const heard: string[] = [];
  const good: Reporter = {
    onRunStart: () => void heard.push('start'),
    onCellStart: ({ id }) => void heard.push(id),
    onCellEnd: ({ id }) => void heard.push(`${id}!`),
    onRunEnd: async () => {
      await Promise.resolve();
      heard.push('end');
    },
  };
  const fail = () => {
    throw new Error('EPIPE');
  };
  const bad: Reporter = { onCellStart: fail, onRunEnd: fail };
  const odd: Reporter = {
    onCellEnd: () => {
      // eslint-disable-next-line @typescript-eslint/only-throw-error -- other people's reporters may
      throw 'text';
    },
  };
  const all = multiplex([bad, odd, {}, good]);
  const end = { record, dir: 'x', results: [], interrupted: false };
  await all.onRunStart(start);
  t.throws(() => all.onCellStart(cell('a')), { message: 'EPIPE' });
  t.throws(() => all.onCellEnd(buildResult({ id: 'a' })), { message: 'text' });
  await t.rejects(Promise.resolve(all.onRunEnd(end)), { message: 'EPIPE' });
  t.same(heard, ['start', 'a', 'a!', 'end']);
});
