import t from 'tap';
import { buildResult } from '../fixtures/report/results.ts';
import { defaultSettings, type Settings } from '../axes/table.ts';
import { PoolproofError } from '../errors.ts';
import { formatCellId, parseCellId } from '../matrix/cell-id.ts';
import { parseMatrix } from '../matrix/load.ts';
import type { Result } from '../store/result.ts';
import { type Contradiction, isKnown, renderContradiction, shrink } from './contradiction.ts';
import { explore, type ExploreOptions } from './explore.ts';
import { minimize } from './minimize.ts';
import { isClose } from './model.ts';

const finding = 'the model said standard, conservative was observed';

/** A guest that differs from the model wherever `differs` says so. */
const answer = (settings: Settings, differs: (settings: Settings) => boolean): Result => ({
  ...buildResult(),
  id: formatCellId(settings),
  settings,
  verdict: differs(settings) ? 'unexpected' : 'expected',
  finding: differs(settings) ? finding : null,
});

/** The bug of the guests in these tests: two settings together. */
const differs = ({ thp, overcommit }: Settings): boolean => thp === 'never' && overcommit === 1;

const cell = (text: string): Settings => ({ ...defaultSettings(), ...parseCellId(text) });
const wide = cell('memory=1G,overcommit=1,thp=never,engine=wasmtime,node=24,maxMapCount=4500');

const start: Contradiction = {
  found: formatCellId(wide),
  cell: formatCellId(wide),
  finding,
  guest: 'conservative: small',
  state: 'not shrunk',
};

const settled = {
  seed: 1,
  names: ['overcommit', 'thp', 'node'] as const,
  cells: 8,
  machines: 2,
  rounds: 2,
  signal: new AbortController().signal,
  before: () => Promise.resolve(null),
  known: [],
} satisfies Partial<ExploreOptions>;

t.test('a contradiction is shrunk to the settings without which it is gone', async (t) => {
  const smaller: string[] = [];
  const found = await shrink(
    start,
    (some) => Promise.resolve(answer(some, differs)),
    (one) => smaller.push(one.cell),
  );
  t.equal(found.state, 'smallest');
  const kept = { ...defaultSettings(), overcommit: 1, thp: 'never' } as const;
  t.equal(found.cell, formatCellId(kept));
  t.equal(found.found, start.found);
  t.equal(smaller.at(-1), found.cell);
});

t.test('no cell in which chance decides stands for one of which the model is sure', async (t) => {
  const tight = 'memory=4G,overcommit=2,node=22,overcommitRatio=3,addressSpace=3G,stackLimit=unlimited';
  const found = cell(`${tight},allocator=on-demand`);
  t.ok(isClose(cell(tight)));
  t.notOk(isClose(found));
  const asked: Settings[] = [];
  const one = { ...start, found: formatCellId(found), cell: formatCellId(found) };
  const shrunk = await shrink(
    one,
    (some) => {
      asked.push(some);
      return Promise.resolve(answer(some, ({ overcommitRatio }) => overcommitRatio === 3));
    },
    () => undefined,
  );
  t.strictSame(asked.filter(isClose), [], 'no guest is booted for it');
  t.notOk(isClose(cell(shrunk.cell)));
});

t.test('one that is not seen again is kept as flaky', async (t) => {
  const found = await shrink(
    start,
    (some) => Promise.resolve(answer(some, () => false)),
    () => undefined,
  );
  t.strictSame(found, { ...start, state: 'flaky' });
});

t.test('a cell with all settings of a known contradiction, and its answers, is the same one', async (t) => {
  const known: Contradiction = {
    ...start,
    cell: formatCellId({ ...defaultSettings(), overcommit: 1, thp: 'never' }),
    state: 'smallest',
  };
  t.ok(isKnown(start, known));
  t.notOk(isKnown({ ...start, finding: 'another' }, known));
  t.notOk(isKnown({ ...start, cell: formatCellId(cell('overcommit=1,thp=always')) }, known));
  t.notOk(isKnown(start, { ...known, state: 'flaky' }), 'what may be chance explains nothing');
  // A contradiction without any setting is shown by every cell.
  const [minimal] = [
    await minimize(defaultSettings(), { shows: () => Promise.resolve(true), model: () => true }),
  ];
  t.strictSame(minimal?.kept, []);
});

t.test('the saved matrix is the cell, with both answers and no expectation but the model', (t) => {
  const text = renderContradiction(start, { seed: 7 });
  const matrix = parseMatrix(text, 'saved.yaml');
  const [only, ...others] = matrix.cells();
  t.equal(only?.id, start.cell);
  t.equal(only?.expectation, null);
  t.strictSame(others, []);
  for (const line of [`# ${finding} (not shrunk)`, '# guest: conservative: small', 'explore --seed 7'])
    t.ok(text.includes(line), line);
  t.end();
});

t.test(
  'rounds are run until they end; each contradiction is followed once, and pairs are counted',
  async (t) => {
    const heard: string[] = [];
    const found = await explore({
      ...settled,
      run: (_round, cells) => Promise.resolve(cells.map((one) => answer(one, differs))),
      runTrial: (some) => Promise.resolve(answer(some, differs)),
      onContradiction: (one, index) => {
        heard.push(`${index} ${one.state}`);
        return Promise.resolve();
      },
    });
    t.equal(found.contradictions.length, 1);
    t.equal(
      found.contradictions[0]?.cell,
      formatCellId({ ...defaultSettings(), overcommit: 1, thp: 'never' }),
    );
    t.strictSame(heard, ['0 not shrunk', '0 smallest'], 'kept before it is shrunk, so that nothing is lost');
    t.ok(found.differing >= 1);
    t.equal(found.judged, 16);
    t.ok(found.covered.pairs > 0 && found.covered.pairs <= found.covered.of);
  },
);

t.test('an end during a shrink keeps the smallest cell so far', async (t) => {
  let trials = 0;
  const states: Contradiction[] = [];
  const found = await explore({
    ...settled,
    rounds: 1,
    before: () => Promise.resolve({ cells: [wide] }),
    run: (_round, cells) => Promise.resolve(cells.map((one) => answer(one, differs))),
    runTrial: (some) => {
      trials += 1;
      if (trials > 1) return Promise.reject(new PoolproofError('INTERRUPTED', 'stopped'));
      return Promise.resolve(answer(some, differs));
    },
    onContradiction: (one) => {
      states.push(one);
      return Promise.resolve();
    },
  });
  t.equal(found.contradictions[0]?.state, 'not shrunk');
  t.equal(states.at(-1)?.cell, formatCellId(wide));
});

t.test('cells without a verdict are neither agreement nor coverage', async (t) => {
  const found = await explore({
    ...settled,
    rounds: 1,
    run: (_round, cells) =>
      Promise.resolve(
        cells.map((one) => ({ ...answer(one, () => false), verdict: null, outcome: 'broken' as const })),
      ),
    runTrial: () => Promise.reject(new Error('no trial is needed')),
    onContradiction: () => Promise.resolve(),
  });
  t.equal(found.judged, 0);
  t.equal(found.silent.length, 8);
  t.equal(found.covered.pairs, 0);
});

t.test('a search that is ended begins no round', async (t) => {
  const found = await explore({
    ...settled,
    signal: AbortSignal.abort(),
    run: () => Promise.reject(new Error('a round')),
    runTrial: () => Promise.reject(new Error('a trial')),
    onContradiction: () => Promise.resolve(),
  });
  t.equal(found.rounds, 0);
});
