/** The runs of `report --site`: the page and the JSON of each, and what changed since the run before it. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { makeTemporaryFolder } from '../../images/temporary-folder.ts';
import { compareRuns } from '../report/compare.ts';
import { renderComparisonJson } from '../report/compare-render.ts';
import { renderHtml } from '../report/format/html.ts';
import { formats } from '../report/formats.ts';
import { buildPageView } from '../report/html/page-view.ts';
import { drawPicture } from '../report/html/picture.ts';
import type { RunView } from '../report/run-view.ts';
import { addPage, pageAddress } from '../report/site.ts';
import { importPainter, loadPainter, painterPackage } from './draw-image.ts';
import { addEvidence } from './evidence.ts';

const pictureFile = 'picture.png';

export type ShownRun = Readonly<{ dir: string; view: RunView; damaged: boolean }>;

/**
 * Adds them to the site in `site`, oldest first; each is compared with the one of its matrix before it. With an address
 * each has a picture, for those who show links; returns what to install where that cannot be made.
 * @param address where the site can be reached; '' where that is not known
 */
export async function publishRuns(
  runs: readonly ShownRun[],
  site: string,
  address: string,
  load = importPainter,
): Promise<string | null> {
  const paint = address === '' ? null : await loadPainter(load);
  const oldestFirst = [...runs].sort((a, b) => (a.view.record.startedAt < b.view.record.startedAt ? -1 : 1));
  await using folder = await makeTemporaryFolder();
  const before = new Map<string, RunView>();
  for (const { dir, view } of oldestFirst) {
    const { id, matrix } = view.record;
    const page = path.join(folder.path, id);
    const old = before.get(matrix.file);
    await mkdir(page, { recursive: true });
    if (paint !== null)
      await writeFile(path.join(page, pictureFile), paint(drawPicture(buildPageView([view])).text));
    const published = {
      page: pageAddress(address, id),
      picture: paint === null ? null : new URL(pictureFile, pageAddress(address, id)).href,
    };
    const options = address === '' ? {} : { published };
    await writeFile(
      path.join(page, 'report.html'),
      renderHtml([await addEvidence(view, dir, null)], options),
    );
    await writeFile(path.join(page, 'report.json'), formats.json.render(view));
    if (old !== undefined) {
      const comparison = compareRuns({ runs: [old] }, { runs: [view] });
      await writeFile(path.join(page, 'changes.json'), renderComparisonJson(comparison));
    }
    await addPage(page, site, { address });
    before.set(matrix.file, view);
  }
  return address !== '' && paint === null ? painterPackage : null;
}
