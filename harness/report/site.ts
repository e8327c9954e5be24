/**
 * A small static site of runs: an index, the reports of each run in a folder of its own, a badge in the form that
 * shields.io reads, and an Atom feed of regressions. It needs no server and no script.
 */
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { formatTime } from './format-run.ts';
import { html, markup, table, type Html } from './html/html.ts';

export type SiteOptions = Readonly<{
  /** Where the site can be reached; without one its links are relative. @default '' */
  address?: string;
  /** What a run is called on the site, in the singular: its folders stand in one of that name. @default 'run' */
  noun?: 'run' | 'night';
  /** Older ones leave the site. @default Infinity */
  kept?: number;
}>;

const count = z.int().nonnegative();
const reportSchema = z.object({
  run: z.object({
    id: z.string().regex(/^[\w-]+$/),
    startedAt: z.string(),
    matrix: z.object({ title: z.string() }),
  }),
  summary: z.object({
    total: count,
    byVerdict: z.object({ expected: count, unexpected: count, none: count }),
    exitCode: z.int(),
  }),
});
const changesSchema = z.object({
  regressions: count,
  changes: z.array(
    z.object({
      id: z.string(),
      regression: z.boolean(),
      new: z.object({ reason: z.string().nullable() }),
    }),
  ),
});

export type SiteRun = z.infer<typeof reportSchema> &
  Readonly<{ changes: z.infer<typeof changesSchema> | null }>;

const states: Readonly<Record<number, Readonly<{ word: string; color: string }>>> = {
  0: { word: 'as expected', color: 'brightgreen' },
  1: { word: 'not as expected', color: 'red' },
};
const noVerdict = { word: 'no verdict for some cells', color: 'yellow' };

const stateOf = ({ summary }: Pick<SiteRun, 'summary'>) => states[summary.exitCode] ?? noVerdict;

/** For https://shields.io/badges/endpoint-badge. */
function renderBadge(run: SiteRun): string {
  const { total, byVerdict } = run.summary;
  const message = `${byVerdict.expected} of ${total} as expected`;
  return `${JSON.stringify({ schemaVersion: 1, label: 'poolproof', message, color: stateOf(run).color })}\n`;
}

/** The same escapes; by another name, since Prettier would lay it out as HTML. */
const xml = html;

const folderOf = (id: string, noun = 'run'): string => `${noun}s/${id}/`;

const baseOf = (address: string): string => (address === '' ? '' : address.replace(/\/*$/, '/'));

/** Of the page of a run; relative where the site has no address. */
export const pageAddress = (address: string, id: string, noun?: SiteOptions['noun']): string =>
  `${baseOf(address)}${folderOf(id, noun)}report.html`;

/** One entry per run with a regression, newest first; RFC 4287. */
function renderFeed(newest: SiteRun, runs: readonly SiteRun[], { address = '', noun }: SiteOptions): string {
  const base = baseOf(address);
  const entries = runs.flatMap(({ run, changes }) => {
    const regressed = changes?.changes.filter(({ regression }) => regression) ?? [];
    if (regressed.length === 0) return [];
    const link = pageAddress(address, run.id, noun);
    // An id is absolute wherever the site is.
    const id = base === '' ? `urn:poolproof:run:${run.id}` : link;
    const lines = regressed.map(({ id, new: { reason } }) => `${id}: ${reason ?? 'no reason is known'}`);
    return [
      xml`<entry><id>${id}</id><updated>${run.startedAt}</updated>
        <title>${regressed.length} regressions: ${run.matrix.title}</title><link href="${link}"/>
        <content type="text">${lines.join('\n')}</content></entry>`,
    ];
  });
  const feed = xml`<feed xmlns="http://www.w3.org/2005/Atom"><id>${base === '' ? 'urn:poolproof:feed' : `${base}feed.xml`}</id>
    <title>poolproof: regressions</title><author><name>poolproof</name></author>
    <updated>${newest.run.startedAt}</updated><link rel="self" href="${base}feed.xml"/>${entries}</feed>`;
  return `<?xml version="1.0" encoding="utf-8"?>\n${feed.text}\n`;
}

/** The list of runs, newest first. */
function renderIndex(newest: SiteRun, runs: readonly SiteRun[], { noun = 'run' }: SiteOptions): string {
  const rows = runs.map(({ run, summary, changes }): [Html, ...string[]] => [
    html`<a href="${folderOf(run.id, noun)}report.html">${formatTime(run.startedAt)}</a>`,
    run.matrix.title,
    `${summary.byVerdict.expected} of ${summary.total} as expected`,
    stateOf({ summary }).word,
    changes === null ? 'not compared' : String(changes.regressions),
  ]);
  const style = markup(
    ':root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}th,td{padding:.2rem 1rem .2rem 0;text-align:left;vertical-align:top}@media(max-width:600px){thead{display:none}tr,th,td{display:block}tr{padding:.5rem 0}}',
  );
  const page = html`<html lang="en">
    <head>
      <meta charset="utf-8" />
      <title>poolproof: ${noun}s</title>
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <link rel="alternate" type="application/atom+xml" href="feed.xml" />
      <style>
        ${style}
      </style>
    </head>
    <body>
      <main>
        <h1>${newest.run.matrix.title}</h1>
        <p><a href="report.html">the newest report</a>, <a href="feed.xml">feed of regressions</a></p>
        ${table([noun, 'matrix', 'cells', 'result', 'regressions'], rows)}
      </main>
    </body>
  </html>`;
  return `<!doctype html>\n${page.text}\n`;
}

async function readPage(folder: string): Promise<SiteRun> {
  const read = async (name: string): Promise<unknown> =>
    JSON.parse(await readFile(path.join(folder, name), 'utf8'));
  const isCompared = (await readdir(folder)).includes('changes.json');
  return {
    ...reportSchema.parse(await read('report.json')),
    changes: isCompared ? changesSchema.parse(await read('changes.json')) : null,
  };
}

/**
 * Adds the reports of one run; the same run again replaces itself. Returns the runs of the site, newest first.
 * @param page a folder with report.html and report.json, and changes.json where the run was compared with another
 */
export async function addPage(
  page: string,
  site: string,
  options: SiteOptions = {},
): Promise<readonly SiteRun[]> {
  const { noun = 'run', kept = Infinity } = options;
  const added = await readPage(page);
  const own = path.join(site, folderOf(added.run.id, noun));
  const all = path.dirname(own);
  await rm(own, { recursive: true, force: true });
  await mkdir(all, { recursive: true });
  await cp(page, own, { recursive: true });
  // Ids sort by time.
  const names = (await readdir(all)).sort().reverse();
  for (const name of names.slice(kept)) await rm(path.join(all, name), { recursive: true });
  const runs = await Promise.all(names.slice(0, kept).map((name) => readPage(path.join(all, name))));
  const newest = runs.reduce((latest, one) => (one.run.id > latest.run.id ? one : latest), added);
  await cp(path.join(all, newest.run.id, 'report.html'), path.join(site, 'report.html'));
  await writeFile(path.join(site, 'index.html'), renderIndex(newest, runs, options));
  await writeFile(path.join(site, 'badge.json'), renderBadge(newest));
  await writeFile(path.join(site, 'feed.xml'), renderFeed(newest, runs, options));
  // GitHub's pages leave out names with an underscore unless this is there.
  await writeFile(path.join(site, '.nojekyll'), '');
  return runs;
}
