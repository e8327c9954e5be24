/**
 * The site of the nights: `node dist/scripts/publish-page.js <page> <site> [address]` adds the folder of one night's
 * reports to the folder of a web site. `page` holds report.html and report.json, and changes.json where the night was
 * compared with another; `address` is where the site can be reached.
 */
import { pathToFileURL } from 'node:url';
import { formatCount } from '../harness/report/format-run.ts';
import { addPage, type SiteRun } from '../harness/report/site.ts';

/** Nights whose reports stay on the site: a report is about as large as a picture. */
const keptNights = 90;

/** Adds one night; returns the nights of the site, newest first. */
export const publishPage = (page: string, site: string, address: string): Promise<readonly SiteRun[]> =>
  addPage(page, site, { address, noun: 'night', kept: keptNights });

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [page, site, address = ''] = process.argv.slice(2);
  if (page === undefined || site === undefined) throw new Error('publish-page <page> <site> [address]');
  const nights = await publishPage(page, site, address);
  process.stdout.write(`${site}: ${formatCount(nights.length, 'night')}\n`);
}
