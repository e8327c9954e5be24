/** The page as a reader meets it: nothing cut or off the screen, and what print and forced colours leave of it. */
import type { Page } from 'playwright-core';
import t from 'tap';
import { findViolations, launchBrowser } from '../fixtures/report/browser.ts';
import { buildEverything } from '../fixtures/report/everything.ts';
import { buildDefaultResults, record, viewOf } from '../fixtures/report/results.ts';
import { collectResults, readRun } from '../store/read-run.ts';
import { renderHtml } from './format/html.ts';
import { formats } from './formats.ts';
import { type RunResults, buildRunView } from './run-view.ts';

const renderHtmlReport = (runs: readonly RunResults[]): string =>
  renderHtml(runs.map((run) => buildRunView(run)));

const open = await launchBrowser(t);

/**
 * What a reader cannot see of tables, and boxes that scroll: by name, empty where all is well. What is only for screen
 * readers is meant to be out of sight.
 */
const findHidden = (page: Page): Promise<readonly string[]> =>
  page.evaluate<string[]>(`[...document.querySelectorAll('main *')].flatMap((element) => {
    const { left, right, width } = element.getBoundingClientRect();
    const { overflowX, overflowY, clipPath } = getComputedStyle(element);
    if (width === 0 || clipPath !== 'none' || element.closest('.unseen')) return [];
    const clipped = element.closest('thead');
    if (clipped && getComputedStyle(clipped).clipPath !== 'none') return [];
    const name = element.tagName + '.' + element.className + ': ' + element.textContent.slice(0, 40);
    const out = element.closest('table') && (left < 0 || right > innerWidth + 0.5);
    const cut = element.closest('table') && element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 0;
    const scrolls = [overflowX, overflowY].some((value) => value === 'auto' || value === 'scroll');
    return out || cut || scrolls ? [name] : [];
  })`);

/** A stored run: 79 cells of `limits` that fill no grid, nine hosts of which many were not tried everywhere. */
async function readStored(name: 'limits' | 'hosts'): Promise<string> {
  const run = await readRun(`results/reference/${name}`);
  return renderHtmlReport([{ record: run.record, results: await collectResults(run.results()), base: '' }]);
}

/** Links and values without a space where a line could break, as cases of the field have them. */
function buildLong(): ReturnType<typeof viewOf> {
  const link = `https://example.org/${'issues-of-a-project/'.repeat(4)}1234567890`;
  const results = buildDefaultResults().map((result) => ({
    ...result,
    settings: { ...result.settings, env: { SIZE: '0x40000000000'.repeat(4 + result.settings.overcommit) } },
    expected: { source: 'matrix' as const, text: 'standard', expectation: { because: null, link } },
  }));
  return viewOf(results, record);
}

t.test('nothing of a table is cut or off the screen, and nothing scrolls inside the page', async (t) => {
  const pages = {
    default: formats.html.render(viewOf(buildDefaultResults(), record)),
    limits: await readStored('limits'),
    hosts: await readStored('hosts'),
    long: formats.html.render(buildLong()),
    everything: renderHtmlReport(buildEverything()),
  };
  for (const [name, html] of Object.entries(pages)) {
    await using opened = await open(name, html);
    const { page } = opened;
    await page.locator('#cells > details > summary').last().click();
    for (const width of [390, 768, 1440]) {
      await page.setViewportSize({ width, height: 900 });
      t.same(await findHidden(page), [], `${name}, ${width} px`);
      t.equal(await page.evaluate('document.documentElement.scrollWidth'), width);
    }
  }
});

t.test('79 cells print on six pages, forced colours keep the words', async (t) => {
  await using opened = await open('limits', await readStored('limits'), { forcedColors: 'active' });
  const { page } = opened;
  t.same(await findViolations(page), []);
  const pdf = (await page.pdf({ format: 'A4' })).toString('latin1');
  const pages = (pdf.match(/\/Type \/Page\b/g) ?? []).length;
  t.ok(pages > 1 && pages <= 6, `${pages} pages`);
  t.equal(await page.locator('#cells > details').count(), 79, 'every cell has its line');
});
