/**
 * What a foreign subject's run comes to. Its patterns tell the tier or the class of failure; nothing is proven
 * as in the wasm host, and where nothing is told, that is said.
 */
import { tiers as knownTiers, type Tier } from '../../images/allocator/tier.ts';
import type { SubjectRun } from '../guest/observation.ts';
import type { Ready, Subject } from '../matrix/subject.ts';
import type { Outcome } from './outcome.ts';
import { describeCut, droppedBytesOf, endOf, findLine, keptLines } from './output-lines.ts';
import { plainLine, plainTail } from './plain-text.ts';

/** What is kept of a foreign subject with its result. */
export type SubjectSummary = Readonly<{
  name: string;
  /** It came up: by its line, its port or its exit code. */
  ready: boolean;
  /** Class of failure, by the subject's own patterns; null where none of them fits. */
  failure: string | null;
  /** The line that tells the tier, or else the failure. */
  line: string | null;
  exitCode: number | null;
  signal: string | null;
}>;

export type ForeignEnd = Readonly<{
  outcome: Exclude<Outcome, 'skipped'>;
  reason: string;
  tier: Tier | null;
  summary: SubjectSummary;
}>;

/** A word of the subject that a line means, with the line. */
type Told = Readonly<{ word: string; line: string }>;

const tierOf = (word: string): Tier | null => knownTiers.find((tier) => tier === word) ?? null;

/** What busybox' shell says when the program cannot be started at all. */
const startFailure = /(?:: exec: (?:line \d+: )?|: can't cd to )(.+)$/m;

export function classifyForeign(run: SubjectRun, oomKill: boolean, subject: Subject): ForeignEnd {
  const lines = keptLines(run);
  const dropped = droppedBytesOf(run);
  const told = subject.words.flatMap(({ word, patterns }): Told[] => {
    const line = patterns.map((pattern) => findLine(lines, pattern)).find((found) => found !== null) ?? null;
    return line === null ? [] : [{ word, line }];
  });
  const tiers = told.flatMap(({ word, line }) => {
    const tier = tierOf(word);
    return tier === null ? [] : [{ tier, line }];
  });
  const failure = told.find(({ word }) => tierOf(word) === null) ?? null;
  const hasTiers = subject.words.some(({ word }) => tierOf(word) !== null);
  const ready = isReady(run, subject.ready, lines);
  const finish = (outcome: ForeignEnd['outcome'], reason: string, tier: Tier | null = null): ForeignEnd => ({
    outcome,
    reason: plainLine(reason),
    tier,
    summary: {
      name: subject.name,
      ready,
      failure: failure?.word ?? null,
      line: tier === null ? shown(failure) : shown(tiers[0] ?? null),
      exitCode: run.ready === true ? null : run.exitCode,
      signal: run.ready === true ? null : run.signal,
    },
  });
  if (tiers.length > 1) {
    const words = tiers.map(({ tier }) => tier).join(' and ');
    return finish(
      'broken',
      `lines of ${words} were both written: the patterns of the subject do not tell them apart`,
    );
  }
  // What was not seen is not judged: where a line that nobody saw could say otherwise, there is no verdict.
  if (ready ? hasTiers && dropped > 0 : mayHaveBeenUp(run, subject.ready, lines))
    return finish('broken', dropped > 0 ? describeCut(dropped) : describeUnwatched(run));
  if (ready) {
    const [first] = tiers;
    const also = failure === null ? '' : `; it wrote ${failure.word}: ${failure.line}`;
    if (first !== undefined) return finish('reached', `says ${first.tier}: ${first.line}${also}`, first.tier);
    const silent = hasTiers ? '; no pattern of a tier fits what it wrote' : '';
    return finish('reached', `came up: ${describeReady(subject.ready)}${silent}${also}`);
  }
  if (run.ready === true)
    return finish(
      'broken',
      'the guest saw the line of a subject that is up, and the output has none that fits',
    );
  // grep in the guest takes bytes for characters and a carriage return for part of a line; the harness does neither.
  if (run.timedOut && subject.ready.kind === 'line' && findLine(lines, subject.ready.pattern) !== null)
    return finish(
      'broken',
      'a line says that it is up, and the guest saw none: its grep reads the pattern otherwise',
    );
  return finishFailed(run, oomKill, subject, failure, finish);
}

const shown = (told: Readonly<{ line: string }> | null): string | null =>
  told === null ? null : plainLine(told.line, 500);

type Finish = (outcome: ForeignEnd['outcome'], reason: string) => ForeignEnd;

/** It did not come up. */
function finishFailed(
  run: SubjectRun,
  oomKill: boolean,
  { ready, words: known }: Subject,
  failure: Told | null,
  finish: Finish,
): ForeignEnd {
  const tail = plainTail(endOf(run.stderr, run.stderrTail)) || plainTail(endOf(run.stdout, run.stdoutTail));
  const dropped = droppedBytesOf(run);
  const lost = dropped > 0 ? ` (${describeCut(dropped)})` : '';
  const words =
    failure === null ? `${lost}${tail === '' ? '' : `: ${tail}`}` : `; ${failure.word}: ${failure.line}`;
  if (run.timedOut)
    return finish(
      'timeout',
      `not up within ${((run.guestTimeMs ?? run.durationMs) / 1000).toFixed(1)} s: ${describeMissing(ready)}${words}`,
    );
  if (run.signal !== null) {
    const oom = oomKill && run.signal === 'SIGKILL' ? ", by the kernel's out-of-memory killer" : '';
    return finish('crashed', `died of ${plainLine(run.signal, 20)}${oom}${words}`);
  }
  if (run.exitCode === null) return finish('broken', 'the session reported neither exit code nor signal');
  const start = run.exitCode >= 2 ? startFailure.exec(run.stderr) : null;
  if (start !== null && (run.exitCode >= 126 || /can't cd to/.test(run.stderr))) {
    const why = plainLine(start[1] ?? '', 200);
    return /memory/i.test(why)
      ? finish('crashed', `could not be started: ${why}`)
      : finish('broken', `its command line cannot be run: ${why}`);
  }
  // Its own word for why it does not come up.
  if (failure !== null) return finish('exhausted', `${failure.word}: ${failure.line}`);
  if (dropped > 0 && known.some(({ word }) => tierOf(word) === null))
    return finish('broken', describeCut(dropped));
  const early = run.exitCode === 0 && ready.kind !== 'exit' ? `, ${describeMissing(ready)}` : '';
  return finish(
    'crashed',
    `ended with exit code ${run.exitCode}${early}; no pattern of the subject fits${words}`,
  );
}

function isReady(run: SubjectRun, ready: Ready, lines: readonly string[]): boolean {
  if (run.timedOut) return false;
  switch (ready.kind) {
    case 'exit':
      return run.exitCode === ready.code;
    case 'line':
      // The guest saw the whole stream; what is kept need not have the line where not all is.
      if (run.ready === true && droppedBytesOf(run) > 0) return true;
      return (run.ready === true || run.exitCode === 0) && findLine(lines, ready.pattern) !== null;
    case 'port':
      return run.ready === true;
  }
}

/** Whether one that was not seen to be up can have written the line that says so where nobody looked. */
function mayHaveBeenUp(run: SubjectRun, ready: Ready, lines: readonly string[]): boolean {
  if (ready.kind !== 'line' || run.ready === true) return false;
  const dropped = droppedBytesOf(run);
  // The guest looks at every line but for what is too long; the end of a subject may come before its word.
  if (run.unwatchedBytes > 0) return dropped > 0 || findLine(lines, ready.pattern) !== null;
  return dropped > 0 && run.exitCode === 0;
}

const describeUnwatched = ({ unwatchedBytes }: SubjectRun): string =>
  `the line that says it is up came too late or was too long: ${unwatchedBytes} bytes of long lines were not looked at`;

function describeReady(ready: Ready): string {
  if (ready.kind === 'exit') return `exit code ${ready.code}`;
  return ready.kind === 'line' ? 'the line was written' : `it listens on port ${ready.port}`;
}

function describeMissing(ready: Ready): string {
  if (ready.kind === 'exit') return 'it did not end';
  return ready.kind === 'line' ? 'no line fits its pattern' : `nothing listened on port ${ready.port}`;
}
