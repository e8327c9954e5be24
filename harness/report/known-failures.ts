/** Known failures of the field beside what was seen: which are reproduced, and where they are gone. Pure. */
import type { FieldCase } from '../matrix/cell.ts';
import { plainLine } from '../outcome/plain-text.ts';
import type { Result } from '../store/result.ts';
import { type Group, groupBy } from './group-by.ts';

/** How a case ended. */
export type CaseEnd =
  | 'reproduced'
  | 'reproduced by stand-in'
  | 'not reproduced'
  /** Its guests gave no verdict, or there can be none here. */
  | 'cannot be reproduced here'
  /** None of its cells was run. */
  | 'not run';

/** A cell of a case in which it is said to be gone. */
export type GoneCell = Readonly<{
  id: string;
  /** Settings that differ from the case's first failing cell: `node=24.21.0`. */
  where: string;
  /** Null: it gave no verdict. */
  gone: boolean | null;
}>;

export type KnownFailure = Readonly<{
  id: string;
  title: string | null;
  link: string | null;
  end: CaseEnd;
  /** Each a sentence without a full stop. */
  because: readonly string[];
  gone: readonly GoneCell[];
  standIn: string | null;
  contradicts: string | null;
}>;

/** Pieces of one id that another does not have. */
function differenceOf(id: string, from: string): string {
  const known = new Set(from.split(','));
  const own = id.split(',').filter((piece) => !known.has(piece));
  const names = new Set(id.split(',').map((piece) => piece.split('=')[0]));
  const lost = from.split(',').filter((piece) => !names.has(piece.split('=')[0]));
  return [...own, ...lost.map((piece) => `no ${piece}`)].join(', ');
}

/** With repetitions all must agree to count. */
const verdictOf = (results: Group<Result>): 'expected' | 'unexpected' | null => {
  if (results.some(({ verdict }) => verdict === 'unexpected')) return 'unexpected';
  return results.every(({ verdict }) => verdict === 'expected') ? 'expected' : null;
};

/** Every case of a run, in the order of the matrix. */
export function listKnownFailures(
  cases: readonly FieldCase[],
  results: readonly Result[],
): readonly KnownFailure[] {
  const byId = groupBy(results, ({ id }) => id);
  return cases.map((one) => {
    const { id, title, link, standIn, contradicts } = one;
    const failing = one.cells.filter(({ role }) => role === 'fails');
    const first = failing[0]?.id ?? '';
    const gone = one.cells.flatMap((cell): GoneCell[] => {
      const found = byId.get(cell.id);
      if (cell.role !== 'gone' || found === undefined) return [];
      const verdict = verdictOf(found);
      const where = differenceOf(cell.id, first);
      return [{ id: cell.id, where, gone: verdict === null ? null : verdict === 'expected' }];
    });
    return { id, title, link, gone, standIn, contradicts, ...endOf(one, failing, byId) };
  });
}

function endOf(
  { cannot, standIn }: FieldCase,
  failing: FieldCase['cells'],
  byId: ReadonlyMap<string, Group<Result>>,
): Pick<KnownFailure, 'end' | 'because'> {
  if (cannot !== null) return { end: 'cannot be reproduced here', because: [cannot] };
  const ran = failing.flatMap(({ id }) => {
    const results = byId.get(id);
    return results === undefined ? [] : [{ id, results, verdict: verdictOf(results) }];
  });
  if (ran.length === 0) return { end: 'not run', because: [] };
  const format = ({ results }: (typeof ran)[number]): string => {
    const said = results.find(({ verdict }) => verdict !== 'expected') ?? results[0];
    return plainLine(`${said.tier ?? said.outcome}: ${said.reason}`, 300);
  };
  const wrong = ran.filter(({ verdict }) => verdict === 'unexpected');
  if (wrong.length > 0)
    return { end: 'not reproduced', because: wrong.map((each) => `${each.id}: ${format(each)}`) };
  const silent = ran.filter(({ verdict }) => verdict === null);
  if (silent.length > 0)
    return { end: 'cannot be reproduced here', because: silent.map((each) => `${each.id}: ${format(each)}`) };
  const replaced =
    standIn !== null ||
    ran.some(({ results }) =>
      results.some(({ readBack }) => readBack.some((setting) => setting.standIn === true)),
    );
  return {
    end: replaced ? 'reproduced by stand-in' : 'reproduced',
    because: [...new Set(ran.map(format))],
  };
}

/** `24 of 39 reproduced, 9 of them by stand-in`, and so on: one sentence without a full stop. */
export function formatKnownFailures(known: readonly KnownFailure[]): string {
  const count = (end: CaseEnd): number => known.filter((one) => one.end === end).length;
  const standIns = count('reproduced by stand-in');
  const parts = [
    `${count('reproduced') + standIns} of ${known.length} reproduced`,
    ...(standIns > 0 ? [`${standIns} of them by stand-in`] : []),
    ...(['not reproduced', 'cannot be reproduced here', 'not run'] as const).flatMap((end) =>
      count(end) > 0 ? [`${count(end)} ${end}`] : [],
    ),
  ];
  return parts.join(', ');
}

/** `gone with node=24.21.0`; where that is not so any more, that it is there again. */
export function formatGone({ where, gone }: GoneCell): string {
  if (gone === null) return `no verdict with ${where}`;
  return gone ? `gone with ${where}` : `not gone with ${where}`;
}
