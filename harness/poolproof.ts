/**
 * The library: what the command line itself uses.
 *
 * ```ts
 * import { loadMatrix, runMatrix } from 'poolproof';
 *
 * const matrix = await loadMatrix('matrices/default.yaml');
 * const { results, exitCode } = await runMatrix(matrix, { resultsDir: 'results', cacheDir: '/var/cache/poolproof' });
 * ```
 */
export { loadMatrix, parseMatrix } from './matrix/load.ts';
export { runMatrix, type RunSummary } from './run/run.ts';
export type { RunOptions } from './run/context.ts';
export { PoolproofError, renderError, type ErrorCode } from './errors.ts';
export { MatrixErrors } from './matrix/diagnostics.ts';
export type { Cell, Expectation, Matrix } from './matrix/cell.ts';
export type { Settings } from './axes/table.ts';
export type { Result } from './store/result.ts';
export type { Reporter } from './report/reporter.ts';
