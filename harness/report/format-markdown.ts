/** Markdown for a repository or release notes: what was tested on what, the grid, a line a reason. */
import { plainLine } from '../outcome/plain-text.ts';
import type { Result } from '../store/result.ts';
import type { RunRecord } from '../store/run-record.ts';
import { labelAxis } from './axis-labels.ts';
import { describeMissing, describePart, listMissing } from './completeness-words.ts';
import { tellDistribution } from './distribution-words.ts';
import { type Grid, buildGrid, listLayouts, tellLegend, tellPlace } from './grid.ts';
import { findClocks, listRowWords, type OverheadWord, tellOverheadNotes } from './overhead-words.ts';
import { type KnownFailure, listKnownFailures, tellGone, tellKnownFailures } from './known-failures.ts';
import { type Summary, summarizeRun, tellCounts } from './summarize.ts';

export function renderMarkdown(run: RunRecord, results: readonly Result[]): string {
  const summary = summarizeRun(run, results);
  const grid = buildGrid(results, summary.axes, listLayouts(results, summary.axes)[0] ?? []);
  const legend = tellLegend(grid);
  const troubled = results.filter(({ verdict, outcome }) => verdict !== 'expected' && outcome !== 'skipped');
  return [
    `# ${escapeMarkdown(run.matrix.title)}`,
    tellRun(run),
    `${escapeMarkdown(tellCounts(summary))}.`,
    ...renderRunState(summary),
    renderGrid(grid),
    ...(legend.length === 0 ? [] : [escapeMarkdown(legend.join(', '))]),
    ...tellOverheadNotes(results).map(escapeMarkdown),
    ...section('Reasons', summary.reasons.map(renderReason)),
    ...section(
      'Flaky cells',
      summary.flaky.map((cell) => `- ${escapeMarkdown(cell.id)}: ${escapeMarkdown(tellDistribution(cell))}`),
    ),
    ...renderKnown(listKnownFailures(run.cases ?? [], results)),
    ...section('Cells to look at', troubled.map(renderCell)),
    '',
  ]
    .join('\n\n')
    .trimEnd()
    .concat('\n');
}

/** The part of the matrix, and in bold what is missing, with names. */
export function renderRunState({ completeness }: Pick<Summary, 'completeness'>): readonly string[] {
  if (completeness === null) return [];
  const [part, missing] = [describePart(completeness), describeMissing(completeness)];
  const names = listMissing(completeness).map((cell) => `- ${escapeMarkdown(cell)}`);
  return [
    ...(part === null ? [] : [`This is ${escapeMarkdown(part)}.`]),
    ...(missing === null ? [] : [`**${escapeMarkdown(missing)}**`]),
    ...(names.length === 0 ? [] : [names.join('\n')]),
  ];
}

function tellRun({ id, startedAt, tool, qemu, accelerator, images }: RunRecord): string {
  const components = Object.entries(images.components).map(([name, version]) => `${name} ${version}`);
  const inside = components.length === 0 ? '' : ` In the guests: ${components.join(', ')}.`;
  return escapeMarkdown(
    `Run ${id}, started ${startedAt}, poolproof ${tool.version}, QEMU ${qemu.version} (${accelerator.kind}).${inside}`,
  );
}

function renderGrid(grid: Grid): string {
  const columns = grid.columns.map((labels) =>
    labels.length === 0
      ? 'tier'
      : labels.map((label, index) => labelAxis(grid.columnAxes[index] ?? 'env', label)).join(', '),
  );
  const clocks = findClocks(grid.rows.flatMap(({ results }) => results));
  const heads = clocks.length === 0 ? ['overhead'] : clocks.map((clock) => `overhead (${clock})`);
  const head = [...grid.rowHeads, ...columns, ...heads];
  const rows = grid.rows.map(({ labels, places, results }) => [
    ...labels,
    ...places.map((place) => (place === null ? '·' : tellPlace(place))),
    ...heads.map((_, index) => listRowWords(results, clocks[index] ?? 'instructions')),
  ]);
  const line = (cells: readonly (string | readonly OverheadWord[])[]): string =>
    `| ${cells.map((cell) => (typeof cell === 'string' ? escapeMarkdown(cell) : renderOverhead(cell))).join(' | ')} |`;
  return [line(head), `| ${head.map(() => '---').join(' | ')} |`, ...rows.map(line)].join('\n');
}

const renderOverhead = (words: readonly OverheadWord[]): string =>
  words
    .map(({ text, stable }) => (stable ? escapeMarkdown(text) : `~~${escapeMarkdown(text)}~~ unstable`))
    .join(', ');

function renderReason({ where, reason, cells }: Summary['reasons'][number]): string {
  return `- **${escapeMarkdown(where)}**: ${escapeMarkdown(reason)}${cells > 1 ? ` (${cells} cells)` : ''}`;
}

function renderKnown(known: readonly KnownFailure[]): readonly string[] {
  const lines = known.map(({ id, link, end, because, gone, contradicts }) => {
    const name =
      link !== null && /^https?:\/\/[\w./#?=&%-]+$/.test(link)
        ? `[${escapeMarkdown(id)}](${link})`
        : escapeMarkdown(id);
    const more = [
      ...because,
      ...gone.map(tellGone),
      ...(contradicts === null ? [] : [`contradicts the thread: ${contradicts}`]),
    ];
    return `- ${name}: **${end}**${more.length === 0 ? '' : `; ${escapeMarkdown(more.join('; '))}`}`;
  });
  const [title, list = ''] = section('Known field failures', lines);
  return title === undefined ? [] : [title, `${tellKnownFailures(known)}.`, list];
}

function renderCell({ id, repetition, reason, evidence }: Result): string {
  const name = escapeMarkdown(repetition === 1 ? id : `${id} (repetition ${repetition})`);
  // A stored path is only linked when it looks like one the store made: results may come from others.
  const link = evidence !== null && /^evidence\/[\w.-]+$/.test(evidence) ? `[${name}](${evidence})` : name;
  return `- ${link}: ${escapeMarkdown(reason)}`;
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [`## ${title}`, lines.join('\n')];
}

/**
 * Any text as literal Markdown on one line, in a table or out of it: no markup, no HTML, no link made
 * out of a bare address, no mention of a person.
 */
export function escapeMarkdown(text: string): string {
  return plainLine(text, 2000)
    .replace(/[\\`*_[\]|~#!]/g, '\\$&')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('@', '&#64;')
    .replaceAll('://', ':&#47;&#47;')
    .replace(/\bwww\./gi, (word) => `${word.slice(0, 3)}&#46;`)
    .replace(/^([-+]|\d+[.)])(?=\s)/, (start) => `${start.slice(0, -1)}\\${start.slice(-1)}`);
}
