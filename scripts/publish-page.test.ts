import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import t, { type Test } from 'tap';
import { formats } from '../harness/report/formats.ts';
import { buildRunView } from '../harness/report/run-view.ts';
import { collectResults, readRun } from '../harness/store/read-run.ts';
import { publishPage } from './publish-page.ts';

const address = 'https://pages.test/poolproof';

/** The folder of a night's reports. */
async function makePage(t: Test, id: string, exitCode: number, changes?: unknown): Promise<string> {
  const page = path.join(t.testdirName, id);
  await mkdir(page, { recursive: true });
  const summary = {
    total: 3,
    byVerdict: { expected: 3 - exitCode, unexpected: exitCode, undecided: 0, none: 0 },
    exitCode,
  };
  const run = {
    id,
    startedAt: `2026-11-${id.slice(6, 8)}T02:23:00.000Z`,
    matrix: { title: 'Small <machines>' },
  };
  await writeFile(path.join(page, 'report.json'), JSON.stringify({ run, summary }));
  await writeFile(path.join(page, 'report.html'), `the page of ${id}`);
  if (changes !== undefined) await writeFile(path.join(page, 'changes.json'), JSON.stringify(changes));
  return page;
}

const worse = {
  regressions: 1,
  changes: [
    { id: 'memory=512M,overcommit=0', regression: true, new: { reason: 'no <room> & "none"' } },
    { id: 'memory=1G,overcommit=0', regression: false, new: { reason: null } },
  ],
};

t.test('each night is added to the site, the newest first', async (t) => {
  const site = path.join(t.testdir(), 'site');
  const read = (name: string): Promise<string> => readFile(path.join(site, name), 'utf8');
  await publishPage(await makePage(t, '20261126T022300Z-aaaaaa', 0), site, address);
  t.match(JSON.parse(await read('badge.json')), {
    schemaVersion: 1,
    label: 'poolproof',
    message: '3 of 3 as expected',
    color: 'brightgreen',
  });
  t.notMatch(await read('feed.xml'), '<entry>');
  const second = await makePage(t, '20261127T022300Z-bbbbbb', 1, worse);
  await publishPage(second, site, address);
  const nights = await publishPage(second, site, address);
  t.same(
    nights.map(({ run }) => run.id),
    ['20261127T022300Z-bbbbbb', '20261126T022300Z-aaaaaa'],
    'the same night again is no other night',
  );
  t.match(JSON.parse(await read('badge.json')), { message: '2 of 3 as expected', color: 'red' });
  t.equal(await read('report.html'), 'the page of 20261127T022300Z-bbbbbb');
  const index = await read('index.html');
  t.match(index, /bbbbbb\/report\.html[^]*not as expected[^]*>1<[^]*aaaaaa\/report\.html[^]*not compared/);
  t.match(index, '<h1>Small &lt;machines&gt;</h1>');
  const feed = await read('feed.xml');
  t.equal(feed.match(/<entry>/g)?.length, 1);
  t.match(feed, '<id>https://pages.test/poolproof/nights/20261127T022300Z-bbbbbb/report.html</id>');
  t.match(feed, 'memory=512M,overcommit=0: no &lt;room&gt; &amp; &quot;none&quot;</content>');
  t.notMatch(feed, 'memory=1G');
  t.match(feed, '<updated>2026-11-27T02:23:00.000Z</updated>');
});

t.test('old nights leave the site, and one that is added late does not become the newest', async (t) => {
  const site = path.join(t.testdir(), 'site');
  for (let night = 0; night < 91; night += 1) {
    const id = `20261101T${String(100_000 + night)}Z-aaaaaa`;
    const folder = path.join(site, 'nights', id);
    await mkdir(path.dirname(folder), { recursive: true });
    await makePage(t, path.relative(t.testdirName, folder), 0).catch(() => undefined);
    await writeFile(
      path.join(folder, 'report.json'),
      JSON.stringify({
        run: { id, startedAt: '2026-11-01T10:00:00Z', matrix: { title: 'x' } },
        summary: { total: 1, byVerdict: { expected: 1, unexpected: 0, none: 0 }, exitCode: 0 },
      }),
    );
  }
  const late = await makePage(t, '20261101T100050Z-cccccc', 2);
  const nights = await publishPage(late, site, address);
  t.equal(nights.length, 90);
  t.equal(nights[0]?.run.id, '20261101T100090Z-aaaaaa');
  const kept = await readdir(path.join(site, 'nights'));
  t.equal(kept.length, 90);
  t.notOk(kept.includes('20261101T100000Z-aaaaaa'));
  t.ok(kept.includes('20261101T100050Z-cccccc'));
});

t.test('what report --format json writes is read', async (t) => {
  const folder = 'results/reference/default';
  const run = await readRun(folder);
  const view = buildRunView({ record: run.record, results: await collectResults(run.results()) });
  const page = t.testdir({ 'report.json': formats.json.render(view), 'report.html': 'a page' });
  const [night] = await publishPage(page, path.join(page, '../site'), address);
  t.equal(night?.run.id, run.record.id);
  t.equal(night?.summary.total, view.counts.total);
});
