/** The page in a real browser: Chromium from the system, offline, opened from disk. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { AxeBuilder } from '@axe-core/playwright';
import { type Page, chromium } from 'playwright-core';
import t from 'tap';
import {
  buildDefaultResults,
  buildResult,
  buildStandard,
  record,
  viewOf,
} from '../fixtures/report/results.ts';
import { figureAt } from '../fixtures/overhead/figures.ts';
import type { Result } from '../store/result.ts';
import { type HtmlOptions, renderHtml } from './format/html.ts';
import { formats } from './formats.ts';
import { type RunResults, buildRunView } from './run-view.ts';

const renderHtmlReport = (runs: readonly RunResults[], options?: HtmlOptions): string =>
  renderHtml(
    runs.map((run) => buildRunView(run)),
    options,
  );

import { evidenceKey } from './evidence.ts';

const executablePath = [process.env['CHROMIUM'], '/usr/bin/chromium', '/usr/bin/chromium-browser'].find(
  (path) => path !== undefined && existsSync(path),
);

const folder = await mkdtemp(join(tmpdir(), 'poolproof-page-'));
t.teardown(() => rm(folder, { recursive: true }));

if (executablePath === undefined) {
  t.fail('a Chromium is needed: apt-get install chromium, or name one in CHROMIUM');
  process.exit(1);
}
// Chromium's own sandbox does not start as root.
const browser = await chromium.launch({
  executablePath,
  args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
});
t.teardown(() => browser.close());

type View = Readonly<{
  width?: number;
  colorScheme?: 'light' | 'dark';
  javaScriptEnabled?: boolean;
  hash?: string;
  forcedColors?: 'active';
}>;

/** The page as opened from disk; what it complained of and asked for is collected. */
async function open(name: string, html: string, view: View = {}) {
  const {
    width = 1440,
    colorScheme = 'light',
    javaScriptEnabled = true,
    hash = '',
    forcedColors = 'none',
  } = view;
  const file = join(folder, `${name}.html`);
  await writeFile(file, html);
  const context = await browser.newContext({
    offline: true,
    viewport: { width, height: 900 },
    colorScheme,
    javaScriptEnabled,
    forcedColors,
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  const requests: string[] = [];
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) => requests.push(request.url()));
  await page.goto(`${pathToFileURL(file).href}${hash}`);
  if (javaScriptEnabled) await page.waitForSelector('html[data-ready]', { state: 'attached' });
  return {
    page,
    complaints,
    requests,
    [Symbol.asyncDispose]: () => context.close(),
  };
}

const pair = figureAt(33, 3, {
  workload: 'random',
  clock: 'time',
  cpuModel: 'AMD EPYC',
  pairs: 16,
  processes: 8,
});

/** Every state, sign and kind of panel there is. */
function buildEverything(): readonly RunResults[] {
  const all = [...buildDefaultResults()];
  const outcomes = ['exhausted', 'crashed', 'timeout', 'guest-died', 'invalid', 'broken', 'skipped'] as const;
  const failed = outcomes.map((outcome, index) =>
    buildResult(
      {
        id: `memory=${index + 8}G,overcommit=0,thp=never,engine=wasmtime,node=22`,
        outcome,
        tier: null,
        form: null,
        verdict: index < 2 ? 'unexpected' : index < 4 ? 'expected' : null,
      },
      { memory: (index + 8) * 2 ** 30, overcommit: 0, thp: 'never' },
    ),
  );
  const tier = { tier: 'on-demand', form: null, finding: 'the model said x' } as const;
  const other = { id: 'memory=16G,overcommit=1,thp=never,engine=wasmtime,node=22' };
  const flaky = [1, 2].map((repetition) =>
    buildStandard(
      {
        ...other,
        id: 'memory=17G',
        repetition,
        ...(repetition === 1 ? {} : { outcome: 'crashed', tier: null }),
      },
      { memory: 17 * 2 ** 30 },
    ),
  );
  const costed = {
    ...buildResult({ ...other, ...tier }, { memory: 16 * 2 ** 30, overcommit: 1, thp: 'never' }),
    overhead: [pair],
  };
  const evidence = new Map(
    all.map((cell) => [
      evidenceKey(cell),
      { qemuCommand: 'qemu -m 1G', stderr: 'long '.repeat(600), console: 'panic' },
    ]),
  );
  const older = { ...record, id: '20261120T230311Z-000001', startedAt: '2026-11-20T23:03:11.000Z' };
  return [
    { record: older, results: [...failed, ...flaky, costed] },
    { record, results: all, evidence, base: '' },
  ];
}

async function findViolations(page: Page): Promise<readonly string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html.slice(0, 200) ?? ''}`);
}

t.test(
  'no accessibility rule is broken, in any state of a cell, light and dark, narrow and wide',
  async (t) => {
    const html = renderHtmlReport(buildEverything());
    for (const colorScheme of ['light', 'dark'] as const) {
      for (const width of [360, 1440]) {
        await using opened = await open('everything', html, { width, colorScheme });
        const { page, complaints, requests } = opened;
        const summaries = page.locator('#cells > details > summary');
        for (const index of [0, 2, 40, 43, 44]) await summaries.nth(index).click();
        t.same(await findViolations(page), [], `${colorScheme}, ${width} px`);
        t.ok(
          await page.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth'),
          `the page itself does not scroll sideways at ${width} px`,
        );
        t.same(complaints, []);
        t.same(requests, [pathToFileURL(join(folder, 'everything.html')).href], 'the file and nothing else');
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
  t.equal(
    await page.evaluate<string>("document.activeElement.getAttribute('aria-labelledby')"),
    'grid-caption',
    'the grid scrolls by keyboard',
  );
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
  t.equal(await page.locator('#cells > details:visible').count(), 36);
  t.equal(await page.locator('#filters').isVisible(), false, 'no filters that would do nothing');
  t.match(
    await page.locator('#cells > details > summary').nth(6).textContent(),
    'table pool needs 1531 MiB, CommitLimit leaves 56 MiB',
  );
  await page.locator('#cells > details > summary').nth(6).click();
  t.ok(await page.getByText('poolproof shell memory=512M,overcommit=2').first().isVisible());
});

t.test('print shows the panels, forced colours keep the words', async (t) => {
  await using opened = await open('default', formats.html.render(viewOf(buildDefaultResults(), record)), {
    forcedColors: 'active',
  });
  const { page } = opened;
  t.same(await findViolations(page), []);
  const pdf = await page.pdf();
  t.ok(pdf.length > 50_000);
  t.ok((pdf.toString('latin1').match(/\/Type \/Page\b/g) ?? []).length > 10, 'thirty-six panels fill pages');
  t.equal(await page.locator('#cells > details[open]').count(), 0, 'closed again');
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
  t.equal(await plain.page.locator('table.grid a').count(), many.length);
});
