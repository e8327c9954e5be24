/** The harness' errors: the base class, and how an error is shown to a person. */
import { readFileSync } from 'node:fs';
import { errorCodes, PoolproofError, type ErrorCode } from '../images/errors.ts';
import { plainLine, plainLines } from './plain-text.ts';

export { PoolproofError } from '../images/errors.ts';
export type { ErrorCode, ErrorDetails } from '../images/errors.ts';

export type RenderOptions = Readonly<{
  /** Also the trace, and what caused it. @default false */
  verbose?: boolean;
}>;

/**
 * Text for standard error: code, sentence, place, command, stderr tail, hint. No trailing newline. What a file or a
 * guest put into it is shown harmless.
 */
export function renderError(error: unknown, { verbose = false }: RenderOptions = {}): string {
  const { code, message, details } = toPoolproofError(error);
  const { file, line, column, command, stderr, hint } = details;
  const shownFile = file === undefined ? '' : plainLine(file);
  const place =
    file === undefined ? '' : `${shownFile}${line === undefined ? '' : `:${line}:${column ?? 1}`}: `;
  return [
    // A sentence, or the paragraphs of a matrix's problems, which have their own bounds.
    `${code}: ${place}${plainLines(message, 1_000_000)}`,
    ...(command === undefined ? [] : [`  command: ${plainLine(command, 4000)}`]),
    ...(stderr === undefined || stderr === ''
      ? []
      : plainLines(stderr)
          .trimEnd()
          .split('\n')
          .map((text) => `  | ${text}`)),
    ...(hint === undefined ? [] : [`  ${plainLine(hint)}`]),
    ...(verbose ? ['', ...listTraces(error)] : []),
  ].join('\n');
}

/** The exit code of a command that this ended: 2, or 3 where this computer lacks what the work needs. */
export const exitCodeOfError = (error: unknown): number => errorCodes[toPoolproofError(error).code];

/** What the system refused, by errno: a sentence, and what to do. */
const refusals: Readonly<Record<string, Readonly<{ code: ErrorCode; message: string; hint: string }>>> = {
  ENOSPC: { code: 'DISK_FULL', message: 'no space left', hint: 'make room, or use another folder' },
  EDQUOT: { code: 'DISK_FULL', message: 'the quota is used up', hint: 'make room, or use another folder' },
  EMFILE: {
    code: 'TOO_MANY_FILES',
    message: 'this process may not open more files',
    hint: 'raise the limit, for example with: ulimit -n 1024',
  },
  ENFILE: {
    code: 'TOO_MANY_FILES',
    message: 'this computer may not open more files',
    hint: 'end other programs, or raise fs.file-max',
  },
  ENOMEM: { code: 'NO_MEMORY', message: 'there is no memory left', hint: 'use fewer guests with --jobs' },
  EAGAIN: {
    code: 'NO_MEMORY',
    message: 'no process can be started',
    hint: 'end other programs, or raise the limit with ulimit -u',
  },
};

/** Anything that was thrown as one of our errors. */
function toPoolproofError(error: unknown): PoolproofError {
  if (error instanceof PoolproofError) return error;
  const text = plainLine(error instanceof Error ? error.message : String(error));
  const errno = isUnopenedPackage(error) ? 'EMFILE' : errnoOf(error);
  const refusal = errno === null ? undefined : refusals[errno];
  if (refusal !== undefined) {
    const { code, message, hint } = refusal;
    return new PoolproofError(code, `${message} (${text})`, { hint, cause: error });
  }
  const hint =
    errno === null
      ? 'this is a fault of poolproof; --verbose shows where'
      : 'the system refused it; --verbose shows where';
  return new PoolproofError('UNEXPECTED', text, { hint, cause: error });
}

/** Node says of a package that is there that it cannot be found where it may not open its package.json. */
function isUnopenedPackage(error: unknown): boolean {
  if (!(error instanceof Error) || errnoOf(error) !== 'ERR_MODULE_NOT_FOUND') return false;
  const folder = /^Cannot find \w+ '([^']*\/node_modules\/(?:@[^/']+\/)?[^/']+)/.exec(error.message)?.[1];
  try {
    if (folder !== undefined) readFileSync(`${folder}/package.json`);
    return folder !== undefined;
  } catch (cause) {
    return errnoOf(cause) === 'EMFILE';
  }
}

/** `ENOENT` and its like; null for errors that did not come from the system. */
export function errnoOf(error: unknown): string | null {
  if (typeof error !== 'object' || error === null || !('code' in error)) return null;
  return typeof error.code === 'string' ? error.code : null;
}

/** The trace of an error and of what caused it. */
function listTraces(error: unknown): string[] {
  const traces: string[] = [];
  for (let cause = error; cause instanceof Error && traces.length < 5; cause = cause.cause)
    traces.push(plainLines(cause.stack ?? cause.message));
  return traces;
}
