/** A check of the selftest: one thing that poolproof relies on, and how this computer is asked about it. */
import type { Bench } from './bench.ts';

/** `noted`: a figure that nothing relies on, and that no verdict depends on. */
export type Status = 'holds' | 'fails' | 'noted';

export type Finding = Readonly<{
  status: Status;
  /** One line, with the figures. */
  found: string;
}>;

export type Check = Readonly<{
  /** Word of `--only`. */
  name: string;
  /** What is relied on, as a sentence. */
  assumes: string;
  /** The file that relies on it, where the reasons are. */
  beside: string;
  /** Asks guests. A guest that does not come up is thrown, and fails the check. */
  ask: (bench: Bench) => Promise<Finding>;
}>;

export const judge = (holds: boolean, found: string): Finding => ({
  status: holds ? 'holds' : 'fails',
  found,
});

/** The first few of many, as one text. */
export function listSome(texts: readonly string[]): string {
  const shown = texts.slice(0, 3).join('; ');
  return texts.length > 3 ? `${shown}; and ${texts.length - 3} more` : shown;
}
