/**
 * The outcome of a foreign subject. Its patterns and mappings give the tier, unproven, or the class of failure; where
 * nothing fits, the reason says so.
 */
import type { Tier } from '../../images/allocator/tier.ts';
import type { Answer } from '../guest/answer.ts';
import type { SubjectRun } from '../guest/observation.ts';
import type { SubjectProcess } from '../guest/subject-process.ts';
import type { ProgramPin, Ready, Subject } from '../matrix/subject.ts';
import { findTier, tierOf, type Basis, type Told } from './find-tier.ts';
import { findFault } from './judge-answer.ts';
import type { Outcome } from './outcome.ts';
import { describeCut, droppedBytesOf, endOf, findCauses, findLine, keptLines } from './output-lines.ts';
import { plainLine, plainTail } from './plain-text.ts';
import { summarizeProcess } from './summarize-process.ts';

/** The part of a foreign subject's run that is stored with its result. */
export type SubjectSummary = Readonly<{
  name: string;
  /** It came up: by its line, its port, its answer or its exit code. */
  ready: boolean;
  /** Class of failure, by the subject's own patterns; null where none of them matches. */
  failure: string | null;
  /** The line that gives the tier, otherwise the failure. */
  line: string | null;
  /** What it writes as the causes of that failure; absent without any, and in older results. */
  causes?: readonly string[];
  /** How its tier is known; absent without one, and in older results, where it was told. */
  basis?: Basis;
  exitCode: number | null;
  signal: string | null;
  /**
   * The last answer of one that serves, where one was waited for: its status, how many there were, how its body begins.
   */
  answer?: Readonly<{ status: number; count: number; body: string }>;
  /** The pinned program that ran; absent where none was pinned. */
  program?: ProgramPin;
  /** What the kernel showed of its process; absent in older results. */
  process?: SubjectProcess;
}>;

export type ForeignEnd = Readonly<{
  outcome: Exclude<Outcome, 'skipped'>;
  reason: string;
  tier: Tier | null;
  summary: SubjectSummary;
}>;

/** Message of busybox' shell for a program that cannot be started. */
const startFailure = /(?:: exec: (?:line \d+: )?|: can't cd to )(.+)$/m;

/** The first line of each of the subject's words that one of its patterns matches. */
const findTold = (lines: Parameters<typeof findLine>[0], { words }: Subject): readonly Told[] =>
  words.flatMap(({ word, patterns }): Told[] => {
    const line = patterns.map((pattern) => findLine(lines, pattern)).find((found) => found !== null) ?? null;
    return line === null ? [] : [{ word, line }];
  });

export function classifyForeign(run: SubjectRun, oomKill: boolean, subject: Subject): ForeignEnd {
  const lines = keptLines(run);
  const dropped = droppedBytesOf(run);
  const told = findTold(lines, subject);
  const found = findTier(told, subject, run.process?.up ?? null);
  const failure = told.find(({ word }) => tierOf(word) === null) ?? null;
  const ready = isReady(run, subject.ready, lines);
  const finish = (outcome: ForeignEnd['outcome'], reason: string, hasTier = false): ForeignEnd => {
    const reached = hasTier && found.kind === 'tier' ? found : null;
    return {
      outcome,
      reason: plainLine(reason),
      tier: reached?.tier ?? null,
      summary: {
        name: subject.name,
        ready,
        failure: failure?.word ?? null,
        line: shown(reached ?? failure),
        ...(reached === null && failure !== null && summarizeCauses(lines, failure)),
        ...(reached !== null && { basis: reached.basis }),
        ...(subject.program !== undefined && { program: subject.program }),
        ...summarizeRun(run),
      },
    };
  };
  if (found.kind === 'unclear' && (ready || told.some(({ word }) => tierOf(word) !== null)))
    return finish('broken', found.reason);
  // Unseen output is not judged: if a dropped line could change the outcome, there is no verdict.
  if (ready ? maySpeakOfTier(subject) && dropped > 0 : mayHaveBeenUp(run, subject.ready, lines))
    return finish('broken', dropped > 0 ? describeCut(dropped) : describeUnwatched(run));
  if (ready) {
    const also = failure === null ? '' : `; it wrote ${failure.word}: ${failure.line}`;
    if (found.kind === 'tier') return finish('reached', `${found.reason}${also}`, true);
    return finish('reached', `came up: ${describeReady(subject.ready)}${describeNoTier(subject)}${also}`);
  }
  const fault = findServiceFault(run, subject.ready);
  if (fault !== null) {
    const words = failure === null ? '' : `; ${failure.word}: ${failure.line}`;
    return finish('exhausted', `serves nothing: ${fault}${words}`);
  }
  if (run.ready === true)
    return finish(
      'broken',
      'the guest saw the line of a subject that is up, and no line of its output matches',
    );
  // grep in the guest matches bytes, and a carriage return as part of a line; the harness does neither.
  if (run.timedOut && subject.ready.kind === 'line' && findLine(lines, subject.ready.pattern) !== null)
    return finish(
      'broken',
      'a line says that it is up, and the guest saw none: its grep reads the pattern otherwise',
    );
  return finishFailed(run, oomKill, subject, failure, finish);
}

/** Whether a line of its output may give the tier. */
const maySpeakOfTier = ({ words }: Subject): boolean =>
  words.some(({ word, patterns }) => tierOf(word) !== null && patterns.length > 0);

function describeNoTier(subject: Subject): string {
  const isVisible = subject.words.some(({ mapped }) => mapped !== undefined);
  const silent = maySpeakOfTier(subject) ? '; no pattern of a tier matches its output' : '';
  return `${silent}${isVisible ? '; its largest mapping is of no tier' : ''}`;
}

const summarizeRun = (
  run: SubjectRun,
): Pick<SubjectSummary, 'exitCode' | 'signal' | 'answer' | 'process'> => ({
  exitCode: run.ready === true ? null : run.exitCode,
  signal: run.ready === true ? null : run.signal,
  ...(run.answer !== undefined && { answer: summarizeAnswer(run.answer) }),
  ...(run.process !== undefined && { process: summarizeProcess(run.process) }),
});

const summarizeAnswer = ({ status, count, body }: Answer): NonNullable<SubjectSummary['answer']> => ({
  status,
  count,
  body: plainLine(body, 200),
});

/** It listens and answers, and not as it should; null where it is up, was still starting, or ended by itself. */
function findServiceFault(run: SubjectRun, ready: Ready): string | null {
  if (ready.kind !== 'http' || (run.ready !== true && run.answeredWrong !== true)) return null;
  return findFault(run, ready);
}

const shown = (told: Readonly<{ line: string | null }> | null): string | null =>
  told?.line == null ? null : plainLine(told.line, 500);

function summarizeCauses(
  lines: readonly string[],
  { line }: Told,
): Required<Pick<SubjectSummary, 'causes'>> | null {
  const causes = findCauses(lines, line).map((cause) => plainLine(cause, 200));
  return causes.length === 0 ? null : { causes };
}

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
      `not up within ${((run.guestTimeMs ?? run.durationMs) / 1000).toFixed(1)} s: ${describeMissing(ready, run)}${words}`,
    );
  if (run.signal !== null) {
    const oom = oomKill && run.signal === 'SIGKILL' ? ", by the kernel's out-of-memory killer" : '';
    return finish('crashed', `died of ${plainLine(run.signal, 20)}${oom}${words}`);
  }
  if (run.exitCode === null) return finish('broken', 'the session reported neither exit code nor signal');
  const start = run.exitCode >= 2 ? startFailure.exec(run.stderr) : null;
  if (start !== null && (run.exitCode >= 126 || /can't cd to/.test(run.stderr))) {
    const [, words = ''] = start;
    const why = plainLine(words, 200);
    return /memory/i.test(why)
      ? finish('crashed', `could not be started: ${why}`)
      : finish('broken', `its command line cannot be run: ${why}`);
  }
  // Its own reason for not coming up.
  if (failure !== null) return finish('exhausted', `${failure.word}: ${failure.line}`);
  if (dropped > 0 && known.some(({ word }) => tierOf(word) === null))
    return finish('broken', describeCut(dropped));
  const early = run.exitCode === 0 && ready.kind !== 'exit' ? `, ${describeMissing(ready, run)}` : '';
  return finish(
    'crashed',
    `ended with exit code ${run.exitCode}${early}; no pattern of the subject matches${words}`,
  );
}

function isReady(run: SubjectRun, ready: Ready, lines: readonly string[]): boolean {
  if (run.timedOut) return false;
  switch (ready.kind) {
    case 'exit':
      return run.exitCode === ready.code;
    case 'line':
      // The guest saw the whole stream; the kept part may lack the line.
      if (run.ready === true && droppedBytesOf(run) > 0) return true;
      return (run.ready === true || run.exitCode === 0) && findLine(lines, ready.pattern) !== null;
    case 'port':
      return run.ready === true;
    case 'http':
      return run.ready === true && run.answer !== undefined && findFault(run, ready) === null;
  }
}

/** Whether a subject that was not seen to be up may have written its line in an unseen part of its output. */
function mayHaveBeenUp(run: SubjectRun, ready: Ready, lines: readonly string[]): boolean {
  if (ready.kind !== 'line' || run.ready === true) return false;
  const dropped = droppedBytesOf(run);
  // The guest reads every line except overlong ones; the end of a subject may arrive before the match.
  if (run.unwatchedBytes > 0) return dropped > 0 || findLine(lines, ready.pattern) !== null;
  return dropped > 0 && run.exitCode === 0;
}

const describeUnwatched = ({ unwatchedBytes }: SubjectRun): string =>
  `the line that says it is up came too late or was too long: ${unwatchedBytes} bytes of long lines were not looked at`;

function describeReady(ready: Ready): string {
  switch (ready.kind) {
    case 'exit':
      return `exit code ${ready.code}`;
    case 'line':
      return 'the line was written';
    case 'port':
      return `it listens on port ${ready.port}`;
    case 'http':
      return `it answers ${ready.path} on port ${ready.port} with ${ready.status}`;
  }
}

function describeMissing(ready: Ready, run: SubjectRun): string {
  switch (ready.kind) {
    case 'exit':
      return 'it did not end';
    case 'line':
      return 'no line matches its pattern';
    case 'port':
      return `nothing listened on port ${ready.port}`;
    case 'http':
      return findFault(run, ready) ?? `nothing answered on port ${ready.port}`;
  }
}
