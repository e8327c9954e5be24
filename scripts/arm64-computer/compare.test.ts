import t from 'tap';
import { buildResult, buildStandard } from '../../harness/fixtures/report/results.ts';
import type { Facts } from '../../images/allocator/facts.ts';
import type { Result } from '../../harness/store/result.ts';
import { compareResults } from './compare.ts';

const own = buildResult();
const withFacts = (changes: Partial<Facts>): Result =>
  buildResult({ facts: own.facts && { ...own.facts, ...changes } });

t.test('runs are alike where only the computers and the moment differ', (t) => {
  const memTotal = (own.facts?.memTotal ?? 0) - 4096;
  const other = withFacts({
    memTotal,
    cpuModel: 'Another',
    cpuFlags: ['sve'],
    memAvailable: 1,
    committedAs: 1,
  });
  t.same(compareResults([own], [{ ...other, timings: {}, reason: 'Other words', startedAt: 'later' }]), []);
  t.end();
});

t.test('whatever decides is named with both values, and so is a cell that only one run has', (t) => {
  const named = (there: readonly Result[]): readonly string[] =>
    compareResults([own], there).map((text) => text.replace(`${own.id}: `, ''));
  t.match(
    named([buildStandard({ id: own.id })]).join('\n'),
    /^tier is "conservative" here and "standard" there$/m,
  );
  t.same(named([withFacts({ pageSize: 16_384 })]), ['pageSize is 4096 here and 16384 there']);
  t.match(named([withFacts({ memTotal: 0 })]), [/^memTotal is \d+ here and 0 there$/]);
  t.same(named([buildResult({ facts: null })]), ['there are no facts of the guest']);
  t.same(named([own, { ...own, id: 'memory=1G' }]), ['memory=1G: only there']);
  t.same(named([]), ['only here']);
  const [first] = own.tiers;
  t.match(named([{ ...own, tiers: first === undefined ? [] : [{ ...first, bytes: 1 }] }]), [/^tiers is /]);
  t.end();
});
