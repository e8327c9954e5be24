/**
 * The site of the nights: `node dist/scripts/publish-page.js <page> <site> [address]` adds the folder of one night's
 * reports to the folder of a web site. `page` holds report.html and report.json, and changes.json where the night was
 * compared with another; `address` is where the site can be reached. The site gets the night's reports, a list of the
 * nights, a badge in the form that shields.io reads, and an Atom feed of regressions.
 */
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { formatCount } from '../harness/report/format-run.ts';
import { html, markup, table, type Html } from '../harness/report/html/html.ts';

/** Nights whose reports stay on the site: a report is about as large as a picture. */
const keptNights = 90;

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

export type Night = z.infer<typeof reportSchema> &
  Readonly<{ changes: z.infer<typeof changesSchema> | null }>;

const states: Readonly<Record<number, Readonly<{ word: string; color: string }>>> = {
  0: { word: 'as expected', color: 'brightgreen' },
  1: { word: 'not as expected', color: 'red' },
};
const noVerdict = { word: 'no verdict for some cells', color: 'yellow' };

const stateOf = ({ summary }: Night) => states[summary.exitCode] ?? noVerdict;

/** For https://shields.io/badges/endpoint-badge. */
export function renderBadge(night: Night): string {
  const { total, byVerdict } = night.summary;
  const message = `${byVerdict.expected} of ${total} as expected`;
  return `${JSON.stringify({ schemaVersion: 1, label: 'poolproof', message, color: stateOf(night).color })}\n`;
}

/** The same escapes; by another name, since Prettier would lay it out as HTML. */
const xml = html;

const folderOf = ({ run }: Night): string => `nights/${run.id}/`;

/** One entry per night with a regression, newest first; RFC 4287. */
export function renderFeed(nights: readonly Night[], address: string): string {
  const base = address.replace(/\/*$/, '/');
  const entries = nights.flatMap((night) => {
    const regressed = night.changes?.changes.filter(({ regression }) => regression) ?? [];
    if (regressed.length === 0) return [];
    const link = `${base}${folderOf(night)}report.html`;
    const lines = regressed.map(({ id, new: { reason } }) => `${id}: ${reason ?? 'no reason is known'}`);
    return [
      xml`<entry><id>${link}</id><updated>${night.run.startedAt}</updated>
        <title>${regressed.length} regressions: ${night.run.matrix.title}</title><link href="${link}"/>
        <content type="text">${lines.join('\n')}</content></entry>`,
    ];
  });
  const feed = xml`<feed xmlns="http://www.w3.org/2005/Atom"><id>${base}feed.xml</id>
    <title>poolproof: regressions</title><author><name>poolproof</name></author>
    <updated>${nights[0]?.run.startedAt ?? ''}</updated><link rel="self" href="${base}feed.xml"/>${entries}</feed>`;
  return `<?xml version="1.0" encoding="utf-8"?>\n${feed.text}\n`;
}

/** The list of nights, newest first. */
export function renderIndex(nights: readonly Night[]): string {
  const rows = nights.map((night): [Html, ...string[]] => {
    const { summary, changes, run } = night;
    const regressions = changes === null ? 'not compared' : String(changes.regressions);
    return [
      html`<a href="${folderOf(night)}report.html">${run.startedAt}</a>`,
      `${summary.byVerdict.expected} of ${summary.total} as expected`,
      stateOf(night).word,
      regressions,
    ];
  });
  const style = markup(
    'body{font:1rem/1.5 sans-serif;margin:2rem auto;max-width:60rem}th,td{padding:0 1rem 0 0;text-align:left}',
  );
  const page = html`<html lang="en">
    <head>
      <meta charset="utf-8" />
      <title>poolproof: nights</title>
      <link rel="alternate" type="application/atom+xml" href="feed.xml" />
      <style>
        ${style}
      </style>
    </head>
    <body>
      <main>
        <h1>${nights[0]?.run.matrix.title ?? 'poolproof'}</h1>
        <p><a href="report.html">the newest report</a>, <a href="feed.xml">feed of regressions</a></p>
        ${table(['night', 'cells', 'result', 'regressions'], rows)}
      </main>
    </body>
  </html>`;
  return `<!doctype html>\n${page.text}\n`;
}

async function readNight(folder: string): Promise<Night> {
  const read = async (name: string): Promise<unknown> =>
    JSON.parse(await readFile(path.join(folder, name), 'utf8'));
  const changes = await read('changes.json').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  });
  return {
    ...reportSchema.parse(await read('report.json')),
    changes: changes === null ? null : changesSchema.parse(changes),
  };
}

/** Adds one night; the same night again replaces itself. Returns the nights of the site, newest first. */
export async function publishPage(page: string, site: string, address: string): Promise<readonly Night[]> {
  const night = await readNight(page);
  const kept = path.join(site, 'nights');
  await rm(path.join(site, folderOf(night)), { recursive: true, force: true });
  await mkdir(kept, { recursive: true });
  await cp(page, path.join(site, folderOf(night)), { recursive: true });
  // Ids sort by time.
  const names = (await readdir(kept)).sort().reverse();
  for (const name of names.slice(keptNights)) await rm(path.join(kept, name), { recursive: true });
  const nights = await Promise.all(
    names.slice(0, keptNights).map((name) => readNight(path.join(kept, name))),
  );
  const newest = nights[0] ?? night;
  await cp(path.join(site, folderOf(newest), 'report.html'), path.join(site, 'report.html'));
  await writeFile(path.join(site, 'index.html'), renderIndex(nights));
  await writeFile(path.join(site, 'badge.json'), renderBadge(newest));
  await writeFile(path.join(site, 'feed.xml'), renderFeed(nights, address));
  // GitHub's pages leave out names with an underscore unless this is there.
  await writeFile(path.join(site, '.nojekyll'), '');
  return nights;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [page, site, address = ''] = process.argv.slice(2);
  if (page === undefined || site === undefined) throw new Error('publish-page <page> <site> [address]');
  const nights = await publishPage(page, site, address);
  process.stdout.write(`${site}: ${formatCount(nights.length, 'night')}\n`);
}
