/** The job summary of GitHub Actions, as Markdown: append it to the file `$GITHUB_STEP_SUMMARY` names. */
import { isTroubled } from '../cell-view.ts';
import type { Format } from '../format.ts';
import { formatCounts } from '../format-run.ts';
import { escapeMarkdown } from '../markdown.ts';
import type { RunView } from '../run-view.ts';
import { md } from './md.ts';

/** GitHub refuses a step's summary above 1 MiB; bytes. */
const summaryLimit = 1_000_000;

const headings = { 0: '✅ as expected', 1: '❌ not as expected', 2: '⚠️ no verdict', 130: '⚠️ interrupted' };

/**
 * The verdict first, then the report as in a repository; of a report too large, what differs from what was expected.
 */
function render(view: RunView): string {
  const { exitCode, counts } = view;
  const missing = view.state.missingSentence;
  const { undecided } = counts.byVerdict;
  const word = exitCode === 2 && missing !== null ? `⚠️ ${missing}` : headings[exitCode];
  const also = exitCode === 1 && missing !== null ? `, ⚠️ ${missing}` : '';
  const title = `${word}${also}${undecided === 0 ? '' : `, ⚠️ ${undecided} undecided`}`;
  const whole = `> **${title}**\n\n${md.render(view)}`;
  return Buffer.byteLength(whole) <= summaryLimit ? whole : renderShort(view, title);
}

function renderShort(view: RunView, heading: string): string {
  const { record, reasons, results, state } = view;
  const lines = [
    ...reasons.map(
      ({ where, reason, cells }) => `- **${escapeMarkdown(where)}**: ${escapeMarkdown(reason)} (${cells})`,
    ),
    ...results
      .filter(isTroubled)
      .map(({ id, reason }) => `- ${escapeMarkdown(id)}: ${escapeMarkdown(reason)}`),
  ];
  const start = [
    `> **${heading}**`,
    `# ${escapeMarkdown(record.matrix.title)}`,
    `Run ${escapeMarkdown(record.id)}. ${escapeMarkdown(formatCounts(view))}.`,
    ...state.sentences.map(escapeMarkdown),
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

export const github = {
  file: 'job-summary.md',
  description: 'job summary of GitHub Actions',
  render,
} satisfies Format;
