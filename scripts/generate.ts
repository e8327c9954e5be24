/**
 * Writes every generated file of the repository: `node dist/scripts/generate.js [--check]`, from its root. With
 * `--check` it only compares, and ends with 1 where a file is out of date.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import writeFileAtomic from 'write-file-atomic';
import { renderSchema, renderSubjectSchema } from '../harness/matrix/json-schema.ts';
import { renderReference, replaceReference } from '../harness/matrix/reference.ts';
import { renderReportSchema } from '../harness/report/report-schema.ts';
import { type FleetBenchRecord, renderFleetPage, type SimulationRecord } from './fleet/page.ts';
import { renderComponents } from './generate-components.ts';
import { renderFileTables } from './generate-file-tables.ts';
import { renderGuestPrograms } from './generate-guest-programs.ts';
import { renderManPage } from './generate-man-page.ts';

/** Path, relative to the root of a repository → contents. */
export type GeneratedFiles = Readonly<Record<string, string | Uint8Array>>;

async function renderFleet(root: string): Promise<string> {
  const read = async (name: string): Promise<unknown> =>
    JSON.parse(await readFile(path.join(root, 'results/reference', name), 'utf8'));
  const bench = await read('fleet-bench.json');
  return renderFleetPage((await read('fleet.json')) as SimulationRecord, bench as FleetBenchRecord);
}

const renderFiles = async (root: string): Promise<GeneratedFiles> => ({
  'matrices/matrix.schema.json': renderSchema(),
  'matrices/subject.schema.json': renderSubjectSchema(),
  'matrices/README.md': replaceReference(
    await readFile(path.join(root, 'matrices/README.md'), 'utf8'),
    renderReference(),
  ),
  'results/report.schema.json': renderReportSchema(),
  'results/fleet.md': await renderFleet(root),
  ...(await renderManPage(root)),
  ...(await renderGuestPrograms(root)),
  ...(await renderComponents(root)),
  ...(await renderFileTables(root)),
});

/** Writes the files that differ, or only names them. Exit code 1 when a check finds one that differs. */
export async function writeFiles(root: string, files: GeneratedFiles, isCheck: boolean): Promise<number> {
  let exitCode = 0;
  for (const [name, after] of Object.entries(files)) {
    const file = path.join(root, name);
    const before = await readFile(file).catch(() => null);
    if (before?.equals(Buffer.from(after)) === true) continue;
    process.stderr.write(`${name}: ${isCheck ? 'out of date, run: npm run generate' : 'written'}\n`);
    if (isCheck) exitCode = 1;
    else await writeFileAtomic(file, typeof after === 'string' ? after : Buffer.from(after));
  }
  return exitCode;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const root = process.cwd();
  process.exitCode = await writeFiles(root, await renderFiles(root), process.argv.includes('--check'));
}
