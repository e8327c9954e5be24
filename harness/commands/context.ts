/** The outside world of a command: the terminal and signals. */
import type { ImageEvent } from '../../images/build.ts';
import { resolveCacheFolder } from '../../images/cache/cache-folder.ts';
import { readCommit } from '../run/commit.ts';
import { readToolVersion } from '../run/tool-version.ts';
import type { Seams } from '../run/context.ts';
import { showable } from '../plain-text.ts';
import type { Reporter } from '../report/reporter.ts';
import { wantsColor } from '../report/wants-color.ts';

export type Context = Readonly<{
  version: string;
  /** Results. Control characters are written out as \\uXXXX, here and in `err`. */
  out: (text: string) => void;
  /** Progress, notices, errors. */
  err: (text: string) => void;
  stdout: NodeJS.WriteStream;
  stderr: NodeJS.WriteStream;
  /** Fires on SIGINT, SIGTERM and SIGHUP, once `finishOnSignal` was called. */
  signal: AbortSignal;
  /** From now on there is something to save or to end in order: the first signal fires `signal` and no more. */
  finishOnSignal: () => void;
  close: () => void;
  /** Typed input. @default standard input */
  stdin?: NodeJS.ReadStream;
  /** Other machines than real ones, in tests. */
  seams?: Seams;
}>;

/**
 * The real terminal. A first signal ends the process at once, as there is nothing to save: QEMU and the tools die with
 * it. After `finishOnSignal` a first one only requests the end of the command, and a second ends the process.
 */
export async function openContext(argv: readonly string[] = []): Promise<Context> {
  const controller = new AbortController();
  let finishing = false;
  const onSignal = (): void => {
    if (!finishing || controller.signal.aborted) process.exit(130);
    controller.abort();
  };
  // SIGHUP: the terminal was closed.
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, onSignal);
  // A reader that closed its end (`| head`) is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  // There is nowhere left to say that nothing can be said.
  process.stderr.on('error', () => undefined);
  const [outColor, errColor] = [wantsColor(process.stdout), wantsColor(process.stderr)];
  return {
    version: await describeVersion(argv),
    out: (text) => void process.stdout.write(showable(text, outColor)),
    err: (text) => void process.stderr.write(showable(text, errColor)),
    stdout: process.stdout,
    stderr: process.stderr,
    signal: controller.signal,
    finishOnSignal: () => {
      finishing = true;
    },
    close: () => {
      for (const signal of signals) process.off(signal, onSignal);
    },
  };
}

/** With the commit where somebody wants to know: it costs a process in a checkout. */
async function describeVersion(argv: readonly string[]): Promise<string> {
  const version = await readToolVersion();
  const [first = ''] = argv;
  const commit = ['--version', '-V'].includes(first) ? await readCommit() : null;
  return commit === null ? version : `${version} (${commit})`;
}

/** From the start of a run on, cells in flight are saved before a signal ends the command. */
export const finishCells = (context: Context): Reporter => ({ onRunStart: () => context.finishOnSignal() });

/** An option's text, or undefined. */
export function textOption(options: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = options[name];
  return typeof value === 'string' ? value : undefined;
}

/** A line for a person. */
function renderImageEvent(event: ImageEvent): string {
  switch (event.kind) {
    case 'fetch':
      return `fetching ${event.name} ${event.version}\n`;
    case 'successor':
      return `${event.name} ${event.pinned} is no longer offered; going on with ${event.used}, and recording it\n`;
    case 'build':
      return `building ${event.name}\n`;
    case 'untried':
      return `the kernel ${event.name} is untried: no cell has passed in it on a computer of the project\n`;
    case 'wait':
      return 'another poolproof builds images in this cache; waiting until it has ended\n';
  }
}

/** Shows events of images, and notices that belong to no result. */
export const notifyOf = (context: Context) => ({
  onImageEvent: (event: ImageEvent) => context.err(renderImageEvent(event)),
  onNotice: (text: string) => context.err(`notice: ${text}\n`),
});

/** The folder of images and templates: `--cache`, else that of the environment. */
export const cacheOption = ({ cache }: Readonly<{ cache?: unknown }>): string =>
  typeof cache === 'string' && cache !== '' ? cache : resolveCacheFolder();
