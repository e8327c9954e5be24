/** What a command may touch of the outside: the terminal and the wish to stop. */
import { resolveCacheFolder } from '../../images/cache/cache-folder.ts';
import { readFile } from 'node:fs/promises';
import { PoolproofError } from '../errors.ts';
import { parseSize } from '../matrix/size.ts';

export type Context = Readonly<{
  version: string;
  /** Results. */
  out: (text: string) => void;
  /** Progress, notices, errors. */
  err: (text: string) => void;
  stdout: NodeJS.WriteStream;
  stderr: NodeJS.WriteStream;
  /** Fires on SIGINT and SIGTERM. */
  signal: AbortSignal;
  close: () => void;
}>;

async function readVersion(): Promise<string> {
  // The sources run from harness/commands/, the compiled files from dist/harness/commands/.
  for (const parent of ['../..', '../../..']) {
    const text = await readFile(new URL(`${parent}/package.json`, import.meta.url), 'utf8').catch(() => null);
    const parsed: unknown = text === null ? null : JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null && 'version' in parsed) return String(parsed.version);
  }
  return 'unknown';
}

/** The real terminal. A first signal asks the command to end, a second ends the process: QEMU dies with it. */
export async function openContext(): Promise<Context> {
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  // A reader that closed its end (`| head`) is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  return {
    version: await readVersion(),
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    stdout: process.stdout,
    stderr: process.stderr,
    signal: controller.signal,
    close: () => {
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
    },
  };
}

/** An option's text, or undefined. */
export function textOption(options: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = options[name];
  return typeof value === 'string' ? value : undefined;
}

/** An option that may be given several times: every value, in order. */
export function listOption(options: Readonly<Record<string, unknown>>, name: string): readonly string[] {
  const value = options[name];
  return Array.isArray(value) ? value.map(String) : typeof value === 'string' ? [value] : [];
}

/** @throws PoolproofError USAGE when it is not a whole number from 1. */
export function countOption(options: Readonly<Record<string, unknown>>, name: string): number | undefined {
  const text = textOption(options, name);
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,5}$/.test(text)) {
    throw new PoolproofError('USAGE', `--${name} ${text}: a whole number from 1 is needed`);
  }
  return Number(text);
}

/** Bytes. @throws PoolproofError USAGE when it is not a size. */
export function sizeOption(
  options: Readonly<Record<string, unknown>>,
  name: string,
  flag: string,
): number | undefined {
  const text = textOption(options, name);
  if (text === undefined) return undefined;
  const bytes = parseSize(text);
  if (bytes === null)
    throw new PoolproofError('USAGE', `${flag} ${text}: a size such as 512M or 4G is needed`);
  return bytes;
}

export function cacheOption(options: Readonly<Record<string, unknown>>): string {
  const text = textOption(options, 'cache');
  return text === undefined || text === '' ? resolveCacheFolder() : text;
}
