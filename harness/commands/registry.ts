/** What every definition of a command uses: how an action is loaded, how the text of an option becomes a value. */
import { type Command, Option } from '@commander-js/extra-typings';
import { parseSize } from '../axes/size.ts';
import { PoolproofError } from '../errors.ts';
import type { Context } from './context.ts';

type Action<Options> = (context: Context, args: readonly string[], options: Options) => Promise<number>;

/** What commander passes to an action: its arguments one by one, its options, the command itself. */
type Given<Options> = [...unknown[], Options, unknown];

/** The program, and how an action becomes one of its commands. */
export type Registry = Readonly<{
  program: Command;
  /** An action whose code is loaded when it runs: `--help` stays fast. */
  run: <Options>(load: () => Promise<Action<Options>>) => (...given: Given<Options>) => Promise<void>;
}>;

export const example = (text: string): string => `\nExample:\n${text.replace(/^/gm, '  ')}\n`;

/** A whole number from 1. @throws PoolproofError USAGE, from the parser */
export const count =
  (flag: string) =>
  (text: string): number => {
    if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
    throw new PoolproofError('USAGE', `${flag} ${text}: a whole number from 1 is needed`);
  };

const unitMs = { s: 1000, m: 60_000, h: 3_600_000 } as const;

/** Milliseconds. @throws PoolproofError USAGE, from the parser */
export const duration =
  (flag: string) =>
  (text: string): number => {
    const [, amount, unit] = /^([1-9]\d{0,4})([smh])$/.exec(text) ?? [];
    if (unit === 's' || unit === 'm' || unit === 'h') return Number(amount) * unitMs[unit];
    throw new PoolproofError('USAGE', `${flag} ${text}: a time such as 90s, 30m or 2h is needed`);
  };

/** Bytes. @throws PoolproofError USAGE, from the parser */
export const size =
  (flag: string) =>
  (text: string): number => {
    const bytes = parseSize(text);
    if (bytes !== null) return bytes;
    throw new PoolproofError('USAGE', `${flag} ${text}: a size such as 512M or 4G is needed`);
  };

/** An option that may be given several times: every text, in order. */
export const several = (text: string, before: readonly string[] | undefined): readonly string[] => [
  ...(before ?? []),
  text,
];

/**
 * Values of an option that takes several, and the arguments behind them, which commander takes for values as well. The
 * first word is a value, whatever it is.
 */
export function partValues(
  given: readonly string[],
  isValue: (word: string) => boolean,
): Readonly<{ values: readonly string[]; others: readonly string[] }> {
  const values = given.filter((word, place) => place === 0 || isValue(word));
  return { values, others: given.filter((word, place) => place > 0 && !isValue(word)) };
}

export const cache = new Option('--cache <dir>', 'image cache').env('POOLPROOF_CACHE');

export const locked = new Option(
  '--locked',
  'refuse versions that are not pinned, and successors of pinned ones',
);

export const kernelFile = new Option('--kernel <file>', 'a kernel of your own: a bzImage');
export const kernelModules = new Option(
  '--modules <dir>',
  'its modules, where what a guest needs is not built in: lib/modules/<release>',
);

export const ownDisk = new Option(
  '--disk <name=path>',
  'a read-only disk at /disks/<name> of each guest: a folder, a file, or an image of erofs; may be given several times',
).argParser(several);

export const node = new Option(
  '--node <file>',
  'Node to run it with: a file, or a line such as 24 (default: this one)',
);
export const library = new Option('--library <file>', 'libwasmtime to load (default: the pinned one)');
export const engine = new Option('--engine <engine>', 'wasmtime, wasmtime@VERSION or v8').default('wasmtime');

export const runsIn = new Option('--results <dir>', 'folder of the runs').default('results');
