/**
 * Observation → outcome. The rule above all others: never a wrong verdict. Where two signals disagree (report and exit
 * code, an answer and a panic) the cell is `broken`, and the reason names the disagreement; the nicer one is never
 * picked.
 *
 * In this order: settings not as requested → `invalid`; no complete answer → by the end of the machine; a complete
 * answer → by exit code and report together.
 *
 * The wasm host's exit codes: 0 a tier is proven, 2 wrong usage, 3 no tier works, 128+n signal n.
 */
import { constants } from 'node:os';
import type { HostReport } from '../../images/allocator/host-report.ts';
import type { MachineEnd, Observation, SubjectRun } from '../guest/observation.ts';
import { type Asked, findContradictions, findWrongVersions } from './check-report.ts';
import { classifyForeign, type ForeignEnd } from './classify-foreign.ts';
import type { Subject } from '../matrix/subject.ts';
import type { Outcome } from './outcome.ts';
import { describeCut, endOf } from './output-lines.ts';
import { plainLine, plainTail } from './plain-text.ts';
import { type FoundReport, reportOf } from './read-report.ts';
import { findUnexplainedEnd } from './unexplained-end.ts';

export type Classification = Readonly<{
  outcome: Exclude<Outcome, 'skipped'>;
  /** One sentence, without control characters. */
  reason: string;
  /** The host's report; its tier counts only when `outcome` is `reached`. */
  hostReport: HostReport | null;
  /** Tier and summary of a foreign subject that ran, from its patterns. */
  foreign?: Pick<ForeignEnd, 'tier' | 'summary'>;
}>;

type Row = Readonly<{ before: 'broken' | 'guest-died'; after: 'ignore' | 'contradicts'; words: string }>;

/**
 * Meaning of each end of a machine: `before` an answer, while the session was up, and `after` a complete answer. A QEMU
 * that is killed or never came up says nothing about the guest.
 */
const machineEnds: Readonly<Record<MachineEnd['kind'], Row>> = {
  'start-failed': { before: 'broken', after: 'contradicts', words: 'QEMU did not start' },
  'no-console': { before: 'broken', after: 'contradicts', words: 'the kernel wrote no line on the console' },
  'not-ready': { before: 'broken', after: 'contradicts', words: 'the session did not come up' },
  clock: { before: 'broken', after: 'contradicts', words: "the guest's clock ran away" },
  stalled: { before: 'broken', after: 'contradicts', words: 'the guest hardly got to run' },
  killed: { before: 'broken', after: 'ignore', words: 'QEMU was killed' },
  exited: { before: 'guest-died', after: 'ignore', words: 'QEMU ended by itself' },
  silent: { before: 'guest-died', after: 'ignore', words: 'the session fell silent' },
  panic: { before: 'guest-died', after: 'contradicts', words: 'the kernel panicked' },
  reset: { before: 'guest-died', after: 'contradicts', words: 'the guest reset itself' },
};

/** Message of a shell that could not start the host at all; it exits with 2 or 126. */
const forkFailure = /(?:can't|cannot) fork|fork: .*(?:cannot allocate|resource temporarily)/i;

/** @param foreign the subject that ran instead of the wasm host */
export function classify(
  observation: Observation,
  asked: Asked,
  foreign: Subject | null = null,
): Classification {
  const { subject, machineEnd, readBack } = observation;
  const wrong = readBack.filter((setting) => !setting.ok);
  if (wrong.length > 0) {
    const list = wrong.map(({ axis, asked: want, found }) => `${axis} ${want} was requested, ${found} found`);
    return end('invalid', list.join('; '), subject === null ? null : reportOf(subject).report);
  }
  if (subject === null) return classifyMachine(observation);
  if (machineEnd !== null && machineEnds[machineEnd.kind].after === 'contradicts') {
    return end('broken', `an answer came, yet ${machineEnds[machineEnd.kind].words}: ${machineEnd.detail}`);
  }
  if (subject.helperLost)
    return end(
      'broken',
      "a process of the session vanished: what it reports of the subject's end says nothing",
    );
  // A result without proven settings would be a result about an unknown environment.
  if (readBack.length === 0) return end('broken', 'an answer came, yet no setting was read back');
  if (foreign !== null) {
    const { outcome, reason, ...rest } = classifyForeign(subject, observation.oomKill, foreign);
    return { outcome, reason, hostReport: null, foreign: rest };
  }
  return classifySubject(subject, observation, asked);
}

/** No complete answer came. */
function classifyMachine(observation: Observation): Classification {
  const { machineEnd, oomKill } = observation;
  if (machineEnd === null) return end('broken', 'the guest is alive and gave no answer');
  const { before, words } = machineEnds[machineEnd.kind];
  const outcome = before === 'guest-died' && !sessionWasUp(observation) ? 'broken' : before;
  const early = outcome === before ? '' : ' before its session was up';
  const oom = oomKill && outcome === 'guest-died' ? ' (its out-of-memory killer had spoken)' : '';
  return end(outcome, `${words}${early}${oom}: ${machineEnd.detail}`);
}

function sessionWasUp({ facts, readBack, timings }: Observation): boolean {
  return facts !== null || readBack.length > 0 || timings['ready'] !== undefined;
}

function classifySubject(subject: SubjectRun, observation: Observation, asked: Asked): Classification {
  // A second report, or the only one, may be in the dropped part.
  if (subject.stdoutDropped > 0) return end('broken', describeCut(subject.stdoutDropped));
  const unexplained = findUnexplainedEnd(observation);
  const found = reportOf(subject);
  const { report } = found;
  if (found.contradicted)
    return end('broken', 'the host printed two reports that contradict each other', report);
  if (report !== null) {
    const versions = findWrongVersions(report, asked);
    if (versions.length > 0) return end('invalid', versions.join('; '), report);
    const contradictions = findContradictions(report, asked);
    if (contradictions.length > 0) {
      return end('broken', `the host says ${said(report)}, but ${contradictions.join('; ')}`, report);
    }
    if (unexplained !== null)
      return end('broken', `the host says ${said(report)}, but ${unexplained}`, report);
    return classifyReported(report, subject);
  }
  if (unexplained !== null) return end('broken', unexplained);
  return classifyUnreported(subject, observation.oomKill, found);
}

/** A consistent report: it stands if the process ended as the report states. */
function classifyReported(report: HostReport, subject: SubjectRun): Classification {
  const wanted = report.outcome === 'reached' ? 0 : 3;
  if (subject.timedOut) {
    return end('broken', `the host says ${said(report)}, but did not end within its deadline`, report);
  }
  if (subject.signal !== null || subject.exitCode !== wanted) {
    return end(
      'broken',
      `the host says ${said(report)}, but ended with ${ending(subject)}, not ${wanted}`,
      report,
    );
  }
  return end(report.outcome, report.why, report);
}

function classifyUnreported(subject: SubjectRun, oomKill: boolean, found: FoundReport): Classification {
  const tail = plainTail(endOf(subject.stderr, subject.stderrTail));
  const words = tail === '' ? '' : `: ${tail}`;
  const lost = found.problem === null ? '' : ` (a report is there, but ${found.problem})`;
  if (subject.timedOut) {
    return end(
      'timeout',
      `no answer within ${((subject.guestTimeMs ?? subject.durationMs) / 1000).toFixed(1)} s${lost}${words}`,
    );
  }
  if (subject.signal !== null) {
    const oom = oomKill && subject.signal === 'SIGKILL' ? ", by the kernel's out-of-memory killer" : '';
    return end('crashed', `the host died of ${plainLine(subject.signal, 20)}${oom}${words}`);
  }
  switch (subject.exitCode) {
    case 0:
      return end('broken', `the host ended with 0 but left no report${lost}${words}`);
    case 2:
      // The host refused its arguments, which says nothing about the environment.
      return forkFailure.test(subject.stderr)
        ? end('crashed', `the host could not be started${words}`)
        : end('broken', `the host refused its arguments or variables${words}`);
    case 3:
      return end('exhausted', `no tier works; the report could not be read${lost}${words}`);
    case 70:
      return end('broken', `the wasm host itself has a defect${words}`);
    case null:
      return end('broken', 'the session reported neither exit code nor signal');
    default:
      return end('crashed', `the host ended with ${ending(subject)}${lost}${words}`);
  }
}

function said(report: HostReport): string {
  return report.tier === null ? report.outcome : `${report.outcome} ${report.tier}`;
}

function ending({ exitCode, signal }: SubjectRun): string {
  if (signal !== null) return `signal ${plainLine(signal, 20)}`;
  const name = Object.entries(constants.signals).find(([, number]) => number + 128 === exitCode)?.[0];
  return `exit code ${exitCode ?? 'unknown'}${name === undefined ? '' : ` (${name})`}`;
}

function end(
  outcome: Classification['outcome'],
  reason: string,
  hostReport: HostReport | null = null,
): Classification {
  return { outcome, reason: plainLine(reason), hostReport };
}
