/** Finds the place of a command line that is to be completed: which command, and the option or argument there. Pure. */
import type { Command, Option } from '@commander-js/extra-typings';

/** An answer. */
export type Candidate = Readonly<{
  value: string;
  about?: string;
  /** More of the same word follows: a folder, `memory=`. */
  begun?: boolean;
}>;

export type Place = Readonly<{
  /** `run`, `images list`; empty for the program itself. */
  command: string;
  /** Words of the place: commands and options are known here. */
  candidates: readonly Candidate[];
  /** What stands there by the definitions, such as `--only <expr>` or `[matrix]`; null where nothing does. */
  term: string | null;
  /** The value of `--results`, where it was given. */
  results: string;
  /** Text before each answer: `--only=`. */
  before: string;
  /** The word, as far as it is typed, without `before`. */
  current: string;
}>;

const takesValue = (option: Option | undefined): option is Option =>
  option !== undefined && (option.required || option.optional);

const findOption = (command: Command, flag: string): Option | undefined =>
  command.options.find((option) => option.long === flag || option.short === flag);

/** The words of a command line as it is typed: quotes and backslashes are left out, since no name has any. */
export const splitLine = (line: string): readonly string[] =>
  line
    .replace(/['"\\]/g, '')
    .trimStart()
    .split(/\s+/);

const describe = ({ long, short, description }: Option): Candidate => ({
  value: long ?? short ?? '',
  about: description,
});

/**
 * @param words behind the program's name; the last one is being typed and may be empty
 * @returns null behind `--`, where another program's words begin
 */
export function findPlace(program: Command, words: readonly string[]): Place | null {
  const current = words.at(-1) ?? '';
  let command = program;
  let names: readonly string[] = [];
  let count = 0;
  let open: Option | undefined;
  let results = 'results';
  for (const word of words.slice(0, -1)) {
    if (word === '--') return null;
    const [flag = '', value] = word.split('=', 2);
    if (word.startsWith('-')) {
      const option = findOption(command, flag);
      if (option?.long === '--results' && value !== undefined) results = value;
      open = value === undefined && takesValue(option) ? option : undefined;
    } else if (open !== undefined) {
      if (open.long === '--results') results = word;
      if (!open.variadic) open = undefined;
    } else {
      const below = command.commands.find((one) => one.name() === word) as Command | undefined;
      if (below === undefined) count += 1;
      else [command, names, count] = [below, [...names, word], 0];
    }
  }
  const place = { command: names.join(' '), results, before: '', current, term: null, candidates: [] };
  const inOne = /^(--[\w-]+)=(.*)$/s.exec(current);
  const given = inOne === null ? open : findOption(command, inOne[1] ?? '');
  if (inOne !== null)
    return { ...place, term: given?.flags ?? null, before: `${inOne[1]}=`, current: inOne[2] ?? '' };
  if (current.startsWith('-')) return { ...place, candidates: listOptions(command) };
  if (given !== undefined) return { ...place, term: given.flags };
  const argument =
    command.registeredArguments[count] ?? command.registeredArguments.findLast((one) => one.variadic);
  return { ...place, candidates: listCommands(command), term: argument?.name() ?? null };
}

function listOptions(command: Command): readonly Candidate[] {
  const shown = command.options.filter(({ hidden }) => !hidden).map((option) => describe(option));
  return [...shown, { value: '--help', about: 'display help for command' }];
}

function listCommands(command: Command): readonly Candidate[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .map((one) => ({ value: one.name(), about: one.description() }));
}
