/** The part of its matrix that a run is, and its missing cells, in words: the same in every format. */
import { plainLine } from '../outcome/plain-text.ts';
import type { Completeness } from '../store/completeness.ts';
import { formatCount } from './format-run.ts';

/** `33 of 36 cells are missing (not finished)`; null for a complete run. One sentence without a full stop. */
export function formatMissing(completeness: Completeness): string | null {
  const { finished, found, missing, repeated } = completeness;
  if (completeness.state === 'unknown') {
    const end = finished ? '' : '; the run is not finished';
    return `only the ${formatCount(found, 'cell')} that did not do as expected ${found === 1 ? 'was' : 'were'} packed; how many are missing is not known${end}`;
  }
  if (completeness.state === 'complete') return null;
  const noun = repeated ? 'repetition' : 'cell';
  if (missing === 0) return `every ${noun} is there, but the run is not finished: overhead may be missing`;
  const verb = missing === 1 ? 'is' : 'are';
  const why = finished ? 'the run has ended without them' : 'not finished';
  return `${missing} of ${completeness.expected} ${noun}s ${verb} missing (${why})`;
}

/** `a part of the matrix: 9 of 36 cells (--only overcommit=2, shard 1/4)`; null for the whole. */
function formatPart({ part, repeated }: Completeness): string | null {
  if (part === null) return null;
  const { only, shard, cells, of } = part;
  const ways = [...only.map((text) => `--only ${text}`), ...(shard === null ? [] : [`shard ${shard}`])];
  const noun = repeated ? 'repetitions' : 'cells';
  const share =
    of === null ? `${cells} ${noun}, the size of the matrix is not recorded` : `${cells} of ${of} ${noun}`;
  return plainLine(`a part of the matrix: ${share}${ways.length === 0 ? '' : ` (${ways.join(', ')})`}`);
}

/** The missing cells by name, one line each, as far as they are known; the last says how many more there are. */
function formatMissingCells({ missing, missingCells }: Completeness): readonly string[] {
  const names = missingCells.map((key) => plainLine(key.replace(/#1$/, ''), 300));
  const more = missing - names.length;
  return names.length === 0 || more <= 0 ? names : [...names, `and ${more} more`];
}

/** How whole a run is, with its sentences. */
export type RunState = Completeness &
  Readonly<{
    partSentence: string | null;
    missingSentence: string | null;
    /** Both, as far as there is something to say. */
    sentences: readonly string[];
    /** The missing cells by name, one line each. */
    missingNames: readonly string[];
  }>;

export function formatCompleteness(completeness: Completeness): RunState {
  const [partSentence, missingSentence] = [formatPart(completeness), formatMissing(completeness)];
  return {
    ...completeness,
    partSentence,
    missingSentence,
    sentences: [partSentence, missingSentence].flatMap((sentence) => sentence ?? []),
    missingNames: formatMissingCells(completeness),
  };
}
