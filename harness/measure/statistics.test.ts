import t from 'tap';
import { coversOne, estimateRatio, least, studentQuantile } from './statistics.ts';

t.test("quantiles of Student's distribution are those of scipy.stats.t.ppf", (t) => {
  for (const [p, degrees, value] of [
    [0.975, 1, 12.706204736432095],
    [0.975, 2, 4.302652729696142],
    [0.975, 3, 3.182446305284263],
    [0.975, 5, 2.5705818356363141],
    [0.975, 7, 2.3646242510102993],
    [0.975, 9, 2.2621571627409915],
    [0.975, 15, 2.131449545559323],
    [0.975, 30, 2.0422724563012373],
    [0.975, 100, 1.9839715184496334],
    [0.95, 7, 1.8945786050613054],
    [0.995, 7, 3.4994832973504937],
    [0.75, 1, 1],
  ] as const) {
    t.ok(Math.abs(studentQuantile(p, degrees) - value) < 1e-9 * value, `${p} ${degrees}`);
    t.equal(studentQuantile(1 - p, degrees), -studentQuantile(p, degrees));
  }
  t.ok(Math.abs(studentQuantile(0.5, 4)) < 1e-9);
  t.end();
});

t.test('an interval of ratios is that of their logarithms', (t) => {
  // Logs 0.1, 0.2, 0.3, 0.4: mean 0.25, standard error 0.0645497, t(0.975, 3) 3.1824463.
  const { ratio, low, high } = estimateRatio([0.1, 0.2, 0.3, 0.4]);
  t.ok(Math.abs(Math.log(ratio) - 0.25) < 1e-12);
  t.ok(Math.abs(Math.log(high) - 0.45542575) < 1e-6);
  t.ok(Math.abs(Math.log(low) - 0.04457425) < 1e-6);
  t.same(estimateRatio([0, 0, 0]), { ratio: 1, low: 1, high: 1 });
  t.end();
});

t.test('with a seeded generator 95 of 100 intervals cover the truth', (t) => {
  let x = 7;
  const uniform = (): number => {
    x = (Math.imul(x, 1_664_525) + 1_013_904_223) | 0;
    return ((x >>> 0) + 0.5) / 2 ** 32;
  };
  const normal = (): number => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
  let covered = 0;
  for (let trial = 0; trial < 2000; trial += 1) {
    if (coversOne(estimateRatio(Array.from({ length: 8 }, () => 0.02 * normal())))) covered += 1;
  }
  t.ok(covered > 1870 && covered < 1930, `${covered} of 2000`);
  t.end();
});

t.test('of several timings the least counts', (t) => {
  t.equal(least([3, 1, 2]), 1);
  t.equal(coversOne({ ratio: 1.1, low: 1.01, high: 1.2 }), false);
  t.equal(coversOne({ ratio: 1.1, low: 1, high: 1.2 }), true);
  t.end();
});
