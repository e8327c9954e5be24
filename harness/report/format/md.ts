/** Markdown for a repository or release notes: what was tested on what, the grid, a line per reason. */
import type { Result } from '../../store/result.ts';
import type { RunRecord } from '../../store/run-record.ts';
import { describeEffect, findEffects, titleAxis } from '../axis-effects.ts';
import { formatCell, isTroubled } from '../cell-view.ts';
import { listCosts } from '../cost-columns.ts';
import { evidenceFolder } from '../evidence.ts';
import type { Format } from '../format.ts';
import { formatDistribution } from '../format-distribution.ts';
import { type OverheadText, formatNotes } from '../format-overhead.ts';
import { formatCounts } from '../format-run.ts';
import { formatServingNotes } from '../format-serving.ts';
import { type Grid, buildGrid, formatLegend, formatUsual, nameColumn } from '../grid.ts';
import { type HostTable, formatStart, hostLegend } from '../host-table.ts';
import { type KnownFailure, formatGone, formatKnownFailures, listKnownFailures } from '../known-failures.ts';
import { escapeMarkdown, markdownTable } from '../markdown.ts';
import { type ReasonCard, buildReasonCards, describeCure, titleCard } from '../reason-cards.ts';
import type { RunView } from '../run-view.ts';

function render(view: RunView): string {
  const { record, results, cells, axes, flaky } = view;
  const grid = buildGrid(cells, axes);
  const legend = formatLegend(grid);
  return [
    `# ${escapeMarkdown(record.matrix.title)}`,
    formatRun(record),
    `${escapeMarkdown(formatCounts(view))}.`,
    ...renderState(view),
    renderGrid(grid),
    ...(legend.length === 0 ? [] : [escapeMarkdown(legend.join(', '))]),
    ...renderHosts(view.hosts),
    ...[...formatNotes(results), ...formatServingNotes(results)].map(escapeMarkdown),
    ...renderSection(
      'What decides',
      findEffects(cells, axes).map(
        (effect) =>
          `- **${escapeMarkdown(titleAxis(effect.axis))}**: ${escapeMarkdown(describeEffect(effect))}`,
      ),
    ),
    ...renderSection('Why', buildReasonCards(cells, axes, grid.usual).map(formatCard)),
    ...renderSection(
      'Flaky cells',
      flaky.map((cell) => `- ${escapeMarkdown(cell.id)}: ${escapeMarkdown(formatDistribution(cell))}`),
    ),
    ...renderKnown(listKnownFailures(record.cases ?? [], results)),
    ...renderSection('Cells to look at', results.filter(isTroubled).map(formatTroubled)),
    '',
  ]
    .join('\n\n')
    .trimEnd()
    .concat('\n');
}

function renderHosts(hosts: HostTable | null): readonly string[] {
  if (hosts === null) return [];
  const { grid, texts } = hosts;
  const usual = formatUsual(grid);
  const heads = grid.columns.map((labels) => nameColumn(grid.columnAxes, labels));
  return [
    '## Hosts',
    markdownTable(
      [...grid.rowHeads, ...heads].map(escapeMarkdown),
      grid.rows.map(({ labels, places }) =>
        [...labels, ...places.map((cell) => (cell === null ? '·' : formatStart(cell)))].map(escapeMarkdown),
      ),
    ),
    [...hostLegend, ...(usual === null ? [] : [usual])].map((line) => `${escapeMarkdown(line)}.`).join('\n'),
    ...renderSection(
      'What they print',
      texts.map(
        ({ start, where, text, cells }) =>
          `- **${escapeMarkdown(where)}** ${start}: ${escapeMarkdown(text)}${cells > 1 ? ` (${cells} cells)` : ''}`,
      ),
    ),
  ];
}

function formatCard(card: ReasonCard): string {
  const { where, seen, causes, cells } = card;
  const cure = describeCure(card);
  const parts = [
    ...causes.map(({ tier, text }) => `${tier === null ? '' : `${tier}: `}${text}.`),
    `Observed: ${seen}.`,
    ...(cure === null ? [] : [`Proven here: ${cure}`]),
  ];
  const count = cells.length > 1 ? ` (${cells.length} cells)` : '';
  return `- **${escapeMarkdown(where)}** ${escapeMarkdown(`${titleCard(card)}${count}: ${parts.join(' ')}`)}`;
}

/** The part of the matrix, and in bold the names of missing cells. */
export function renderState({ state }: Pick<RunView, 'state'>): readonly string[] {
  const { partSentence: part, missingSentence: missing, missingNames } = state;
  const names = missingNames.map((cell) => `- ${escapeMarkdown(cell)}`);
  return [
    ...(part === null ? [] : [`This is ${escapeMarkdown(part)}.`]),
    ...(missing === null ? [] : [`**${escapeMarkdown(missing)}**`]),
    ...(names.length === 0 ? [] : [names.join('\n')]),
  ];
}

function formatRun({ id, startedAt, tool, qemu, accelerator, images }: RunRecord): string {
  const components = Object.entries(images.components).map(([name, version]) => `${name} ${version}`);
  const inside = components.length === 0 ? '' : ` In the guests: ${components.join(', ')}.`;
  return escapeMarkdown(
    `Run ${id}, started ${startedAt}, poolproof ${tool.version}, QEMU ${qemu.version} (${accelerator.kind}).${inside}`,
  );
}

function renderGrid({ rows, rowHeads, columnAxes, columns }: Grid): string {
  const columnHeads = columns.map((labels) => nameColumn(columnAxes, labels) || 'tier');
  const costs = listCosts(rows.flatMap(({ results }) => results));
  return markdownTable(
    [...rowHeads, ...columnHeads, ...costs.map(({ head }) => head)].map(escapeMarkdown),
    rows.map(({ labels, places, results }) => [
      ...[...labels, ...places.map((cell) => (cell === null ? '·' : formatCell(cell)))].map(escapeMarkdown),
      ...costs.map(({ format }) => renderOverhead(format(results))),
    ]),
  );
}

const renderOverhead = (texts: readonly OverheadText[]): string =>
  texts
    .map(({ text, stable }) => (stable ? escapeMarkdown(text) : `~~${escapeMarkdown(text)}~~ unstable`))
    .join(', ');

function renderKnown(known: readonly KnownFailure[]): readonly string[] {
  const lines = known.map(({ id, link, end, because, gone, contradicts }) => {
    const name =
      link !== null && /^https?:\/\/[\w./#?=&%-]+$/.test(link)
        ? `[${escapeMarkdown(id)}](${link})`
        : escapeMarkdown(id);
    const more = [
      ...because,
      ...gone.map(formatGone),
      ...(contradicts === null ? [] : [`contradicts the thread: ${contradicts}`]),
    ];
    return `- ${name}: **${end}**${more.length === 0 ? '' : `; ${escapeMarkdown(more.join('; '))}`}`;
  });
  const [title, list = ''] = renderSection('Known field failures', lines);
  return title === undefined ? [] : [title, `${formatKnownFailures(known)}.`, list];
}

function formatTroubled(result: Result): string {
  const { id, repetition, reason } = result;
  const name = escapeMarkdown(repetition === 1 ? id : `${id} (repetition ${repetition})`);
  const folder = evidenceFolder(result);
  return `- ${folder === null ? name : `[${name}](${folder})`}: ${escapeMarkdown(reason)}`;
}

function renderSection(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [`## ${title}`, lines.join('\n')];
}

export const md = {
  file: 'report.md',
  description: 'grid and reasons for a repository',
  render,
} satisfies Format;
