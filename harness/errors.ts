/** The harness' errors: the base class, and how an error is shown to a person. */
import { PoolproofError } from '../images/errors.ts';

export { PoolproofError } from '../images/errors.ts';
export type { ErrorCode } from '../images/errors.ts';

/** Text for standard error: code, sentence, place, command, stderr tail, hint. No trailing newline. */
export function renderError(error: unknown): string {
  if (!(error instanceof PoolproofError)) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  const { file, line, column, command, stderr, hint } = error.details;
  const place = file === undefined ? '' : `${file}${line === undefined ? '' : `:${line}:${column ?? 1}`}: `;
  return [
    `${error.code}: ${place}${error.message}`,
    ...(command === undefined ? [] : [`  command: ${command}`]),
    ...(stderr === undefined || stderr === ''
      ? []
      : stderr
          .trimEnd()
          .split('\n')
          .map((text) => `  | ${text}`)),
    ...(hint === undefined ? [] : [`  ${hint}`]),
  ].join('\n');
}
