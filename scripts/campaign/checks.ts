/** What must hold after every fault: verdicts, lines, exit codes, words, and nothing left. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseResult } from '../../harness/store/result-schema.ts';
import type { Result } from '../../harness/store/result.ts';
import { errorCodes, type ErrorCode } from '../../images/errors.ts';
import { send, type End } from './harness.ts';
import type { SmallCell, Truth } from './small-runs.ts';
import type { Findings } from './table.ts';
import type { Workplace } from './workplace.ts';

/** What the lines of a run come to. */
export type Judged = Readonly<{
  right: number;
  silent: number;
  unexpected: number;
  /** Why there is no verdict. */
  reasons: readonly string[];
  /** Cells without a line. */
  missing: readonly string[];
  failures: Findings;
}>;

const nameOf = ({ subject, overcommit }: Pick<SmallCell, 'subject' | 'overcommit'>): string =>
  `${subject}, overcommit ${overcommit}`;

export function fits(result: Result, truth: Truth): boolean {
  return (
    result.outcome === truth.outcome &&
    (truth.tier === undefined || result.tier === truth.tier) &&
    (truth.signal === undefined || result.subject?.signal === truth.signal) &&
    (truth.says?.test(result.reason) ?? true) &&
    truth.saysNot?.test(result.reason) !== true
  );
}

const shown = ({ outcome, tier, verdict, reason, attempts }: Result): string =>
  `${outcome} ${tier ?? ''} (${verdict ?? 'no verdict'}): ${reason} [${attempts.map(({ start, outcome: end }) => `${start} ${end}`).join(', ')}]`;

/** Results against what is known of their cells: each cell at most once, each right or without a verdict. */
export function judgeResults(results: readonly Result[], cells: readonly SmallCell[]): Judged {
  const failures: string[] = [];
  const reasons: string[] = [];
  const counts = { right: 0, silent: 0, unexpected: 0 };
  const seen = new Map<string, number>();
  for (const result of results) {
    const { subject, overcommit } = result.settings;
    const cell = cells.find((each) => each.subject === subject && each.overcommit === overcommit);
    const name = nameOf({ subject, overcommit });
    if (cell === undefined) failures.push(`a line of a cell that the run does not have: ${name}`);
    seen.set(name, (seen.get(name) ?? 0) + 1);
    if (result.verdict === 'unexpected') counts.unexpected += 1;
    const truth = cell?.truths.findIndex((each) => fits(result, each)) ?? -1;
    if (result.verdict === null) {
      counts.silent += 1;
      reasons.push(`${name} is ${shown(result)}`);
    } else if (truth === -1) failures.push(`wrong: ${name} is ${shown(result)}`);
    else if (truth === 0 && result.verdict !== 'expected')
      failures.push(`right and ${result.verdict}: ${name}`);
    else counts.right += 1;
  }
  for (const [name, count] of seen) if (count > 1) failures.push(`${count} lines of one cell: ${name}`);
  const missing = cells.map(nameOf).filter((name) => !seen.has(name));
  return { ...counts, reasons, missing, failures };
}

/** The lines of a run's folder; a torn last line is none, any other that cannot be read is a failure. */
export function readLines(dir: string | null): Readonly<{ results: readonly Result[]; failures: Findings }> {
  const file = dir === null ? '' : path.join(dir, 'cells.jsonl');
  if (!existsSync(file)) return { results: [], failures: [] };
  const lines = readFileSync(file, 'utf8').split('\n');
  lines.pop();
  const read = lines.map((line, index) => parseResult(line, file, index + 1));
  return {
    results: read.filter((each): each is Result => !(each instanceof Error)),
    failures: read.flatMap((each) => (each instanceof Error ? [`a damaged line: ${each.message}`] : [])),
  };
}

/**
 * The exit code that belongs to these lines, of a harness that was not interrupted. Where the fault takes something
 * from the computer, `lacks` is the code that names it: a harness that ends with that code ends with its exit code.
 */
export function checkExitCode(
  { exitCode, signal, stderr }: End,
  judged: Pick<Judged, 'silent' | 'missing' | 'unexpected'>,
  lacks?: ErrorCode,
): Findings {
  const end = exitCode ?? signal ?? 'none';
  if (lacks !== undefined && new RegExp(`^${lacks}: `, 'm').test(stderr)) {
    const named = errorCodes[lacks];
    return exitCode === named ? [] : [`exit code ${end} with ${lacks}, which has ${named}`];
  }
  const whole = judged.silent === 0 && judged.missing.length === 0;
  const right = judged.unexpected > 0 ? 1 : whole ? 0 : 2;
  return exitCode === right ? [] : [`exit code ${end} where the cells say ${right}`];
}

/** A command that will not go on names an error, and ends with the exit code of that error. */
export function isRefusal({ exitCode, stderr }: End, code?: string): boolean {
  const named = /^([A-Z]+(?:_[A-Z]+)*): /m.exec(stderr)?.[1];
  if (named === undefined || !Object.hasOwn(errorCodes, named)) return false;
  return exitCode === errorCodes[named as ErrorCode] && (code === undefined || named.startsWith(code));
}

/** However a command ends, it ends by itself, with a documented exit code, and says so in sentences. */
export function checkWords({ hung, exitCode, stdout, stderr }: End, what: string): Findings {
  const trace = /^\s+at .*(?:\.js:\d+|node:)/m.exec(stderr + stdout);
  return [
    ...(hung ? [`${what} did not end`] : []),
    ...(trace === null ? [] : [`${what} printed a trace: ${lastLines(stderr)}`]),
    ...(exitCode === null || [0, 1, 2, 3, 130].includes(exitCode) ? [] : [`${what} ended with ${exitCode}`]),
  ];
}

export const lastLines = (text: string): string =>
  text.trim().split('\n').slice(-4).join(' / ').slice(0, 600);

/** Processes that carry the workplace's name in their command line or environment. */
function listProcesses(root: string): readonly Readonly<{ pid: number; command: string }>[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((name) => {
      try {
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8');
        const isOurs = command.includes(root) || readFileSync(`/proc/${name}/environ`, 'utf8').includes(root);
        return isOurs && command !== '' ? [{ pid: Number(name), command }] : [];
      } catch {
        return []; // ended, or somebody else's
      }
    });
}

/** The kernel takes a moment to end what has lost its parent. */
const graceMs = 5000;

/** Processes are ended after they were told of, so that one fault says nothing about the next. */
export async function checkProcesses(root: string): Promise<Findings> {
  for (let waited = 0; waited < graceMs && listProcesses(root).length > 0; waited += 50) await sleep(50);
  return listProcesses(root).map(({ pid, command }) => {
    send(pid, 'SIGKILL');
    return `a process is left: ${command.replaceAll('\0', ' ').slice(0, 200)}`;
  });
}

/** Files that nobody will use again. */
export function checkFiles(place: Workplace): Findings {
  const below = (folder: string, isLeft: (name: string) => boolean): string[] =>
    existsSync(folder)
      ? readdirSync(folder)
          .filter(isLeft)
          .map((name) => `a file is left: ${path.relative(place.root, path.join(folder, name))}`)
      : [];
  const { runDir } = place;
  return [
    ...below(place.tmp, () => true),
    ...below(path.join(place.cache, 'tmp'), () => true),
    ...below(path.join(place.cache, 'templates'), (name) => name.startsWith('.')),
    ...below(place.results, (name) => name.startsWith('.')),
    ...(runDir === null ? [] : below(path.join(runDir, 'evidence'), (name) => name.startsWith('.tmp-'))),
    ...(runDir === null ? [] : below(runDir, (name) => /^\.probe-|^run\.json\./.test(name))),
  ];
}
