/**
 * TAP 14: one test point a cell. `ok` only for what did as expected; a cell without a verdict is
 * `not ok` with its outcome in front, because TAP has no third state and green would be a lie. An undecided one
 * is a TODO: not ok, and no failure.
 */
import { stringify } from 'yaml';
import { tellUndecided } from '../outcome/judge-overhead.ts';
import { plainLine, plainLines } from '../outcome/plain-text.ts';
import type { Result } from '../store/result.ts';
import type { RunRecord } from '../store/run-record.ts';
import { wordOf } from './grid.ts';
import { summarize, tellCounts } from './summarize.ts';

export function renderTap(run: RunRecord, results: readonly Result[]): string {
  return [
    'TAP version 14',
    `# poolproof run ${run.id}: ${plainLine(run.matrix.title, 200)}`,
    `1..${results.length}${results.length === 0 ? ' # SKIP no cells' : ''}`,
    ...results.map((result, index) => renderPoint(result, index + 1)),
    `# ${tellCounts(summarize(results))}`,
    '',
  ].join('\n');
}

function renderPoint(result: Result, number: number): string {
  const repetition = result.repetition === 1 ? '' : ` repetition ${result.repetition}`;
  const text = escapeTap(plainLine(`${result.id}${repetition}: ${wordOf(result)}`, 400));
  if (result.outcome === 'skipped')
    return `ok ${number} - ${text} # SKIP ${escapeTap(plainLine(result.reason))}`;
  // TAP's own word for a point that is not ok and no failure.
  if (result.verdict === 'undecided')
    return withDiagnostics(`not ok ${number} - ${text} # TODO undecided`, result);
  const line = `${result.verdict === 'expected' ? 'ok' : 'not ok'} ${number} - ${text}`;
  return withDiagnostics(line, result);
}

function withDiagnostics(line: string, result: Result): string {
  const diagnostics = buildDiagnostics(result);
  return diagnostics === null ? line : `${line}\n${indent(['---', diagnostics, '...'].join('\n'))}`;
}

/** A backslash first, then `#`, which would begin a directive. */
function escapeTap(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('#', '\\#');
}

/** What did as expected at once needs no explanation. */
function buildDiagnostics(result: Result): string | null {
  const failed = result.tiers.filter(({ ok }) => !ok);
  if (result.verdict === 'expected' && failed.length === 0 && result.finding === null) return null;
  const { outcome, tier, verdict, expected, finding, evidence } = result;
  const reason = result.verdict === 'undecided' ? tellUndecided(result) : result.reason;
  const fields = { outcome, tier, verdict, expected: expected?.text ?? null, reason, finding, evidence };
  const clean = Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [key, value === null ? null : plainLines(value, 4000)]),
  );
  return stringify(clean, {
    lineWidth: 0,
    defaultStringType: 'QUOTE_DOUBLE',
    defaultKeyType: 'PLAIN',
  }).trimEnd();
}

function indent(text: string): string {
  return text
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n');
}
