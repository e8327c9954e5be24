import t from 'tap';
import { readReference } from '../../fixtures/report/reference.ts';
import { buildResult, buildStandard, viewOf } from '../../fixtures/report/results.ts';
import type { Result } from '../../store/result.ts';
import { renderHtml } from '../format/html.ts';
import { buildPageView } from './page-view.ts';
import { renderVerdict } from './verdict.ts';

t.test(
  'several hosts in one environment are several tests of it, and several tables come after the contents',
  async (t) => {
    const page = renderHtml(await Promise.all([readReference('default'), readReference('hosts')]));
    t.match(page, /Real hosts on small machines <small>93 tests in 25 environments<\/small>/);
    t.match(page, /<small>36 environments<\/small>/);
    t.ok(page.indexOf('aria-label="Contents"') < page.indexOf('class="grid verdict'));
    const one = renderHtml([await readReference('hosts')]);
    t.ok(one.indexOf('aria-label="Contents"') > one.indexOf('class="grid verdict'), 'one table is the first');
  },
);

t.test(
  'a line names once where it was not tested, and a note what the name of a host stands for',
  async (t) => {
    const { text } = renderVerdict(buildPageView([await readReference('hosts')]));
    t.match(
      text,
      '<small class="untested">not tested: bun, deno@2.9.6, extism, wash, wasmtime-run, workerd</small>',
    );
    t.match(text, 'spin-sizes: wasmtime serve with Spin&#39;s pool. ');
    t.notMatch(text, '†');
  },
);

t.test('no environment is hidden: those beyond the first are behind a fold', async (t) => {
  const { text } = renderVerdict(buildPageView([await readReference('limits')]));
  const fold = /<summary>and 7 more<\/summary>(.*?)<\/details>/s.exec(text)?.[1] ?? '';
  t.equal(fold.match(/<span>/g)?.length, 7);
});

t.test('lines and clauses beyond the first are folded, but never a single one', (t) => {
  const textOf = (results: readonly Result[]): string => renderVerdict(buildPageView([viewOf(results)])).text;
  const ended = (index: number): Result =>
    buildResult(
      {
        id: `cell-${index}`,
        outcome: 'crashed',
        tier: null,
        tiers: [],
        predicted: null,
        reason: `end ${index}`,
      },
      { memory: (index + 1) * 2 ** 29 },
    );
  const lines = textOf(Array.from({ length: 26 }, (_, index) => ended(index)));
  t.match(lines, '<summary>2 more lines</summary>');
  t.match(lines, 'How each host runs: Spin&#39;s defaults on small machines, continued');
  const clausesOf = (count: number): string =>
    textOf(
      Array.from({ length: count }, (_, index) => {
        const size = (index + 2) * 2 ** 30;
        return buildStandard(
          { id: `cell-${index}` },
          { memory: size, addressSpace: size, dataLimit: size, maxMapCount: 1000 + index },
        );
      }),
    );
  t.equal(clausesOf(7).match(/<span>[^<]*<\/span>/g)?.length, 7);
  t.notMatch(clausesOf(7), 'more</summary>');
  t.match(clausesOf(8), '<summary>and 2 more</summary>');
  t.end();
});
