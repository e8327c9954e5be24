/**
 * Reads id, tier and verdict from the start of a stored line without parsing the rest: a year of nights is 700 MB, and
 * parsing all of it takes five times as long as reading it. Lines in any other form than the store's own are left to
 * `parseResult`.
 */
import { type Tier, tiers } from '../../images/allocator/tier.ts';
import { renewCellId } from '../matrix/cell-id.ts';
import { type Outcome, type Verdict, outcomes, verdicts } from '../outcome/outcome.ts';
import { resultSchema } from './result.ts';

export type LineFront = Readonly<{
  id: string;
  repetition: number;
  outcome: Outcome;
  tier: Tier | null;
  checks: string | null;
  verdict: Verdict;
}>;

const plain = '[^"\\\\\\u0000-\\u001f\\u0080-\\uffff]';
/** A text with escapes in it is skipped over, never read. */
const anyText = `"(?:[^"\\\\]|\\\\.)*"`;
const words = (list: readonly string[]): string => list.join('|');

/** From the brace to the end of `form`: the order in which a result is written. */
const front = new RegExp(
  [
    `^\\{"schema":${resultSchema},"id":"(${plain}+)","repetition":([1-9]\\d{0,8}),`,
    `"settings":\\{[^{}]*"env":\\{(?:${anyText}:${anyText},?)*\\}\\},`,
    `"outcome":"(${words(outcomes)})","reason":${anyText},`,
    `"tier":(?:null|"(${words(tiers)})"),`,
    `"form":(?:null|\\{"checks":"(elided|explicit)",[^{}"]*"[^{}]*\\}),"predicted":`,
  ].join(''),
);

/**
 * In JSON a quotation mark inside a text has a backslash before it, so these characters are a key wherever they
 * stand; nothing before the line's own verdict has a key of that name.
 */
const verdictKey = ',"verdict":';
const verdictWords = new RegExp(`^(?:null|"(${words(verdicts)})"),"`);

/** @param line without its line break; null when it has to be parsed */
export function scanLine(line: string): LineFront | null {
  if (!line.endsWith('}')) return null;
  const found = front.exec(line);
  if (found === null) return null;
  const at = line.indexOf(verdictKey, found[0].length);
  if (at === -1) return null;
  const start = at + verdictKey.length;
  const verdict = verdictWords.exec(line.slice(start, start + 16));
  const [, id = '', repetition, outcome, tier = null, checks = null] = found;
  // As `parseResult` has it: a tier belongs to `reached` and to no other outcome.
  if (verdict === null || (outcome === 'reached') !== (tier !== null && checks !== null)) return null;
  return {
    id: renewCellId(id),
    repetition: Number(repetition),
    outcome: outcome as Outcome,
    tier: tier as Tier | null,
    checks,
    verdict: (verdict[1] ?? null) as Verdict,
  };
}
