/**
 * TAP 14: one test point a cell, written when the cell has ended. `ok` only for what did as expected; a cell
 * without a verdict is `not ok` with its outcome in front, because TAP has no third state and green would be a
 * lie. A flaky or undecided cell is `not ok # TODO`, TAP's own word for a point that
 * is not ok and no failure.
 */
import { stringify } from 'yaml';
import { plainLine, plainLines } from '../outcome/plain-text.ts';
import { findCompleteness } from '../store/completeness.ts';
import type { Result } from '../store/result.ts';
import type { RunRecord } from '../store/run-record.ts';
import { buildDistributions } from '../outcome/repetitions.ts';
import { describeMissing, describePart, listMissing } from './completeness-words.ts';
import type { FormatStream } from './format-reporter.ts';
import { type GradedCell, gradeCell, tellCell } from './grade-cell.ts';
import { summarize, tellCounts } from './summarize.ts';

export function renderTap(run: RunRecord, results: readonly Result[]): string {
  const stream = streamTap(run);
  return [
    stream.head,
    ...buildDistributions(results).map((cell) => stream.renderCell(cell.results)),
    stream.renderTail(run, results, false),
  ].join('');
}

/** The plan stands at the end: text that was cut off has none, and no parser takes it for a whole run. */
export function streamTap(run: RunRecord): FormatStream {
  let count = 0;
  return {
    head: `TAP version 14\n# poolproof run ${run.id}: ${escapeTap(plainLine(run.matrix.title, 200))}\n`,
    renderCell: (results) =>
      buildDistributions(results)
        .map((cell) => {
          count += 1;
          return `${renderPoint(gradeCell(cell, run), count)}\n`;
        })
        .join(''),
    renderTail: (record, results, interrupted) => {
      const completeness = findCompleteness(record, results);
      const missing = describeMissing(completeness);
      if (missing !== null) count += 1;
      const point = missing === null ? '' : `${renderMissing(missing, listMissing(completeness), count)}\n`;
      const part = describePart(completeness);
      const told = part === null ? '' : `# ${escapeTap(part)}\n`;
      if (interrupted) return `${point}${told}Bail out! interrupted\n`;
      return `${point}1..${count}${count === 0 ? ' # SKIP no cells' : ''}\n${told}# ${tellCounts(summarize(results))}\n`;
    },
  };
}

/** What no cell can say: cells that are not there. */
function renderMissing(missing: string, cells: readonly string[], number: number): string {
  const line = `not ok ${number} - ${escapeTap(missing)}`;
  if (cells.length === 0) return line;
  return `${line}\n${indent(['---', renderYaml({ missing: cells }), '...'].join('\n'))}`;
}

function renderPoint(graded: GradedCell, number: number): string {
  const { cell, grade, reason } = graded;
  const text = escapeTap(plainLine(`${cell.id}: ${tellCell(graded)}`, 400));
  if (grade === 'skipped') return `ok ${number} - ${text} # SKIP ${escapeTap(plainLine(reason))}`;
  const line = `${grade === 'passed' ? 'ok' : 'not ok'} ${number} - ${text}`;
  const directive = grade === 'flaky' || grade === 'undecided' ? ` # TODO ${grade}` : '';
  const diagnostics = buildDiagnostics(graded);
  const whole = `${line}${directive}`;
  return diagnostics === null ? whole : `${whole}\n${indent(['---', diagnostics, '...'].join('\n'))}`;
}

/** A backslash first, then `#`, which would begin a directive. */
function escapeTap(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('#', '\\#');
}

/** What did as expected at once needs no explanation. */
function buildDiagnostics({ cell, grade, deciding, reason }: GradedCell): string | null {
  const plain = cell.results.every(({ tiers, finding }) => tiers.every(({ ok }) => ok) && finding === null);
  if (grade === 'passed' && plain && cell.results.length === 1) return null;
  const { outcome, tier, expected, finding, evidence } = deciding;
  const fields = {
    outcome,
    tier,
    verdict: cell.verdict,
    expected: expected?.text ?? null,
    reason,
    finding,
    evidence,
  };
  const clean: Record<string, unknown> = Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [key, value === null ? null : plainLines(value, 4000)]),
  );
  if (cell.results.length > 1) {
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
