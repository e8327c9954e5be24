/**
 * GitHub Actions: Markdown for the job summary (append it to the file `$GITHUB_STEP_SUMMARY` names), and
 * annotations (workflow commands, print them to standard output).
 */
import { tellUndecided } from '../outcome/judge-overhead.ts';
import { plainLine } from '../outcome/plain-text.ts';
import { findCompleteness } from '../store/completeness.ts';
import type { Result } from '../store/result.ts';
import type { RunRecord } from '../store/run-record.ts';
import { describeMissing, describeRunState, listMissing } from './completeness-words.ts';
import { escapeMarkdown, renderMarkdown } from './format-markdown.ts';
import { exitCodeOfRun } from './exit-code.ts';
import { buildDistributions, observedOf } from '../outcome/repetitions.ts';
import { tellDistribution } from './distribution-words.ts';
import { summarizeRun, tellCounts } from './summarize.ts';

/** GitHub refuses a step's summary above 1 MiB; bytes. */
const summaryLimit = 1_000_000;

/** The verdict first, then the report as in a repository; of a report too large, what differs from what was expected. */
export function renderGithub(run: RunRecord, results: readonly Result[]): string {
  const exitCode = exitCodeOfRun(run, results);
  const missing = describeMissing(findCompleteness(run, results));
  const heading = { 0: '✅ as expected', 1: '❌ not as expected', 2: '⚠️ no verdict', 130: '⚠️ interrupted' };
  const undecided = results.filter(({ verdict }) => verdict === 'undecided').length;
  const word = exitCode === 2 && missing !== null ? `⚠️ ${missing}` : heading[exitCode];
  const also = exitCode === 1 && missing !== null ? `, ⚠️ ${missing}` : '';
  const title = `${word}${also}${undecided === 0 ? '' : `, ⚠️ ${undecided} undecided`}`;
  const whole = `> **${title}**\n\n${renderMarkdown(run, results)}`;
  return Buffer.byteLength(whole) <= summaryLimit ? whole : renderShort(run, results, title);
}

function renderShort(run: RunRecord, results: readonly Result[], heading: string): string {
  const summary = summarizeRun(run, results);
  const lines = [
    ...summary.reasons.map(
      ({ where, reason, cells }) => `- **${escapeMarkdown(where)}**: ${escapeMarkdown(reason)} (${cells})`,
    ),
    ...results
      .filter(isTroubled)
      .map(({ id, reason }) => `- ${escapeMarkdown(id)}: ${escapeMarkdown(reason)}`),
  ];
  const start = [
    `> **${heading}**`,
    `# ${escapeMarkdown(run.matrix.title)}`,
    `Run ${escapeMarkdown(run.id)}. ${escapeMarkdown(tellCounts(summary))}.`,
    ...(summary.completeness === null ? [] : describeRunState(summary.completeness).map(escapeMarkdown)),
    'Too large for a job summary: reasons and the cells to look at, as far as they fit.',
    '',
  ].join('\n\n');
  let text = start;
  let bytes = Buffer.byteLength(start);
  for (const line of lines) {
    bytes += Buffer.byteLength(line) + 1;
    if (bytes > summaryLimit) break;
    text += `${line}\n`;
  }
  return text;
}

function isTroubled({ verdict, outcome }: Result): boolean {
  return verdict !== 'expected' && outcome !== 'skipped';
}

/** GitHub shows this many of a kind a step and drops the rest. */
const shownOfKind = 10;

type Kind = 'error' | 'warning' | 'notice';

/** `unexpected` is an error, `undecided` and no verdict (broken, invalid) a warning, a finding of the model a notice. */
export function renderAnnotations(run: RunRecord, all: readonly Result[]): string {
  const flaky = new Map(
    buildDistributions(all)
      .filter(({ verdict }) => verdict === 'flaky')
      .map((cell) => [cell.id, cell]),
  );
  // A flaky cell is one annotation, its repetitions are none.
  const results = all.filter(({ id }) => !flaky.has(id));
  const failOnFlaky = run.options['failOnFlaky'] === true;
  const flakes = [...flaky.values()].map((cell) =>
    tellCommand(
      failOnFlaky ? 'error' : 'warning',
      run.matrix.file,
      'flaky',
      `${cell.id}: ${tellDistribution(cell)}`,
    ),
  );
  const byKind: Readonly<Record<Kind, readonly Result[]>> = {
    error: results.filter(({ verdict }) => verdict === 'unexpected'),
    warning: results.filter((result) => isTroubled(result) && result.verdict !== 'unexpected'),
    notice: results.filter(({ verdict, finding }) => verdict === 'expected' && finding !== null),
  };
  const others = (['error', 'warning', 'notice'] as const).flatMap((kind) =>
    annotate(kind, byKind[kind], run.matrix.file),
  );
  const completeness = findCompleteness(run, all);
  const missing = describeMissing(completeness);
  const names = listMissing(completeness).join(', ');
  // First: what GitHub drops beyond its limit is never this.
  const first =
    missing === null
      ? []
      : [tellCommand('warning', run.matrix.file, missing, names === '' ? missing : names)];
  return [...first, ...others, ...flakes.slice(0, shownOfKind)].map((line) => `${line}\n`).join('');
}

function annotate(kind: Kind, results: readonly Result[], file: string): readonly string[] {
  const all = results.length <= shownOfKind;
  const told = all ? results : results.slice(0, shownOfKind - 1);
  const lines = told.map((result) =>
    tellCommand(kind, file, titleOf(result), `${result.id}: ${tellResult(result)}`),
  );
  const more = results.length - told.length;
  return all ? lines : [...lines, tellCommand(kind, file, `${more} more cells`, 'see the job summary')];
}

function titleOf(result: Result): string {
  return result.verdict === 'unexpected'
    ? `expected ${result.expected?.text ?? 'something else'}, got ${observedOf(result)}`
    : observedOf(result);
}

function tellResult(result: Result): string {
  const { reason, finding, verdict } = result;
  if (verdict === 'undecided') return `undecided: ${tellUndecided(result)}`;
  return verdict === 'expected' && finding !== null ? finding : reason;
}

function tellCommand(kind: Kind, file: string, title: string, message: string): string {
  const property = (value: string) => escapeData(value).replaceAll(':', '%3A').replaceAll(',', '%2C');
  return `::${kind} file=${property(file)},title=${property(title)}::${escapeData(message)}`;
}

/** One line, so that no text of a guest can begin a command of its own. */
function escapeData(value: string): string {
  return plainLine(value, 1000).replaceAll('%', '%25');
}
