/** `poolproof repro <case id>`: a known failure of the field, once more in guests. */
import { findMatrix } from '../matrix/find-matrix.ts';
import { endCase, findCase, selectCase } from '../field/case.ts';
import { endCodes } from '../field/reproduce.ts';
import { loadMatrix } from '../matrix/load.ts';
import type { Matrix } from '../matrix/cell.ts';
import { plainLine } from '../outcome/plain-text.ts';
import { createProgress } from '../report/progress.ts';
import { formatGone } from '../report/known-failures.ts';
import { runMatrix } from '../run/run.ts';
import { cacheOption, finishCells, notifyOf, textOption, type Context } from './context.ts';
import { resultsFolder } from './field-context.ts';
import { openGuestShell } from './guest-shell.ts';

type Options = Readonly<Record<string, unknown>>;

/** @throws PoolproofError FIELD_NOT_FOUND, and those of reading a matrix and of a run */
export async function reproCase(context: Context, id: string, options: Options): Promise<number> {
  const json = options['json'] === true;
  const tell = json ? context.err : context.out;
  const file = findMatrix(textOption(options, 'cases') ?? 'matrices/field.yaml');
  const matrix = await loadMatrix(file);
  const one = findCase(matrix, id);
  tell(`case: ${one.id}${one.title === null ? '' : `: ${plainLine(one.title)}`}\n`);
  if (one.link !== null) tell(`thread: ${one.link}\n`);
  const chosen = selectCase(matrix, one);
  const [first] = chosen.cells();
  const results = first === undefined ? [] : await run(context, chosen, options);
  if (results === null) return 130;
  const known = endCase(one, results);
  for (const reason of known.because) tell(`  ${plainLine(reason)}\n`);
  for (const gone of known.gone) tell(`  ${formatGone(gone)}\n`);
  if (known.standIn !== null) tell(`stand-in: ${plainLine(known.standIn)}\n`);
  if (known.contradicts !== null) tell(`contradicts the thread: ${plainLine(known.contradicts)}\n`);
  tell(`${known.end}\n`);
  if (json) context.out(`${JSON.stringify({ case: one, ...known, results })}\n`);
  // The first cell of a case is one that fails.
  if (options['shell'] === true && first !== undefined) await openGuestShell(context, first, options);
  // `not run` has no cells to run: it cannot be reproduced.
  return known.end === 'not run' ? 2 : endCodes[known.end];
}

/** Null when it was stopped. */
async function run(context: Context, matrix: Matrix, options: Options) {
  const { results, interrupted } = await runMatrix(matrix, {
    resultsDir: await resultsFolder(options),
    cacheDir: cacheOption(options),
    // Few cells of many machines: a template would seldom be used twice.
    cold: true,
    reporters: [finishCells(context), createProgress(context.stderr)],
    ...notifyOf(context),
    ...context.seams,
    signal: context.signal,
    recordOptions: { command: 'repro' },
  });
  return interrupted ? null : results;
}
