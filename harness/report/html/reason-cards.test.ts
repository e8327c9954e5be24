import t from 'tap';
import { readReference } from '../../fixtures/report/reference.ts';
import { buildStandard, viewOf } from '../../fixtures/report/results.ts';
import type { Result } from '../../store/result.ts';
import { renderEffects } from './effects.ts';
import { buildPageView } from './page-view.ts';
import { renderReasonCards } from './reason-cards.ts';

t.test('what decides is a bar and a sentence per axis, the strongest first', async (t) => {
  const page = buildPageView([await readReference('default')]);
  const text = renderEffects(page)?.text ?? '';
  t.same(
    [...text.matchAll(/<li>\s*<b>(.*?)<\/b>\s*<span class="of">(.*?)<\/span>/g)].map(([, axis, of]) => [
      axis,
      of,
    ]),
    [
      ['vm.overcommit_memory', '24 of 36'],
      ['memory', '0 of 54'],
      ['transparent huge pages', '0 of 36'],
    ],
  );
  t.match(text, '<rect class="least" width="66.7" height="10" />');
  t.match(text, 'Changed neither tier nor outcome in the 36 pairs of this run.');
});

t.test('a card per reason: a bar per limit, links to the cells of the page, the proven cure', async (t) => {
  const page = buildPageView([await readReference('default')]);
  const text = renderReasonCards(page)?.text ?? '';
  t.equal(text.match(/<li>\s*<b class="chip s2">runs smaller \(conservative\)<\/b>/g)?.length, 2);
  t.match(text, /Proven here: With vm\.overcommit_memory 0 or 1, and nothing else changed, all 9 cells/);
  const links = [...text.matchAll(/href="#([^"]+)"/g)].map(([, anchor]) => anchor);
  t.equal(links.length, 12);
  const anchors = new Set(page.cells.map(({ anchor }) => anchor));
  t.ok(links.every((anchor) => anchor !== undefined && anchors.has(anchor)));
});

t.test('nothing varied, nothing failed: no section', async (t) => {
  const view = await readReference('default');
  const one = { ...view, cells: view.cells.slice(0, 1), results: view.results.slice(0, 1) };
  const page = buildPageView([one]);
  t.equal(renderEffects(page), null);
  t.equal(renderReasonCards(page), null);
});

t.test('a setting of which no pair can be compared has no bar', (t) => {
  const cell = (overcommit: 0 | 1, changes: Partial<Result> = {}): Result =>
    buildStandard({ id: `overcommit=${overcommit}`, ...changes }, { overcommit });
  const flaky = [cell(1), cell(1, { repetition: 2, tier: 'conservative' })];
  const text = renderEffects(buildPageView([viewOf([cell(0), ...flaky])]))?.text ?? '';
  t.match(text, '<span class="of">no pair</span>');
  t.match(text, '<rect class="least" width="0" height="10" />');
  t.match(text, 'Nothing to compare. 1 pair could not be compared.');
  t.end();
});
