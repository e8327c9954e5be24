/**
 * The published reference: `node dist/scripts/refresh-reference.js default=results/<run> limits=results/<run>` takes
 * the records of real runs into results/reference/<name>/, without their bulky evidence, and makes the page of them
 * all. Without arguments the page is made anew from what is there. Run from the root of the repository.
 */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import writeFileAtomic from 'write-file-atomic';
import { renderHtmlReport } from '../harness/report/format-html.ts';
import { collectResults, readRun } from '../harness/store/read-run.ts';
import { writeRecord } from '../harness/store/run-record.ts';

const folder = 'results/reference';

/** The page of all runs in `dir`: a pure function of their records. */
export async function renderReference(dir: string): Promise<string> {
  const entries = await readdir(dir, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const runs = names.sort().map(async (name) => {
    const run = await readRun(join(dir, name));
    const results = await collectResults(run.results());
    if (run.problems.length > 0) throw new Error(`${name}: ${run.problems[0]?.message ?? ''}`);
    return { record: run.record, results };
  });
  return renderHtmlReport(await Promise.all(runs));
}

async function take(name: string, from: string): Promise<void> {
  const run = await readRun(from);
  if (run.record.finishedAt === null) throw new Error(`${from} is not finished`);
  const results = await collectResults(run.results());
  if (run.problems.length > 0) throw new Error(`${from}: ${run.problems[0]?.message ?? ''}`);
  const to = join(folder, name);
  await mkdir(to, { recursive: true });
  await writeRecord(to, run.record);
  // The order of cells is that in which they ended: sorted, a refresh changes only what has changed.
  const sorted = [...results].sort((a, b) =>
    a.id === b.id ? a.repetition - b.repetition : a.id < b.id ? -1 : 1,
  );
  const lines = sorted.map((result) => `${JSON.stringify({ ...result, evidence: null })}\n`);
  await writeFile(join(to, 'cells.jsonl'), lines.join(''));
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const word of process.argv.slice(2)) {
    const [, name, from] = /^([a-z][a-z-]*)=(.+)$/.exec(word) ?? [];
    if (name === undefined || from === undefined)
      throw new Error(`${word}: name=run is needed, e.g. limits=results/latest`);
    await take(name, from);
  }
  await writeFileAtomic(join(folder, 'report.html'), await renderReference(folder));
}
