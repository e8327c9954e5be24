import t from 'tap';
import { defaultSettings } from '../axes/table.ts';
import type { AxisName, Settings } from '../axes/table.ts';
import { rangeOf, type AxisRange } from './axis-range.ts';
import { bisect, predictThreshold, type Threshold } from './bisect.ts';
import { predictSettings, reaches } from './model.ts';

/** A search in the model, with the number of questions. */
async function search(
  works: (index: number) => boolean,
  length: number,
  predicted: number | null,
  model?: (index: number) => boolean | null,
) {
  let asked = 0;
  const threshold = await bisect(
    (index) => {
      asked += 1;
      return Promise.resolve(works(index));
    },
    { length, predicted, ...(model !== undefined && { model }) },
  );
  return { threshold, asked };
}

t.test('finds every threshold, wherever the prediction lies', async (t) => {
  const length = 40;
  for (let real = 1; real < length; real += 1) {
    for (const predicted of [null, 0, 1, real - 1, real, real + 1, length - 1, length + 5]) {
      const { threshold } = await search((index) => index >= real, length, predicted);
      if (threshold.kind !== 'sharp' || threshold.index !== real) {
        t.fail(`${real} from ${predicted}: ${JSON.stringify(threshold)}`);
      }
    }
  }
  t.same((await search(() => true, length, 3)).threshold, { kind: 'always' });
  t.same((await search(() => false, length, 3)).threshold, { kind: 'never' });
  t.same((await search(() => false, length, null)).threshold, { kind: 'never' });
  t.same((await search((index) => index >= 1, 2, null)).threshold, {
    kind: 'sharp',
    index: 1,
    confirmations: 3,
  });
});

t.test('a right prediction needs eight questions, of which four are the confirmation', async (t) => {
  const { asked } = await search((index) => index >= 1000, 1_000_000, 1000);
  t.equal(asked, 8);
  const off = await search((index) => index >= 1003, 1_000_000, 1000);
  t.ok(off.asked < 16, `${off.asked}`);
});

t.test('an axis without an order is refused with the values that show it', async (t) => {
  const hole = (index: number) => index >= 10 && index < 20;
  const kinds = async (
    works: (index: number) => boolean,
    model?: (index: number) => boolean,
  ): Promise<Threshold> => (await search(works, 40, 10, model)).threshold;
  t.match(await kinds(hole), { kind: 'not-monotonic' });
  const island = (index: number) => (index >= 10 && index < 12) || index >= 30;
  t.match(await kinds(island, island), {
    kind: 'not-monotonic',
    counterexample: [{ works: false }, { works: true }, { works: false }],
  });
  t.match(await kinds((index) => index < 10), { kind: 'not-monotonic' }, 'the other way round');
  // The model sees a hole that guests do not have.
  t.match(await kinds((index) => index >= 10, island), { kind: 'sharp', index: 10 });
});

t.test('a value that gives both answers is flaky', async (t) => {
  let calls = 0;
  const { threshold } = await search((index) => (index === 5 ? (calls += 1) % 2 === 1 : index > 5), 10, 5);
  t.match(threshold, { kind: 'flaky', index: 5, asked: 3 });
});

t.test('ranges: sizes, counts and words', (t) => {
  const memory = rangeOf('memory');
  t.equal(memory.text(0), '256M');
  t.equal(memory.text(memory.length - 1), '16G');
  t.equal(memory.at(defaultSettings(), 1).memory, 264 * 2 ** 20);
  const some = rangeOf('addressSpace', '1G', '2G');
  t.equal(some.length, 129);
  const overcommit = rangeOf('overcommit');
  t.equal(overcommit.at(defaultSettings(), 0).overcommit, 2);
  t.equal(rangeOf('node', '20', '24').length, 3);
  t.throws(() => rangeOf('env'), { code: 'USAGE' });
  t.throws(() => rangeOf('memory', '2G', '1G'), { code: 'USAGE' });
  t.throws(() => rangeOf('dataLimit', 'unlimited'), { code: 'USAGE' });
  t.throws(() => rangeOf('node', '24', '20'), { code: 'USAGE' });
  t.end();
});

t.test('thresholds of the model are found by a search in the model', async (t) => {
  const modelOf = (range: AxisRange, base: Settings) => (index: number) => {
    const prediction = predictSettings(range.at(base, index));
    return prediction === null ? null : reaches(prediction, 'standard');
  };
  const strict: Settings = { ...defaultSettings(), overcommit: 2 };
  // The first and last value of a stretch around the threshold: of it the model is asked about every value, of the
  // whole range as often as a search by halves needs.
  const rows: readonly (readonly [AxisName, Settings, first: string, last: string])[] = [
    ['memory', strict, '7G', '8G'],
    ['overcommitRatio', strict, '150', '250'],
    ['maxMapCount', defaultSettings(), '2000', '2300'],
    ['dataLimit', defaultSettings(), '3G', '4G'],
    ['addressSpace', defaultSettings(), '4030G', '4040G'],
  ];
  for (const [axis, base, first, last] of rows) {
    const whole = rangeOf(axis);
    const predicted = predictThreshold(whole.length, modelOf(whole, base));
    const { threshold } = await search((index) => modelOf(whole, base)(index) === true, whole.length, null);
    t.same(threshold, { kind: 'sharp', index: predicted, confirmations: 3 }, axis);
    const stretch = rangeOf(axis, first, last);
    const model = modelOf(stretch, base);
    const near = await search((index) => model(index) === true, stretch.length, null, model);
    t.match(near.threshold, { kind: 'sharp', confirmations: 3 }, `${axis} between ${first} and ${last}`);
    if (near.threshold.kind === 'sharp')
      t.equal(stretch.text(near.threshold.index), whole.text(predicted ?? 0), axis);
  }
  t.equal(
    predictThreshold(5, () => false),
    null,
  );
});
