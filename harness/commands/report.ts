/** `poolproof report` */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { PoolproofError } from '../errors.ts';
import { formats, type FormatName } from '../report/formats.ts';
import { renderTable, wantsColor } from '../report/terminal-table.ts';
import { findRun } from '../store/find-run.ts';
import { collectResults, readRun } from '../store/read-run.ts';
import { textOption, type Context } from './context.ts';

const isFormat = (name: string): name is FormatName => Object.hasOwn(formats, name);

export async function report(
  context: Context,
  args: readonly string[],
  options: Readonly<Record<string, unknown>>,
): Promise<number> {
  const resultsDir = textOption(options, 'results') ?? 'results';
  const output = textOption(options, 'output');
  const wanted = Array.isArray(options['format']) ? options['format'].map(String) : ['table'];
  for (const name of wanted) {
    if (name !== 'table' && !isFormat(name)) {
      throw new PoolproofError('REPORT_UNKNOWN', `there is no report format ${name}`, {
        hint: `there are table, ${Object.keys(formats).join(', ')}`,
      });
    }
  }
  for (const name of args.length === 0 ? ['latest'] : args) {
    const dir = await findRun(resultsDir, name);
    const stored = await readRun(dir);
    const results = await collectResults(stored.results());
    for (const problem of stored.problems) context.err(`${problem.code}: ${problem.message}\n`);
    for (const format of wanted) {
      if (!isFormat(format)) {
        context.out(renderTable(results, { color: wantsColor(context.stdout) }));
        continue;
      }
      const text = formats[format].render(stored.record, results);
      if (output === undefined) {
        context.out(text);
        continue;
      }
      await mkdir(output, { recursive: true });
      const file = path.join(output, formats[format].file);
      await writeFileAtomic(file, text);
      context.err(`${file}\n`);
    }
  }
  return 0;
}
