/**
 * Writes results/report.schema.json and its types, results/report.d.ts, from the schema in
 * harness/report/report-schema.ts. With `--check` it only compares, and ends with 1 when a file is out of date.
 * Run from the root of the repository: `node dist/scripts/generate-report-schema.js [--check]`.
 */
import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { compile, type JSONSchema } from 'json-schema-to-typescript';
import writeFileAtomic from 'write-file-atomic';
import { renderReportSchema } from '../harness/report/report-schema.ts';

/** Path → text, relative to the root of the repository. */
async function renderFiles(): Promise<Readonly<Record<string, string>>> {
  const schema = renderReportSchema();
  const types = await compile(JSON.parse(schema) as JSONSchema, 'PoolproofReport', {
    bannerComment: '/** The JSON report. Generated from report.schema.json: change that, not this. */',
    additionalProperties: true,
    style: { singleQuote: true, printWidth: 110 },
  });
  return { 'results/report.schema.json': schema, 'results/report.d.ts': types };
}

const isCheck = process.argv.includes('--check');
if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const [path, after] of Object.entries(await renderFiles())) {
    const before = await readFile(path, 'utf8').catch(() => null);
    if (before === after) continue;
    process.stderr.write(`${path}: ${isCheck ? 'out of date, run: npm run generate' : 'written'}\n`);
    if (isCheck) process.exitCode = 1;
    else await writeFileAtomic(path, after);
  }
}
