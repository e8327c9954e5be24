/** The runs of `report --site`: the page and the JSON of each, and what changed since the run before it. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { makeTemporaryFolder } from '../../images/temporary-folder.ts';
import { compareRuns } from '../report/compare.ts';
import { renderComparisonJson } from '../report/compare-render.ts';
import { formats } from '../report/formats.ts';
import type { RunView } from '../report/run-view.ts';
import { addPage } from '../report/site.ts';
import { addEvidence } from './evidence.ts';

export type ShownRun = Readonly<{ dir: string; view: RunView; damaged: boolean }>;

/** Adds them to the site in `site`, oldest first; each is compared with the one of its matrix before it. */
export async function publishRuns(runs: readonly ShownRun[], site: string): Promise<void> {
  const oldestFirst = [...runs].sort((a, b) => (a.view.record.startedAt < b.view.record.startedAt ? -1 : 1));
  await using folder = await makeTemporaryFolder();
  const before = new Map<string, RunView>();
  for (const { dir, view } of oldestFirst) {
    const { id, matrix } = view.record;
    const page = path.join(folder.path, id);
    const old = before.get(matrix.file);
    await mkdir(page, { recursive: true });
    await writeFile(path.join(page, 'report.html'), formats.html.render(await addEvidence(view, dir, null)));
    await writeFile(path.join(page, 'report.json'), formats.json.render(view));
    if (old !== undefined) {
      const comparison = compareRuns({ runs: [old] }, { runs: [view] });
      await writeFile(path.join(page, 'changes.json'), renderComparisonJson(comparison));
    }
    await addPage(page, site);
    before.set(matrix.file, view);
  }
}
