import t from 'tap';
import { findWorkload } from '../../images/wasm-host/workloads/catalogue.ts';
import type { Cell } from './cell.ts';
import { parseMatrix } from './load.ts';
import {
  boundSchema,
  budgetSchema,
  defaultMeasure,
  precisionSchema,
  suggestions,
  workloadNames,
} from './measure.ts';
import { MatrixErrors } from './diagnostics.ts';

const cellsOf = (text: string): readonly Cell[] => [...parseMatrix(text, 'm.yaml').cells()];
const axes = 'axes: {overcommit: [0, 2], memory: [1G, 2G]}\n';

/** `memory:overcommit` of the cells that are measured. */
const measured = (text: string): readonly string[] =>
  cellsOf(axes + text).flatMap(({ settings, measure }) =>
    measure === undefined ? [] : [`${settings.memory / 2 ** 30}:${settings.overcommit}`],
  );

t.test('nothing is measured unless the matrix asks for it', (t) => {
  t.same(measured(''), []);
  t.same(measured('measure: {overhead: false, budget: 5s}'), []);
  t.same(measured('measure:'), []);
  t.ok(cellsOf(axes).every((cell) => !('measure' in cell)));
  t.end();
});

t.test('all cells are measured, or those that `where` selects', (t) => {
  t.equal(measured('measure: {overhead: true}').length, 4);
  t.equal(measured('measure: {share: true}').length, 4, '`overhead: true` is what the key is for');
  t.same(measured('measure: {where: {overcommit: 2}}'), ['1:2', '2:2']);
  t.same(measured('measure: {where: {overcommit: 2, memory: 1G}}'), ['1:2']);
  t.same(measured('exclude: [{memory: 1G}]\nmeasure: {where: {overcommit: 2}}'), ['2:2']);
  t.end();
});

t.test('what is not given has a default', (t) => {
  const [cell] = cellsOf('axes: {memory: 1G}\nmeasure: {overhead: true}');
  t.same(cell?.measure, {
    overhead: true,
    serving: false,
    workloads: [],
    precision: 0.01,
    budgetMs: 60_000,
    share: false,
  });
  t.same(cell?.measure, defaultMeasure);
  const [other] = cellsOf(
    'axes: {memory: 1G}\nmeasure: {workloads: [memory, sqlite], precision: 0.5%, budget: 2m, share: true}',
  );
  t.same(other?.measure, {
    overhead: true,
    serving: false,
    workloads: ['memory', 'sqlite'],
    precision: 0.005,
    budgetMs: 120_000,
    share: true,
  });
  t.end();
});

t.test(
  'requests alone are measured where they alone are requested, and with accesses where both are',
  (t) => {
    const kinds = (text: string) =>
      cellsOf(`axes: {memory: 1G, overcommit: [0, 2]}\n${text}`)
        .slice(0, 1)
        .map(({ measure }) => [measure?.overhead, measure?.serving]);
    t.same(kinds('measure: {serving: true}'), [[false, true]]);
    t.same(kinds('measure: {serving: true, overhead: true}'), [[true, true]]);
    t.same(kinds('measure: {overhead: false, serving: true}'), [[false, true]]);
    t.same(kinds('measure: {serving: false}'), [[true, false]]);
    const rule = 'expect: [{where: {memory: 1G}, overhead: <= 20%}]\n';
    t.same(
      kinds(`${rule}measure: {serving: true}`),
      [[true, true]],
      'what a rule bounds is measured as well',
    );
    t.same(kinds(`${rule}measure: {serving: true, where: {overcommit: 2}}`), [[true, false]]);
    t.end();
  },
);

t.test('a rule that bounds an overhead has its cells measured', (t) => {
  const rule = 'expect: [{where: {memory: 1G}, overhead: <= 20%}]\n';
  t.same(measured(rule), ['1:0', '1:2']);
  t.same(measured(`${rule}measure: {where: {overcommit: 2}, share: true}`), ['1:0', '1:2', '2:2']);
  const cells = cellsOf(`${axes}${rule}measure: {where: {overcommit: 2}, share: true}`);
  t.ok(
    cells.every(({ measure }) => measure?.share ?? true),
    'in the way the matrix gives',
  );
  try {
    cellsOf(`${axes}${rule}measure: {overhead: false}`);
    t.fail('the bound could never be held against anything');
  } catch (error) {
    if (!(error instanceof MatrixErrors)) throw error;
    t.match(error.problems, [{ code: 'MATRIX_BAD_VALUE', line: 2, column: 42, hint: /leave out/ }]);
  }
  t.end();
});

t.test('tier and bound may come from one rule or two', (t) => {
  const one = cellsOf(
    `${axes}expect: [{where: {overcommit: 2}, tier: conservative, overhead: <= 5%, because: a}]`,
  );
  const two = cellsOf(
    `${axes}expect: [{where: {memory: 1G}, overhead: <= 5%, because: b}, {where: {overcommit: 2}, tier: conservative, because: a}]`,
  );
  const expectationOf = (cells: readonly Cell[], memory: number, overcommit: number) =>
    cells.find(({ settings }) => settings.memory === memory * 2 ** 30 && settings.overcommit === overcommit)
      ?.expectation;
  const both = { tier: 'conservative', overhead: 0.05, because: 'a', link: null };
  t.same(expectationOf(one, 1, 2), both);
  t.same(expectationOf(two, 1, 2), both);
  t.same(expectationOf(two, 2, 2), { tier: 'conservative', because: 'a', link: null });
  t.same(expectationOf(two, 1, 0), { overhead: 0.05, because: 'b', link: null });
  t.equal(expectationOf(two, 2, 0), null);
  t.end();
});

t.test('texts become numbers, and nothing else does', (t) => {
  t.same(
    ['<= 20%', '<=20%', '<= 12.5 %', '<= 0%', '<= 1000%'].map((text) => boundSchema.parse(text)),
    [0.2, 0.2, 0.125, 0, 10],
  );
  t.same(
    ['1%', '0.2 %', '50%'].map((text) => precisionSchema.parse(text)),
    [0.01, 0.002, 0.5],
  );
  t.same(
    ['60s', '2m', '5000ms', '60m'].map((text) => budgetSchema.parse(text)),
    [60_000, 120_000, 5000, 3_600_000],
  );
  for (const text of ['20%', '< 20%', '>= 20%', '<= 20', '<= -1%', '<= 1001%', '<= 99999%', 20, 0.2, null]) {
    t.notOk(boundSchema.safeParse(text).success, String(text));
  }
  for (const text of ['0.1%', '51%', '1', 1]) t.notOk(precisionSchema.safeParse(text).success, String(text));
  for (const text of ['4s', '61m', '60', 60, '1h'])
    t.notOk(budgetSchema.safeParse(text).success, String(text));
  t.end();
});

t.test('what was meant is suggested, and is right', (t) => {
  for (const text of ['20%', '< 20%', '≤20 %', 20, 0.2, 'at most 20 percent', '20,0%']) {
    t.match(suggestions['overhead']?.(text), /^"<= 20(?:\.0)?%"$/, String(text));
    t.equal(boundSchema.parse(JSON.parse(suggestions['overhead']?.(text) ?? '""')), 0.2);
  }
  t.equal(suggestions['overhead']?.('> 20%'), null, 'no bound can be told from it');
  t.equal(suggestions['precision']?.(1), '1%');
  t.equal(suggestions['precision']?.('a lot'), null);
  t.same(
    [60, '60 seconds', '2 min', 'soon'].map((text) => suggestions['budget']?.(text)),
    ['60s', '60s', '2m', null],
  );
  t.same(
    workloadNames.filter((name) => findWorkload(name) === undefined),
    ['control', 'memory', 'bulk', 'instances', 'program', 'life-cycle'],
    'a name is a workload or the kind of several',
  );
  t.end();
});
