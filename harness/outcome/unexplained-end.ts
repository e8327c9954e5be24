/**
 * Ends within a run of the wasm host that prove nothing. The host ends an attempt by the guest's clock, which goes on
 * while the guest is stopped or waits for a core; and a SIGKILL may be anybody's. Neither says that a tier does not
 * work, so neither lets a lower one count: the cell is tried again.
 *
 * Evidence, by contrast, is a run that the harness ended (it counted the time the guest got), a kill that the kernel's
 * own counter of out-of-memory kills explains, and a Node that neither starts nor ends in a guest that had its time. So
 * is a host that dies of SIGKILL before any deadline has passed: only something inside the guest sends that, as the
 * kernel does to a program whose first mappings do not fit.
 */
import type { HostReport } from '../../images/allocator/host-report.ts';
import type { Observation, SubjectRun } from '../guest/observation.ts';
import { reportOf } from './read-report.ts';

/** Message of wasm-host.sh about a worker that it ended at its deadline. */
const lateWorker = /nothing within (\d+) s, killed/;
const neverStarted = /Node did not start \(nothing within \d+ s, killed\)/;

/**
 * Share of the host's deadline, which runs by the guest's clock, that the guest must have had; samples come once a
 * second.
 */
const enough = 0.9;

/** A phrase for the end that proves nothing; null where there is none. Only for the wasm host. */
export function findUnexplainedEnd({ subject, oomKill }: Observation): string | null {
  if (subject === null || subject.timedOut) return null;
  const { report } = reportOf(subject);
  return report === null
    ? findLateWorker(subject)
    : (findUnexplainedAttempt(report, countOomKills(subject, oomKill)) ?? null);
}

/** The kernel's counter; without one, messages on the console, which may mean any number. */
function countOomKills({ oomKills }: SubjectRun, oomKill: boolean): number {
  if (Number.isFinite(oomKills)) return oomKills;
  return oomKill ? Infinity : 0;
}

function findUnexplainedAttempt({ attempts }: HostReport, oomKills: number): string | null {
  const late = attempts.find(({ failure }) => failure?.class === 'timeout');
  if (late !== undefined)
    return `the attempt at ${late.tier} was ended by the host's own deadline, which proves nothing about it`;
  const killed = attempts.filter(({ failure }) => failure?.class === 'killed');
  if (killed.length <= oomKills) return null;
  const names = killed.map(({ tier }) => tier).join(' and at ');
  return `the attempt at ${names} was killed, and the kernel says of no lack of memory that explains it`;
}

function findLateWorker({ stderr, guestTimeMs }: SubjectRun): string | null {
  const seconds = lateWorker.exec(stderr)?.[1];
  if (seconds === undefined) return null;
  // Absent: from before this was counted.
  const got = guestTimeMs ?? Infinity;
  if (neverStarted.test(stderr) && got >= Number(seconds) * 1000 * enough) return null;
  return `the host gave a worker ${seconds} s, of which the guest could run for ${(got / 1000).toFixed(1)}`;
}
