/**
 * Why, as cards: cells in which the same happened for the same limits. What was observed and what the model says are
 * two sentences; neither has a word of what a program printed before it died, which is evidence.
 */
import { describeShortfall } from '../../images/allocator/explain.ts';
import { formatBytes } from '../../images/allocator/sizes.ts';
import type { Tier } from '../../images/allocator/tier.ts';
import { hostSubject } from '../axes/host.ts';
import { plainLine } from '../outcome/plain-text.ts';
import { observedOf } from '../outcome/repetitions.ts';
import type { Result } from '../store/result.ts';
import { titleAxis } from './axis-effects.ts';
import type { Usual, VariedAxis } from './axis-labels.ts';
import { type CellView, type CellWord, formatSurprise } from './cell-view.ts';
import { prepareNames } from './describe-unusual.ts';
import { type Cure, prepareCures } from './find-cures.ts';
import { formatCount } from './format-run.ts';
import { groupBy } from './group-by.ts';
import { fillRanges, needsReason, splitNumbers } from './group-reasons.ts';
import { describeStart } from './host-table.ts';
import { type Stop, listStops, tellShortfall } from './list-stops.ts';
import { tellEnd } from './tell-end.ts';

/** A stop with the cell that has it. */
type CellStop = Stop & Readonly<{ cell: CellView }>;

/** A limit of the model over the cells of a card. */
export type Cause = Readonly<{
  /** The tier that it stops; null for the process itself. */
  tier: Tier | null;
  /** `table pool needs 1531 MiB, CommitLimit leaves 158–866 MiB` */
  text: string;
  /** Available divided by needed, 0–1: the smallest and the largest of the cells; null where nothing is counted. */
  share: Readonly<{ least: number; most: number }> | null;
}>;

export type ReasonCard<Cell extends CellView = CellView> = Readonly<{
  word: CellWord;
  /** `512M–2G overcommit 2` */
  where: string;
  /** Observed: `The kernel refused the table pool of 1531 MiB.` */
  seen: string;
  /** Predicted, where the model says what was observed; empty where it says something else, or nothing. */
  causes: readonly Cause[];
  cells: readonly Cell[];
  cure: Cure | null;
}>;

/**
 * The cells that reached their best tier as expected need no card. Most cells first.
 *
 * @param usual what stands beside the cards as usual, and what they need not name
 */
export function buildReasonCards<Cell extends CellView>(
  cells: readonly Cell[],
  axes: readonly VariedAxis[],
  usual: Usual = new Map(),
  scope?: (cell: Cell) => string,
): readonly ReasonCard<Cell>[] {
  const troubled = cells
    .filter(({ results }) => results.some(needsReason))
    .map((cell) => ({ cell, stops: listStops(cell.deciding), seen: describeSeen(cell.deciding) }));
  const keyOf = ({ cell: { word, verdict }, stops, seen }: (typeof troubled)[number]): string => {
    const limits = stops.map(({ tier, shortfall: { pool, limit, unit } }) =>
      [tier, pool, limit, unit].join(),
    );
    return [word, verdict, ...limits, ...(stops.length === 0 ? [splitNumbers(seen).shape] : [])].join('\n');
  };
  const describe = prepareNames(cells, axes, usual);
  const findCure = prepareCures(cells, axes, scope);
  return [...groupBy(troubled, keyOf).values()]
    .map((members) => {
      const [first] = members;
      const part = members.map(({ cell }) => cell);
      return {
        word: first.cell.word,
        where: describe(part),
        seen: joinTexts(members.map(({ seen }) => seen)),
        causes: first.stops.map(({ tier }, index) =>
          joinStops(
            tier,
            members.flatMap(({ cell, stops }) =>
              stops.slice(index, index + 1).map((stop) => ({ ...stop, cell })),
            ),
          ),
        ),
        cells: part,
        cure: findCure(part),
      };
    })
    .sort((a, b) => b.cells.length - a.cells.length);
}

function joinStops(tier: Tier | null, stops: readonly CellStop[]): Cause {
  const counted = stops.flatMap(({ shortfall: { limit, needed, available } }) =>
    limit === 'feature' || limit === 'write-execute' || needed <= 0 ? [] : [Math.min(1, available / needed)],
  );
  return {
    tier,
    text: joinTexts(describeStops(stops)),
    share: counted.length === 0 ? null : { least: Math.min(...counted), most: Math.max(...counted) },
  };
}

/** In the order of the cells, with the numbers of the table. A process that does not start is known by its name. */
function describeStops(stops: readonly CellStop[]): readonly string[] {
  const isOurs = stops.every(({ cell: { settings } }) => settings.subject === hostSubject);
  const nodes = [...new Set(stops.map(({ cell: { settings } }) => settings.node))].sort().join(', ');
  return stops.map(({ shortfall, cell }) => {
    const text = tellShortfall(shortfall, cell.deciding.reason) ?? describeShortfall(shortfall);
    return isOurs
      ? text.replace(/^the process itself needs (.+?), /, `Node ${nodes} needs $1 before its first line, `)
      : text;
  });
}

/** Kinds of texts that a card names. */
const shownKinds = 3;

/** Texts of one kind are one, with the ranges of their numbers. */
function joinTexts(texts: readonly string[]): string {
  const kinds = [...groupBy(texts.map(splitNumbers), ({ shape }) => shape)].map(([shape, members]) =>
    fillRanges(
      shape,
      members.map(({ numbers }) => numbers),
    ),
  );
  const more = kinds.length - shownKinds;
  return [...kinds.slice(0, shownKinds), ...(more > 0 ? [formatCount(more, 'other end')] : [])].join('; or ');
}

/** Of one attempt, and of all that a cell did. */
const attemptLength = 120;
const seenLength = 400;

function describeSeen(result: Result): string {
  const { verdict } = result;
  const surprise = verdict === 'unexpected' ? `${formatSurprise(result)}: ` : '';
  return plainLine(`${surprise}${describeHappened(result)}`, seenLength);
}

function describeHappened(result: Result): string {
  const { outcome, tiers, subject } = result;
  if (subject !== undefined && outcome !== 'reached' && listStops(result).length === 0)
    return tellEnd(result);
  const refused = tiers.flatMap((attempt) => (attempt.ok ? [] : [describeAttempt(attempt)]));
  const tried = outcome === 'reached' || outcome === 'exhausted';
  return tried && refused.length > 0 ? refused.join('; ') : withoutModel(result);
}

/** `standard: 1531 MiB for the table pool refused` */
function describeAttempt({ tier, pool, bytes, class: kind, message }: Result['tiers'][number]): string {
  if (pool !== null)
    return `${tier}: ${bytes === null ? '' : `${formatBytes(bytes)} for `}the ${pool} pool refused`;
  if (bytes !== null) return `${tier}: ${formatBytes(bytes)} refused`;
  const said = withoutOutput(message ?? kind ?? 'failed');
  return plainLine(
    `${tier}: ${said.startsWith(`${tier}: `) ? said.slice(tier.length + 2) : said}`,
    attemptLength,
  );
}

/** The stored reason has the model's sentence before or behind what was observed. */
function withoutModel({ reason, predicted }: Result): string {
  const shortfalls = [
    predicted?.startup ?? [],
    ...(predicted?.tiers ?? []).map((one) => (one.fits ? [] : one.shortfall)),
  ].flat();
  const rest = shortfalls.reduce((text, shortfall) => {
    const sentence = describeShortfall(shortfall);
    return text.replace(`${sentence}; `, '').replace(`; ${sentence}`, '');
  }, reason);
  return withoutOutput(rest);
}

/** Several lines of a program, or addresses, are evidence: the sentence before them says what happened. */
function withoutOutput(text: string): string {
  const isLong = / \| |…/.test(text);
  if (!isLong && !/\b0x[\da-f]{5,}/i.test(text)) return text;
  const first = text.replace(/:\s.*$/s, '');
  // One word, as the name of a pattern, says nothing alone.
  return isLong || first.includes(' ') ? first : text.replace(/\b0x[\da-f]{5,}\b/gi, '0x…');
}

/**
 * `With vm.overcommit_memory 0 or 1, and nothing else changed, all 12 cells reached standard.` Of cells that were not
 * run with the cure nothing is said but that.
 */
export function describeCure({ cure, cells }: Pick<ReasonCard, 'cure' | 'cells'>): string | null {
  if (cure === null) return null;
  const { axis, values, reached } = cure;
  const few = values.length > 4 ? [...values.slice(0, 3), `${values.length - 3} other values`] : values;
  const setting = `With ${titleAxis(axis)} ${alternatives.format(few)}, and nothing else changed,`;
  const to = `reached ${alternatives.format(reached)}`;
  const untried = cells.length - cure.cells;
  if (untried > 0)
    return `${setting} ${cure.cells} of these ${cells.length} cells ${to}; the other ${untried === 1 ? 'one was' : `${untried} were`} not tried with it.`;
  const all = cells.length === 1 ? 'it' : cells.length === 2 ? 'both cells' : `all ${cells.length} cells`;
  return `${setting} ${all} ${to}.`;
}

/** `0, 1 or 2` */
const alternatives = new Intl.ListFormat('en-GB', { type: 'disjunction' });

/** `does not start (crashed)`: the words of the table of hosts, and the tier or the outcome that the cells share. */
export const titleCard = ({ word, cells }: ReasonCard): string => {
  const tiers = new Set(cells.flatMap(({ results }) => results.map(observedOf)));
  if (word === 'flaky') return `flaky: ${[...tiers].join(', ')}`;
  return `${[...new Set(cells.map(describeStart))].join(' or ')} (${word})`;
};
