import { cp, readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import t, { type Test } from 'tap';
import type { Context } from './context.ts';
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
