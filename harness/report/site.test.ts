import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { addPage, pageAddress, type SiteOptions, type SiteRun } from './site.ts';

type Page = Readonly<{ id: string; exitCode?: number; changes?: unknown }>;

/** A folder as `report` writes it, as far as a site reads it. */
function writePage(t: Test, { id, exitCode = 0, changes }: Page): string {
  const folder = t.testdir({});
  const page = path.join(folder, id);
  mkdirSync(page);
  const startedAt = `2026-11-${id.slice(6, 8)}T02:00:00.000Z`;
  const byVerdict = { expected: 3, unexpected: 1, none: 0 };
  const report = {
    run: { id, startedAt, matrix: { title: `Nightly <${id}>` } },
    summary: { total: 4, byVerdict, exitCode },
  };
  writeFileSync(path.join(page, 'report.json'), JSON.stringify(report));
  writeFileSync(path.join(page, 'report.html'), `page of ${id}`);
  if (changes !== undefined) writeFileSync(path.join(page, 'changes.json'), JSON.stringify(changes));
  return page;
}

async function buildSite(t: Test, pages: readonly Page[], options?: SiteOptions) {
  const site = t.testdir({});
  let runs: readonly SiteRun[] = [];
  for (const page of pages)
    await t.test(`page ${page.id}`, async (t) => {
      runs = await addPage(writePage(t, page), site, options);
      t.ok(runs.length > 0);
    });
  const read = (name: string): string => readFileSync(path.join(site, name), 'utf8');
  return { site, runs, read };
}

const regressed = (reason: string | null) => ({
  regressions: 1,
  changes: [
    { id: 'memory=512M', regression: true, new: { reason } },
    { id: 'memory=1G', regression: false, new: { reason: 'better' } },
  ],
});

t.test('a site shows the newest run, whichever was added last', async (t) => {
  const { runs, read } = await buildSite(t, [
    { id: '20261102-b', exitCode: 2 },
    { id: '20261101-a', exitCode: 1 },
    { id: '20261103-c' },
    { id: '20261102-b', exitCode: 2 },
  ]);
  t.same(
    runs.map(({ run }) => run.id),
    ['20261103-c', '20261102-b', '20261101-a'],
  );
  t.equal(read('report.html'), 'page of 20261103-c');
  t.match(read('index.html'), /<h1>Nightly &lt;20261103-c&gt;<\/h1>/);
  t.match(read('index.html'), /as expected[^]*no verdict for some cells[^]*not as expected/);
  t.match(read('index.html'), /not compared/);
  t.same(JSON.parse(read('badge.json')), {
    schemaVersion: 1,
    label: 'poolproof',
    message: '3 of 4 as expected',
    color: 'brightgreen',
  });
  t.equal(read('.nojekyll'), '');
});

t.test('a run without a verdict for some cells has a yellow badge', async (t) => {
  const { read } = await buildSite(t, [{ id: '20261102-b', exitCode: 2 }]);
  t.match(JSON.parse(read('badge.json')), { color: 'yellow' });
});

t.test(
  'the feed has an entry per run with a regression, by links that work wherever the site is',
  async (t) => {
    const pages = [
      { id: '20261101-a', changes: regressed('commit charge') },
      { id: '20261102-b', changes: { regressions: 0, changes: [] } },
      { id: '20261103-c', changes: regressed(null) },
    ];
    const { read } = await buildSite(t, pages);
    const feed = read('feed.xml');
    t.match(
      feed,
      /urn:poolproof:run:20261103-c[^]*memory=512M: no reason is known[^]*urn:poolproof:run:20261101-a/,
    );
    t.match(feed, /<link href="runs\/20261101-a\/report\.html"\/>/);
    t.match(feed, /memory=512M: commit charge/);
    t.notMatch(feed, /memory=1G|20261102-b/);
    t.match(feed, /<updated>2026-11-03T02:00:00\.000Z<\/updated>/);
    const placed = await buildSite(t, pages.slice(0, 1), {
      address: 'https://ci.example/pages',
      noun: 'night',
    });
    t.match(
      placed.read('feed.xml'),
      /<id>https:\/\/ci\.example\/pages\/nights\/20261101-a\/report\.html<\/id>/,
    );
    t.equal(pageAddress('https://ci.example/', 'x'), 'https://ci.example/runs/x/report.html');
    t.equal(pageAddress('', 'x', 'night'), 'nights/x/report.html');
  },
);

t.test('older runs than those that are kept leave the site', async (t) => {
  const pages = [{ id: '20261101-a' }, { id: '20261102-b' }, { id: '20261103-c' }];
  const { site, runs } = await buildSite(t, pages, { kept: 2 });
  t.equal(runs.length, 2);
  t.notOk(existsSync(path.join(site, 'runs', '20261101-a')));
});

t.test('a page whose changes cannot be read is refused', async (t) => {
  const site = t.testdir({});
  const page = path.join(site, 'in');
  mkdirSync(page);
  writeFileSync(path.join(page, 'report.json'), '{}');
  await t.rejects(addPage(page, site));
});
