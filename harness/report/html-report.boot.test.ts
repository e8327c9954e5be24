/** The page in a real browser: Chromium from the system, offline, opened from disk. */
import t from 'tap';
import {
  buildDefaultResults,
  buildResult,
  buildStandard,
  record,
  viewOf,
} from '../fixtures/report/results.ts';
import { findViolations, launchBrowser } from '../fixtures/report/browser.ts';
import { buildEverything } from '../fixtures/report/everything.ts';
import type { Result } from '../store/result.ts';
import { evidenceKey } from './evidence.ts';
import { type HtmlOptions, renderHtml } from './format/html.ts';
import { formats } from './formats.ts';
import { type RunResults, buildRunView } from './run-view.ts';

const renderHtmlReport = (runs: readonly RunResults[], options?: HtmlOptions): string =>
  renderHtml(
    runs.map((run) => buildRunView(run)),
    options,
  );

const open = await launchBrowser(t);

t.test(
  'no accessibility rule is broken, in any state of a cell, light and dark, narrow and wide',
  async (t) => {
    const html = renderHtmlReport(buildEverything());
    for (const colorScheme of ['light', 'dark'] as const) {
      for (const width of [360, 1440]) {
        await using opened = await open('everything', html, { width, colorScheme });
        const { page, complaints, requests, address } = opened;
        const summaries = page.locator('#cells > details > summary');
        for (const index of [0, 2, 40, 43, 44]) await summaries.nth(index).click();
        t.same(await findViolations(page), [], `${colorScheme}, ${width} px`);
        t.same(complaints, []);
        t.same(requests, [address], 'the file and nothing else');
      }
    }
  },
);

t.test('filters narrow the list and the grid, are kept in the address, and sort', async (t) => {
  await using opened = await open('default', formats.html.render(viewOf(buildDefaultResults(), record)));
  const { page, complaints } = opened;
  const shown = page.locator('#cells > details:visible');
  t.equal(await shown.count(), 36);
  await page.locator('[name="a.overcommit"]').selectOption('2');
  t.equal(await shown.count(), 12);
  t.equal(await page.locator('#grid a:visible').count(), 12);
  await page.locator('[name="a.memory"]').selectOption('512M');
  t.equal(await page.locator('output').textContent(), '3 of 36 cells');
  t.equal(await page.locator('#grid tbody tr:visible').count(), 1);
  await page.getByLabel('find').fill('thp=never');
  t.equal(await shown.count(), 1);
  t.match(page.url(), /#\?a\.memory=0&a\.overcommit=2&find=thp%3Dnever$/);
  await page.getByRole('button', { name: 'Show all' }).click();
  await page.locator('output', { hasText: /^36 cells$/ }).waitFor();
  await page.locator('[name=state]').selectOption('conservative');
  t.equal(await shown.count(), 12);
  await page.locator('[name=state]').selectOption('');
  await page.getByLabel('sort by').selectOption('worst');
  t.match(await shown.first().textContent(), /^\s*conservative/);
  t.same(complaints, []);
  await using again = await open('default', formats.html.render(viewOf(buildDefaultResults(), record)), {
    hash: '#?a.overcommit=2',
  });
  t.equal(
    await again.page.locator('#cells > details:visible').count(),
    12,
    'an address with filters is followed',
  );
});

t.test('the keyboard alone leads from the grid to a panel and back', async (t) => {
  await using opened = await open('default', formats.html.render(viewOf(buildDefaultResults(), record)));
  const { page, complaints } = opened;
  const focused = () =>
    page.evaluate<string>("document.activeElement.textContent.replace(/\\s+/g, ' ').trim().slice(0, 40)");
  await page.keyboard.press('Tab');
  t.equal(await focused(), 'Skip to the list of cells');
  await page.keyboard.press('Tab');
  t.equal(await focused(), '● runs fully', 'the verdict comes first');
  await page.locator('#tiers').focus();
  for (let presses = 0; presses < 7; presses += 1) await page.keyboard.press('Tab');
  t.equal(await focused(), 'conservative');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#cells > details[open]');
  t.match(await focused(), /^conservative 512M · overcommit 2 · thp a/);
  t.ok(
    await page
      .getByText('does not fit: table pool needs 1531 MiB, CommitLimit leaves 172 MiB')
      .first()
      .isVisible(),
  );
  t.match(page.url(), /#cell-memory=512M,overcommit=2,thp=always,engine=wasmtime,node=22$/);
  await page.keyboard.press('Escape');
  t.equal(await page.locator('#cells > details[open]').count(), 0);
  t.equal(await focused(), 'conservative', 'back at the link');
  await page.keyboard.press('Enter');
  t.equal(await page.locator('#cells > details[open]').count(), 1, 'the same link works again');
  t.same(complaints, []);
});

t.test('without JavaScript the page reads: grid, numbers, panels', async (t) => {
  await using opened = await open('plain', formats.html.render(viewOf(buildDefaultResults(), record)), {
    javaScriptEnabled: false,
  });
  const { page } = opened;
  t.equal(await page.locator('#grid a:visible').count(), 36);
  t.match(await page.locator('.lead').textContent(), 'The host runs fully in 24 of 36 environments');
  t.match(await page.locator('a[download$=".csv"]').getAttribute('href'), /^data:text\/csv;base64,/);
  t.equal(await page.locator('#cells > details:visible').count(), 36);
  t.equal(await page.locator('#filters').isVisible(), false, 'no filters that would do nothing');
  t.match(
    await page.locator('#cells > details > summary').nth(6).textContent(),
    'table pool needs 1531 MiB, CommitLimit leaves 56 MiB',
  );
  await page.locator('#cells > details > summary').nth(6).click();
  t.ok(await page.getByText('poolproof shell memory=512M,overcommit=2').first().isVisible());
});

t.test('a script planted by a guest does not run, in either kind of page', async (t) => {
  const attack = `</pre></script><script>document.title='owned'</script><img src="https://example.org/x" onerror="document.title='owned'"><svg onload="document.title='owned'"></svg>\u0001\u0002\u202e\u0000`;
  const cell = buildResult(
    {
      id: `memory=1G"><script>document.title='owned'</script>`,
      reason: attack,
      finding: attack,
      tiers: [{ tier: 'standard', ok: false, class: attack, message: attack, pool: null, bytes: null }],
      readBack: [{ axis: attack, asked: attack, found: attack, ok: false }],
    },
    { memory: 2 ** 29 },
  );
  const evidence = new Map([
    [
      evidenceKey(cell),
      { console: attack.repeat(50_000), stdout: attack, stderr: attack, qemuCommand: attack },
    ],
  ]);
  for (const staticLimit of [Infinity, 0]) {
    const html = renderHtmlReport([{ record, results: [cell, buildStandard()], evidence }], { staticLimit });
    await using opened = await open(`hostile-${staticLimit}`, html);
    const { page, complaints, requests } = opened;
    for (const summary of await page.locator('#cells > details > summary').all()) await summary.click();
    t.match(
      await page.locator('#cells > details').first().textContent(),
      "<script>document.title='owned'</script>",
    );
    t.equal(await page.title(), "Spin's defaults on small machines: supported environments");
    t.equal(requests.length, 1);
    t.same(complaints, []);
    const forced = await page.evaluate<string>(
      `const script = document.createElement('script'); script.textContent = "document.title='owned'"; document.body.append(script); document.title`,
    );
    t.not(forced, 'owned', 'the policy would stop it even if it got in');
  }
});

t.test('ten thousand cells: soon at hand, and panels are put together when opened', async (t) => {
  const few = buildDefaultResults();
  const many = Array.from({ length: 278 }, (_, index) =>
    few.map((cell): Result => {
      const settings = { ...cell.settings, cpus: (index % 16) + 1, node: String(18 + (index >> 4)) };
      return { ...cell, settings, id: `${cell.id},cpus=${settings.cpus},n=${settings.node}` };
    }),
  ).flat();
  const html = formats.html.render(viewOf(many, record));
  await using opened = await open('large', html);
  const { page, complaints } = opened;
  const lines = page.locator('#grid tbody tr');
  t.equal(await lines.count(), 300, 'the first lines of the grid');
  await page.getByLabel('find').fill('cpus=7,n=34');
  t.equal(await lines.count(), 4, 'lines that were not among them');
  await lines.nth(2).locator('a').nth(8).click();
  // The page follows its new address in an event of its own.
  await page.locator('#cells > details[open] > summary:focus').waitFor();
  t.match(
    await page.evaluate('document.activeElement.parentElement.id'),
    /^cell-memory=2048M,overcommit=2,thp=never.*cpus=7,n=34$/,
  );
  await page.keyboard.press('Escape');
  t.match(await page.evaluate('document.activeElement.hash'), /cpus=7,n=34$/, 'back in the grid');
  await page.getByLabel('find').fill('cpus=7,n=20');
  const shown = page.locator('#cells > details:visible');
  t.equal(await shown.count(), 36);
  await shown.nth(8).locator('summary').click();
  await page.getByText('poolproof shell memory=512M').first().waitFor();
  t.match(
    await shown.nth(8).textContent(),
    /does not fit: table pool needs 1531 MiB, CommitLimit leaves 172 MiB/,
  );
  t.match(
    await shown.nth(8).textContent(),
    /poolproof run matrices\/default\.yaml --only memory=512M,overcommit=2,thp=never,engine=wasmtime,node=22,cpus=7,n=20/,
  );
  await page.getByRole('button', { name: 'Show all' }).click();
  await page.getByRole('button', { name: 'All 1112 lines of the grid' }).click();
  t.equal(await lines.count(), 1112);
  t.equal(await page.getByRole('button', { name: 'lines of the grid' }).count(), 0);
  await page
    .locator('#cells > details')
    .nth(many.length - 1)
    .waitFor({ state: 'attached' });
  t.equal(
    await page.evaluate(
      'new Set(Array.from(document.querySelectorAll("#cells > details"), ({ id }) => id)).size',
    ),
    many.length,
    'every cell is in the list once',
  );
  t.same(complaints, []);
  await using plain = await open('large', html, { javaScriptEnabled: false });
  t.equal(await plain.page.locator('#cells details').count(), many.length, 'also without JavaScript');
  t.equal(await plain.page.locator('.gridbox a').count(), many.length);
});
