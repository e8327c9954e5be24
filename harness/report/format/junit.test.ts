import t from 'tap';
import { buildResult, buildStandard, viewOf, silentAttempt } from '../../fixtures/report/results.ts';
import { junit } from './junit.ts';

t.test('a failure without evidence names none, and an attempt without a message its tier', (t) => {
  const common = { verdict: 'unexpected', tiers: [silentAttempt] } as const;
  const text = junit.render(
    viewOf([
      buildResult({ id: 'with', ...common }),
      buildResult({ id: 'without', ...common, evidence: null }),
    ]),
  );
  const [first, second] = text.match(/<failure[^]*?<\/failure>/g) ?? [];
  t.match(first, /^standard: *\nevidence: evidence\/memory_1G-abc<\/failure>$/m);
  t.notMatch(second, 'evidence');
  t.end();
});

t.test('a phase inside another is not counted twice', (t) => {
  const text = junit.render(viewOf([buildStandard({ timings: { ready: 2000, 'host.load': 1500 } })]));
  t.match(text, /<testcase [^>]*time="2\.000"/);
  t.end();
});
