import { cp, readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import t, { type Test } from 'tap';
import { buildRunView } from '../report/run-view.ts';
import { collectResults, readRun } from '../store/read-run.ts';
import type { Context } from './context.ts';
import { publishRuns } from './publish-runs.ts';
import { report } from './report.ts';

const fixture = path.join(import.meta.dirname, '../fixtures/runs/whole');
const olderId = '20261124T010000Z-aaaaaa';
const newerId = '20261125T010000Z-bbbbbb';

function listen(): { context: Context; err: string[] } {
  const err: string[] = [];
  const context: Context = {
    out: () => undefined,
    err: (text) => void err.push(text),
    version: '0',
    stdout: process.stdout,
    stderr: process.stderr,
    signal: new AbortController().signal,
    finishOnSignal: () => undefined,
    close: () => undefined,
  };
  return { context, err };
}

/** The same run at another time, with one word of its first result changed. */
async function makeRun(t: Test, id: string, change: (cells: string) => string): Promise<string> {
  const dir = path.join(t.testdirName, id);
  await cp(fixture, dir, { recursive: true });
  const record = JSON.parse(await readFile(path.join(dir, 'run.json'), 'utf8')) as object;
  const startedAt = `${id.slice(0, 4)}-${id.slice(4, 6)}-${id.slice(6, 8)}T01:00:00.000Z`;
  await writeFile(path.join(dir, 'run.json'), JSON.stringify({ ...record, id, startedAt }));
  const cells = await readFile(path.join(dir, 'cells.jsonl'), 'utf8');
  await writeFile(path.join(dir, 'cells.jsonl'), change(cells));
  return dir;
}

t.test(
  'report --site writes an index, a page and the JSON per run, a badge and a feed of regressions',
  async (t) => {
    const root = t.testdir({ site: {} });
    const site = path.join(root, 'site');
    const older = await makeRun(t, olderId, (cells) => cells);
    const newer = await makeRun(t, newerId, (cells) =>
      cells
        .replace('"tier":"standard"', '"tier":"conservative"')
        .replace('"verdict":"expected"', '"verdict":"unexpected"'),
    );
    const { context, err } = listen();
    t.equal(await report(context, [newer, older], { site }), 0);
    t.same(err, [`${path.join(site, 'index.html')}\n`]);
    t.same((await readdir(site)).sort(), [
      '.nojekyll',
      'badge.json',
      'feed.xml',
      'index.html',
      'report.html',
      'runs',
    ]);
    const read = (...names: string[]): Promise<string> => readFile(path.join(site, ...names), 'utf8');
    t.same((await readdir(path.join(site, 'runs', newerId))).sort(), [
      'changes.json',
      'report.html',
      'report.json',
    ]);
    t.same((await readdir(path.join(site, 'runs', olderId))).sort(), ['report.html', 'report.json']);
    t.equal(
      await read('report.html'),
      await read('runs', newerId, 'report.html'),
      'the newest is the first page',
    );
    const index = await read('index.html');
    t.match(
      index,
      new RegExp(
        `href="runs/${newerId}/report.html"[^]*>1<[^]*href="runs/${olderId}/report.html"[^]*not compared`,
      ),
    );
    t.notMatch(index, /<script|https?:\/\//);
    const feed = await read('feed.xml');
    t.match(feed, `<id>urn:poolproof:run:${newerId}</id>`);
    t.match(feed, `<link href="runs/${newerId}/report.html"/>`);
    t.match(JSON.parse(await read('badge.json')), {
      label: 'poolproof',
      message: '7 of 8 as expected',
      color: 'red',
    });
    t.equal(await report(context, [newer], { site }), 0, 'the same run again');
    t.same((await readdir(path.join(site, 'runs'))).sort(), [olderId, newerId]);
  },
);

t.test('a site has formats and files of its own', async (t) => {
  const { context } = listen();
  const site = path.join(t.testdir(), 'site');
  await t.rejects(report(context, [fixture], { site, format: ['junit'] }), { code: 'USAGE' });
  await t.rejects(report(context, [fixture], { site, output: site }), { code: 'USAGE' });
});

t.test('with its address, a page names itself and the picture beside it, which is an image', async (t) => {
  const { context, err } = listen();
  const site = path.join(t.testdir(), 'site');
  const { id } = JSON.parse(await readFile(path.join(fixture, 'run.json'), 'utf8')) as { id: string };
  const folder = `https://example.org/pool/runs/${id}`;
  t.equal(await report(context, [fixture], { site, url: 'https://example.org/pool' }), 0);
  t.same(err, [`${path.join(site, 'index.html')}\n`]);
  const page = await readFile(path.join(site, 'runs', id, 'report.html'), 'utf8');
  t.match(page, `<meta property="og:url" content="${folder}/report.html" />`);
  t.match(page, `<meta property="og:image" content="${folder}/picture.png" />`);
  t.match(await readFile(path.join(site, 'feed.xml'), 'utf8'), '<id>https://example.org/pool/feed.xml</id>');
  const picture = await readFile(path.join(site, 'runs', id, 'picture.png'));
  t.equal(picture.toString('latin1', 1, 4), 'PNG');
  t.same([picture.readUInt32BE(16), picture.readUInt32BE(20)], [1200, 630], 'pixels');
  t.ok(picture.length > 5000, 'something is drawn');
});

t.test('only an address of the web is one, and only a site has one', async (t) => {
  const { context } = listen();
  const site = path.join(t.testdir(), 'site');
  for (const url of ['example.org', 'file:///srv', ''])
    await t.rejects(report(context, [fixture], { site, url }), { code: 'USAGE', message: /--url/ });
  await t.rejects(report(context, [fixture], { url: 'https://example.org/' }), {
    code: 'USAGE',
    details: { hint: /--site/ },
  });
});

t.test(
  'without the library that draws, the site has no picture, and the caller learns what to install',
  async (t) => {
    const site = path.join(t.testdir(), 'site');
    const run = await readRun(fixture);
    const view = buildRunView({ record: run.record, results: await collectResults(run.results()) });
    const runs = [{ dir: fixture, view, damaged: false }];
    const missing = (): Promise<never> =>
      Promise.reject(Object.assign(new Error('no such package'), { code: 'ERR_MODULE_NOT_FOUND' }));
    t.equal(await publishRuns(runs, site, 'https://example.org/', missing), '@resvg/resvg-js@2');
    t.notMatch(await readFile(path.join(site, 'report.html'), 'utf8'), 'og:image');
    t.equal(await publishRuns(runs, site, '', missing), null, 'nor is it missed without an address');
    const broken = (): Promise<never> => Promise.reject(new Error('broken'));
    await t.rejects(publishRuns(runs, site, 'https://example.org/', broken), { message: 'broken' });
  },
);
