/**
 * What a foreign subject's run comes to. Its patterns tell the tier or the class of failure; nothing is proven
 * as in the wasm host, and where nothing is told, that is said.
 */
import { tiers as knownTiers, type Tier } from '../../images/allocator/tier.ts';
import type { SubjectRun } from '../guest/observation.ts';
import type { Ready, Subject } from '../matrix/subject.ts';
import type { Outcome } from './outcome.ts';
import { findLine, linesOf } from './output-lines.ts';
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
  const lines = linesOf(run.stdout, run.stderr);
  const told = subject.words.flatMap(({ word, patterns }): Told[] => {
    const line = patterns.map((pattern) => findLine(lines, pattern)).find((found) => found !== null) ?? null;
    return line === null ? [] : [{ word, line }];
  });
  const tiers = told.flatMap(({ word, line }) => {
    const tier = tierOf(word);
    return tier === null ? [] : [{ tier, line }];
  });
  const failure = told.find(({ word }) => tierOf(word) === null) ?? null;
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
  if (ready) {
    const [first] = tiers;
    const also = failure === null ? '' : `; it wrote ${failure.word}: ${failure.line}`;
    if (first !== undefined) return finish('reached', `says ${first.tier}: ${first.line}${also}`, first.tier);
    const silent = subject.words.some(({ word }) => tierOf(word) !== null)
      ? '; no pattern of a tier fits what it wrote'
      : '';
    return finish('reached', `came up: ${describeReady(subject.ready)}${silent}${also}`);
  }
  if (run.ready === true)
    return finish(
      'broken',
      'the guest saw the line of a subject that is up, and the output has none that fits',
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
  { ready }: Subject,
  failure: Told | null,
  finish: Finish,
): ForeignEnd {
  const tail = plainTail(run.stderr) || plainTail(run.stdout);
  const kept = Buffer.byteLength(run.stdout) + Buffer.byteLength(run.stderr);
  const lost = run.stdoutBytes + run.stderrBytes > kept ? ` (of its output ${kept} bytes were kept)` : '';
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
      return (run.ready === true || run.exitCode === 0) && findLine(lines, ready.pattern) !== null;
    case 'port':
      return run.ready === true;
  }
}

function describeReady(ready: Ready): string {
  if (ready.kind === 'exit') return `exit code ${ready.code}`;
  return ready.kind === 'line' ? 'the line was written' : `it listens on port ${ready.port}`;
}

function describeMissing(ready: Ready): string {
  if (ready.kind === 'exit') return 'it did not end';
  return ready.kind === 'line' ? 'no line fits its pattern' : `nothing listened on port ${ready.port}`;
}
