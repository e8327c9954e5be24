/** Overcommit rules: match the commit charge still available to a new process, whatever produced it. */
import type { Settings } from '../axes/table.ts';
import { estimateFacts } from '../plan/estimate-facts.ts';
import { mapCaptured } from './captured-rules.ts';
import { axisOf, say, type Rule } from './mapping.ts';
import type { FieldReport } from './report.ts';

const [kib, mib, tib] = [2 ** 10, 2 ** 20, 2 ** 40];
/** A guest's session and a shell; with less nothing starts there. */
const smallestLeft = 16 * mib;
/** If the guest leaves as much within this, the report's own values are taken: what others hold varies as much. */
const near = 6 * mib;

/** Bytes that strict overcommit leaves to a new process: the limit, less reserves and what is committed. */
function leftOf(report: FieldReport, guest: ReturnType<typeof estimateFacts>): number | null {
  const { memory, overcommit, process } = report;
  if (memory.commitLimitKib === null) return null;
  const admin = process.sysAdmin === 'yes' ? 0 : (overcommit.adminReserveKib ?? 8192) * kib;
  const user =
    overcommit.userReserveKib === null ? (guest.userReserve ?? 0) : overcommit.userReserveKib * kib;
  return (memory.commitLimitKib - (memory.committedKib ?? 0)) * kib - admin - user;
}

/** The same of a guest with these settings, whose subject is its administrator. */
const leftIn = ({ commitLimit, committedAs, userReserve }: ReturnType<typeof estimateFacts>): number =>
  (commitLimit ?? 0) - (committedAs ?? 0) - (userReserve ?? 0);

/** The report's own ratio or size. */
function ownValue({ overcommit: { ratio, kib: size } }: FieldReport): Partial<Settings> {
  if (size !== null && size > 0) return { overcommitBytes: Math.min(size * kib, tib) };
  return { overcommitRatio: Math.min(ratio ?? 50, 1000) };
}

export const mapOvercommit: Rule = (report, so, known) => {
  const mode = mapCaptured('overcommit')(report, so, known);
  if (report.overcommit.mode !== 2) return mode;
  const { memory, overcommit } = report;
  const own = ownValue(report);
  const strict: Settings = { ...so, overcommit: 2 };
  const guest = estimateFacts({ ...strict, ...own });
  const wanted = leftOf(report, guest);
  const isOwn = wanted === null || Math.abs(leftIn(guest) - wanted) <= near;
  const fact = own.overcommitBytes === undefined ? 'ratio' : 'kib';
  const told = say(
    `overcommit.${fact}`,
    overcommit[fact],
    overcommit[fact] === null ? 'approximated' : 'exact',
    {
      ...axisOf(fact === 'kib' ? 'overcommitBytes' : 'overcommitRatio', { ...strict, ...own }),
      why: overcommit[fact] === null ? "the kernel's default" : null,
      decides: true,
    },
  );
  if (isOwn) return { set: { ...mode.set, ...own }, say: [...mode.say, told] };
  // Swap counts beside the size, huge pages do not.
  const bare = estimateFacts({ ...strict, overcommitBytes: kib });
  const size = Math.round((wanted - leftIn(bare)) / kib) * kib + kib;
  const overcommitBytes = Math.min(Math.max(size, kib), tib);
  const after = { ...strict, overcommitBytes };
  const facts = (['commitLimitKib', 'committedKib'] as const).map((name) =>
    say(`memory.${name}`, memory[name], wanted < smallestLeft ? 'not reproducible' : 'approximated', {
      ...(wanted >= smallestLeft && axisOf('overcommitBytes', after)),
      why:
        wanted < smallestLeft
          ? `it leaves ${Math.max(0, Math.floor(wanted / mib))} MiB, and a guest itself needs ${smallestLeft / mib}`
          : 'leaves as much to a new process as there, where other programs, reserves and RAM differ',
      decides: true,
    }),
  );
  return { set: { ...mode.set, overcommitBytes }, say: [...mode.say, ...facts] };
};
