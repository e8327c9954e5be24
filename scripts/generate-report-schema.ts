/**
 * Writes results/report.schema.json from the schema in harness/report/report-schema.ts. With `--check` it only compares,
 * and ends with 1 when the file is out of date.
 * Run from the root of the repository: `node dist/scripts/generate-report-schema.js [--check]`.
 */
import { readFile } from 'node:fs/promises';
import writeFileAtomic from 'write-file-atomic';
import { renderReportSchema } from '../harness/report/report-schema.ts';

const file = 'results/report.schema.json';
const isCheck = process.argv.includes('--check');
const after = renderReportSchema();
const before = await readFile(file, 'utf8').catch(() => null);
if (before !== after) {
  process.stderr.write(`${file}: ${isCheck ? 'out of date, run: npm run generate' : 'written'}\n`);
  if (isCheck) process.exitCode = 1;
  else await writeFileAtomic(file, after);
}
