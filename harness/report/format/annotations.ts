/** Annotations of GitHub Actions: workflow commands, which a step prints to standard output. */
import { tellUndecided } from '../../outcome/judge-overhead.ts';
import { plainLine } from '../../outcome/plain-text.ts';
import { observedOf } from '../../outcome/repetitions.ts';
import type { Result } from '../../store/result.ts';
import { formatSurprise, isTroubled } from '../cell-view.ts';
import type { Format } from '../format.ts';
import { formatDistribution } from '../format-distribution.ts';
import type { RunView } from '../run-view.ts';

/** GitHub shows this many of a kind per step and drops the rest. */
const shownOfKind = 10;

type Kind = 'error' | 'warning' | 'notice';

/**
 * `unexpected` is an error, `undecided` and no verdict (broken, invalid) a warning, a finding of the model a notice.
 */
function render({ record, results: all, flaky, state }: RunView): string {
  const { file } = record.matrix;
  // A flaky cell is one annotation, its repetitions are none.
  const flakyIds = new Set(flaky.map(({ id }) => id));
  const results = all.filter(({ id }) => !flakyIds.has(id));
  const flakyKind = record.options['failOnFlaky'] === true ? 'error' : 'warning';
  const flakes = flaky
    .slice(0, shownOfKind)
    .map((cell) => formatCommand(flakyKind, file, 'flaky', `${cell.id}: ${formatDistribution(cell)}`));
  const byKind: Readonly<Record<Kind, readonly Result[]>> = {
    error: results.filter(({ verdict }) => verdict === 'unexpected'),
    warning: results.filter((result) => isTroubled(result) && result.verdict !== 'unexpected'),
    notice: results.filter(({ verdict, finding }) => verdict === 'expected' && finding !== null),
  };
  const others = (['error', 'warning', 'notice'] as const).flatMap((kind) =>
    annotate(kind, byKind[kind], file),
  );
  const { missingSentence: missing, missingNames } = state;
  // First: what GitHub drops beyond its limit is never this.
  const first =
    missing === null ? [] : [formatCommand('warning', file, missing, missingNames.join(', ') || missing)];
  return [...first, ...others, ...flakes].map((line) => `${line}\n`).join('');
}

function annotate(kind: Kind, results: readonly Result[], file: string): readonly string[] {
  const all = results.length <= shownOfKind;
  const shown = all ? results : results.slice(0, shownOfKind - 1);
  const lines = shown.map((result) =>
    formatCommand(kind, file, formatTitle(result), `${result.id}: ${formatMessage(result)}`),
  );
  const more = results.length - shown.length;
  return all ? lines : [...lines, formatCommand(kind, file, `${more} more cells`, 'see the job summary')];
}

const formatTitle = (result: Result): string =>
  result.verdict === 'unexpected' ? formatSurprise(result) : observedOf(result);

function formatMessage(result: Result): string {
  const { reason, finding, verdict } = result;
  if (verdict === 'undecided') return `undecided: ${tellUndecided(result)}`;
  return verdict === 'expected' && finding !== null ? finding : reason;
}

function formatCommand(kind: Kind, file: string, title: string, message: string): string {
  const property = (value: string) => escapeData(value).replaceAll(':', '%3A').replaceAll(',', '%2C');
  return `::${kind} file=${property(file)},title=${property(title)}::${escapeData(message)}`;
}

/** One line, so that no text of a guest can begin a command of its own. */
function escapeData(value: string): string {
  return plainLine(value, 1000).replaceAll('%', '%25');
}

export const annotations = {
  file: 'annotations.txt',
  description: 'annotations of GitHub Actions: workflow commands, for standard output',
  render,
} satisfies Format;
