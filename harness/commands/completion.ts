/** `poolproof completion <shell>` prints a shell's script; `poolproof complete` answers its requests. */
import path from 'node:path';
import type { Command } from '@commander-js/extra-typings';
import { PoolproofError } from '../errors.ts';
import { plainLine } from '../plain-text.ts';
import type { Context } from './context.ts';
import { renderScript, shells, type Shell } from './completion-scripts.ts';
import { listCandidates } from './completion-values.ts';
import { findPlace, splitLine, type Candidate } from './completion-words.ts';

function findShell(name: string | undefined): Shell {
  const shell = shells.find((one) => one === name);
  if (shell !== undefined) return shell;
  throw new PoolproofError('USAGE', `there is no completion for ${name}`, {
    hint: `there is one for ${shells.join(', ')}`,
  });
}

export function completion(context: Context, [name]: readonly string[]): Promise<number> {
  const [node = '', cli = ''] = process.argv;
  context.out(renderScript(findShell(name), [node, path.resolve(cli)]));
  return Promise.resolve(0);
}

/** Characters that need a backslash before them in bash. */
const special = /[^\w@%+=:,./~-]/g;

/** How the answers are put into the line. */
type Rest = Readonly<{
  /** Characters of the word that bash keeps. */
  kept: number;
  /** Inside quotes, which the user closes. */
  quoted: boolean;
}>;

/** An answer as a shell's script reads it; zsh and fish quote it themselves. */
const renderers: Readonly<Record<Shell, (candidate: Candidate, rest: Rest) => string>> = {
  bash: ({ value, begun = false }, { kept, quoted }) =>
    quoted ? value.slice(kept) : `${value.slice(kept).replace(special, String.raw`\$&`)}${begun ? '' : ' '}`,
  zsh: ({ value, about = '', begun = false }) => {
    const text = [value, about].map((part) => part.replace(/[\\:]/g, String.raw`\$&`));
    return `${begun ? '+' : ''}${text.filter((part) => part !== '').join(':')}`;
  },
  fish: ({ value, about = '' }) => (about === '' ? value : `${value}\t${about}`),
};

/**
 * Answers, one per line. Bash passes the part of the word that it replaces, then the line as far as it is typed; the
 * others pass words.
 */
export async function complete(
  context: Context,
  [name, ...given]: readonly string[],
  program: Command,
): Promise<number> {
  const shell = findShell(name);
  const [replaced = '', line = ''] = given;
  const words = shell === 'bash' ? splitLine(line).slice(1) : given.map((word) => word.replace(/^['"]/, ''));
  const place = findPlace(program, words);
  const candidates = place === null ? [] : await listCandidates(place);
  const typed = (words.at(-1) ?? '').length;
  const rest = {
    kept: Math.max(0, typed - replaced.replace(/['"\\]/g, '').length),
    quoted: (line.match(/'/g) ?? []).length % 2 === 1 || (line.match(/"/g) ?? []).length % 2 === 1,
  };
  for (const { about = '', ...candidate } of candidates) {
    const one = { ...candidate, value: plainLine(candidate.value), about: plainLine(about) };
    context.out(`${renderers[shell](one, rest)}\n`);
  }
  return 0;
}
