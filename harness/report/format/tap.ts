/**
 * TAP 14: one test point per cell, written when the cell has ended. `ok` only for what did as expected; a cell
 * without a verdict is `not ok` with its outcome in front, because TAP has no third state and green would be a
 * lie. A flaky or undecided cell is `not ok # TODO`, TAP's own word for a point that
 * is not ok and no failure.
 */
import { stringify } from 'yaml';
import { plainLine, plainLines } from '../../outcome/plain-text.ts';
import type { RunRecord } from '../../store/run-record.ts';
import { type CellView, formatObserved } from '../cell-view.ts';
import type { Format, FormatStream } from '../format.ts';
import { formatCounts } from '../format-run.ts';
import type { RunView } from '../run-view.ts';

function render(view: RunView): string {
  const { head, renderCell, renderTail } = stream(view.record);
  return [head, ...view.cells.map(renderCell), renderTail(view)].join('');
}

/** The plan stands at the end: text that was cut off has none, and no parser takes it for a whole run. */
function stream({ id, matrix }: RunRecord): FormatStream {
  let count = 0;
  return {
    head: `TAP version 14\n# poolproof run ${id}: ${escapeTap(plainLine(matrix.title, 200))}\n`,
    renderCell: (cell) => {
      count += 1;
      return `${renderPoint(cell, count)}\n`;
    },
    renderTail: (view) => {
      const { missingSentence: missing, missingNames, partSentence } = view.state;
      if (missing !== null) count += 1;
      const point = missing === null ? '' : `${renderMissing(missing, missingNames, count)}\n`;
      const part = partSentence === null ? '' : `# ${escapeTap(partSentence)}\n`;
      if (view.interrupted) return `${point}${part}Bail out! interrupted\n`;
      return `${point}1..${count}${count === 0 ? ' # SKIP no cells' : ''}\n${part}# ${formatCounts(view)}\n`;
    },
  };
}

/** A point for the cells that are not there. */
function renderMissing(missing: string, cells: readonly string[], number: number): string {
  const line = `not ok ${number} - ${escapeTap(missing)}`;
  if (cells.length === 0) return line;
  return `${line}\n${indent(['---', renderYaml({ missing: cells }), '...'].join('\n'))}`;
}

function renderPoint(cell: CellView, number: number): string {
  const { id, status, reason } = cell;
  const text = escapeTap(plainLine(`${id}: ${formatObserved(cell)}`, 400));
  if (status === 'skipped') return `ok ${number} - ${text} # SKIP ${escapeTap(plainLine(reason))}`;
  const directive = status === 'flaky' || status === 'undecided' ? ` # TODO ${status}` : '';
  const line = `${status === 'passed' ? 'ok' : 'not ok'} ${number} - ${text}${directive}`;
  const diagnostics = buildDiagnostics(cell);
  return diagnostics === null ? line : `${line}\n${indent(['---', diagnostics, '...'].join('\n'))}`;
}

/** A backslash first, then `#`, which would begin a directive. */
function escapeTap(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('#', '\\#');
}

/** Null for a cell that did as expected at once: it needs no explanation. */
function buildDiagnostics(cell: CellView): string | null {
  const { results, status, verdict, deciding, reason } = cell;
  const plain = results.every(({ tiers, finding }) => tiers.every(({ ok }) => ok) && finding === null);
  if (status === 'passed' && plain && results.length === 1) return null;
  const { outcome, tier, expected, finding, evidence } = deciding;
  const fields = { outcome, tier, verdict, expected: expected?.text ?? null, reason, finding, evidence };
  const clean: Record<string, unknown> = Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [key, value === null ? null : plainLines(value, 4000)]),
  );
  if (results.length > 1) {
    // A list and not a map keyed by words: a parser in any language reads it alike.
    clean['distribution'] = cell.shares.map(({ observed, count, interval }) => ({
      observed,
      count,
      of: cell.judged,
      low: round(interval.low),
      high: round(interval.high),
    }));
    clean['notJudged'] = cell.silent;
  }
  return renderYaml(clean);
}

const renderYaml = (fields: Readonly<Record<string, unknown>>): string =>
  stringify(fields, { lineWidth: 0, defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'PLAIN' }).trimEnd();

const round = (share: number): number => Math.round(share * 10_000) / 10_000;

function indent(text: string): string {
  return text
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n');
}

export const tap = {
  file: 'report.tap',
  description: 'TAP 14 with YAML diagnostics, written while cells end',
  render,
  stream,
} satisfies Format;
