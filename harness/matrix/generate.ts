/**
 * Writes what is generated from the axis table: matrices/matrix.schema.json, matrices/subject.schema.json and the
 * axis reference in matrices/README.md. With `--check` it only compares, and ends with 1 when a file is out of date.
 * Run from the root of the repository: `node dist/harness/matrix/generate.js [--check]`.
 */
import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import writeFileAtomic from 'write-file-atomic';
import { renderReference, replaceReference } from './reference.ts';
import { renderSchema, renderSubjectSchema } from './json-schema.ts';

export type Generated = Readonly<{ path: string; before: string | null; after: string }>;

/** What each generated file holds and should hold; `root` is the root of the repository. */
export async function generate(root: string): Promise<readonly Generated[]> {
  const schemaPath = join(root, 'matrices/matrix.schema.json');
  const subjectPath = join(root, 'matrices/subject.schema.json');
  const readmePath = join(root, 'matrices/README.md');
  const schema = await readFile(schemaPath, 'utf8').catch(() => null);
  const subject = await readFile(subjectPath, 'utf8').catch(() => null);
  const readme = await readFile(readmePath, 'utf8');
  return [
    { path: schemaPath, before: schema, after: renderSchema() },
    { path: subjectPath, before: subject, after: renderSubjectSchema() },
    { path: readmePath, before: readme, after: replaceReference(readme, renderReference()) },
  ];
}

/** Exit code: 1 when `--check` finds a file out of date. */
export async function run(root: string, argv: readonly string[]): Promise<number> {
  const stale = (await generate(root)).filter(({ before, after }) => before !== after);
  const isCheck = argv.includes('--check');
  for (const { path, after } of stale) {
    process.stderr.write(
      `${relative(root, path)}: ${isCheck ? 'out of date, run harness/matrix/generate' : 'written'}\n`,
    );
    if (!isCheck) await writeFileAtomic(path, after);
  }
  return isCheck && stale.length > 0 ? 1 : 0;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.exitCode = await run(process.cwd(), process.argv.slice(2));
}
