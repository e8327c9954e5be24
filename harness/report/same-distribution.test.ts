import t from 'tap';

import { buildResult, buildStandard, record as run, viewOf } from '../fixtures/report/results.ts';
import type { Result } from '../store/result.ts';
import { compareRuns } from './compare.ts';
import { renderComparisonMarkdown, renderComparisonText } from './compare-render.ts';
import { formats } from './formats.ts';

const nothing: Partial<Result> = { tier: null, form: null, tiers: [], outcome: 'broken', verdict: null };
const results: readonly Result[] = [
  buildStandard({ repetition: 1, verdict: 'expected' }),
  buildStandard({ repetition: 2, verdict: 'expected' }),
  buildResult({ repetition: 3, verdict: 'unexpected' }),
  buildStandard({ repetition: 4, ...nothing }),
];

/** scipy 1.17.1: binomtest(2, 3) and (1, 3), proportion_ci(0.95, 'wilson'), rounded outwards. */
const words = 'standard 2/3 (20–94 %), conservative 1/3 (6–80 %); 1 not judged';

t.test('every format publishes the same distribution of one cell, and broken is no share of it', (t) => {
  for (const name of [
    'csv',
    'junit',
    'md',
    'html',
    'github',
    'annotations',
    'tap',
  ] as const satisfies (keyof typeof formats)[]) {
    const text = formats[name]
      .render(viewOf(results))
      .replaceAll('\\', '')
      .replaceAll('%25', '%')
      .replaceAll(/\s+/g, ' ');
    t.match(text, words, name);
    t.notMatch(text, /broken \d+(?:\/| of )/, `${name}: what was not judged is no share`);
  }
  t.match(formats.table.render(viewOf(results)), words);
  const comparison = compareRuns(
    { runs: [viewOf(results.slice(0, 1), run)] },
    { runs: [viewOf(results, run)] },
  );
  t.match(renderComparisonText(comparison), words);
  t.match(renderComparisonMarkdown(comparison).replaceAll('\\', ''), words);

  const report = JSON.parse(formats.json.render(viewOf(results))) as {
    distributions: {
      judged: number;
      silent: number;
      shares: { observed: string; count: number; interval: { low: number; high: number } }[];
    }[];
  };
  const [cell] = report.distributions;
  t.match(cell, { judged: 3, silent: 1 });
  t.same(
    cell?.shares.map(({ observed, count, interval }) => [
      observed,
      count,
      interval.low.toFixed(6),
      interval.high.toFixed(6),
    ]),
    [
      ['standard', 2, '0.207660', '0.938508'],
      ['conservative', 1, '0.061492', '0.792340'],
    ],
  );
  t.end();
});

t.test('a broken repetition makes no cell of the page flaky, and the grid counts it apart', (t) => {
  const two = [results[0]!, results[1]!, { ...results[3]!, repetition: 3 }];
  const page = formats.html.render(viewOf(two));
  t.match(page, 'standard 2/2 (34–100 %); 1 not judged');
  t.match(page, 'standard ×2; 1 not judged ?');
  t.notMatch(page, /broken 1/);
  t.match(formats.md.render(viewOf(two)), 'standard ×2; 1 not judged ?');
  t.end();
});
