/**
 * JUnit XML as CI systems read it: a suite per memory size, a case per cell. `unexpected` is a failure, no
 * verdict (broken, invalid) an error; `skipped`, `undecided` and a flaky cell are skipped: seen, and counted neither
 * way. Ant's and Jenkins' descriptions of the format differ; this keeps to what both allow.
 */
import { formatSize } from '../../axes/size.ts';
import { plainLine, plainLines } from '../../outcome/plain-text.ts';
import type { Result } from '../../store/result.ts';
import { type CellStatus, type CellView, formatObserved } from '../cell-view.ts';
import type { Format } from '../format.ts';
import { groupBy } from '../group-by.ts';
import { escapeMarkup } from '../html/html.ts';
import type { RunView } from '../run-view.ts';
import { sumPhases } from '../timings.ts';

function render(view: RunView): string {
  const sizes = [...groupBy(view.cells, ({ settings }) => settings.memory)].sort(([a], [b]) => a - b);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<testsuites>',
    ...sizes.flatMap(([memory, cells], index) => renderSuite(view, formatSize(memory), cells, index)),
    ...renderRunSuite(view, sizes.length),
    '</testsuites>',
    '',
  ].join('\n');
}

/** A suite of its own where cells are missing: an error, since nothing is known of them. */
function renderRunSuite(view: RunView, index: number): readonly string[] {
  const { sentences, missingSentence, missingNames } = view.state;
  if (missingSentence === null) return [];
  const detail = escapeMarkup([...sentences, ...missingNames].join('\n'));
  return [
    `  ${openSuite(view, { index, name: 'whole run', tests: 1, failures: 0, errors: 1, skipped: 0, time: '0.000' })}`,
    ...renderProperties(view),
    `    ${open('testcase', { name: 'every cell is there', classname: 'poolproof.run', time: '0.000' })}`,
    `      ${open('error', { message: missingSentence, type: 'missing' })}${detail}</error>`,
    '    </testcase>',
    `    <system-out>${detail}</system-out>`,
    '    <system-err/>',
    '  </testsuite>',
  ];
}

type SuiteCounts = Readonly<{
  index: number;
  name: string;
  tests: number;
  failures: number;
  errors: number;
  skipped: number;
  time: string;
}>;

function openSuite({ record }: RunView, { index, name, ...counts }: SuiteCounts): string {
  return open('testsuite', {
    id: index,
    package: 'poolproof',
    name,
    timestamp: record.startedAt.replace(/\.\d+Z$|Z$/, ''),
    // Required by Ant's description, which names this word for a computer that is not to be named.
    hostname: 'localhost',
    ...counts,
  });
}

function renderProperties({ record, state }: RunView): readonly string[] {
  const properties = {
    run: record.id,
    matrix: record.matrix.title,
    poolproof: record.tool.version,
    qemu: record.qemu.version,
    accelerator: record.accelerator.kind,
    images: record.images.digest,
    ...(state.partSentence !== null && { part: state.partSentence }),
  };
  return [
    '    <properties>',
    ...Object.entries(properties).map(([name, value]) => `      ${open('property', { name, value }, '/')}`),
    '    </properties>',
  ];
}

function renderSuite(
  view: RunView,
  memory: string,
  cells: readonly CellView[],
  index: number,
): readonly string[] {
  const count = (...statuses: readonly CellStatus[]): number =>
    cells.filter(({ status }) => statuses.includes(status)).length;
  return [
    `  ${openSuite(view, {
      index,
      name: `memory ${memory}`,
      tests: cells.length,
      failures: count('failed'),
      errors: count('error'),
      skipped: count('skipped', 'flaky', 'undecided'),
      time: seconds(cells.flatMap(({ results }) => results)),
    })}`,
    ...renderProperties(view),
    ...cells.flatMap((cell) => renderCase(cell, memory)),
    `    <system-out>${escapeMarkup(cells.map(formatLine).join('\n'))}</system-out>`,
    '    <system-err/>',
    '  </testsuite>',
  ];
}

/** A case has no room for its reason where it passed: the suite's output has a line per cell. */
function formatLine(cell: CellView): string {
  return plainLine(`${cell.id}: ${formatObserved(cell)}: ${formatReason(cell)}`, 2400);
}

const formatReason = ({ status, reason }: CellView): string =>
  status === 'undecided' ? `undecided: ${reason}` : reason;

function renderCase(cell: CellView, memory: string): readonly string[] {
  const attributes = { name: cell.id, classname: `poolproof.${memory}`, time: seconds(cell.results) };
  if (cell.status === 'passed') return [`    ${open('testcase', attributes, '/')}`];
  return [`    ${open('testcase', attributes)}`, `      ${renderProblem(cell)}`, '    </testcase>'];
}

function renderProblem(cell: CellView): string {
  const { status, verdict, deciding, reason } = cell;
  const message = plainLine(formatReason(cell), 2000);
  // Text in <skipped> is not shown anywhere; its message is.
  if (status !== 'failed' && status !== 'error') return open('skipped', { message }, '/');
  const tag = status === 'failed' ? 'failure' : 'error';
  const type = verdict === 'flaky' ? 'flaky' : deciding.outcome;
  const detail = [
    reason,
    ...deciding.tiers.filter(({ ok }) => !ok).map(({ tier, message: text }) => `${tier}: ${text ?? ''}`),
    ...(deciding.finding === null ? [] : [deciding.finding]),
    ...(deciding.evidence === null ? [] : [`evidence: ${deciding.evidence}`]),
  ].join('\n');
  return `${open(tag, { message, type })}${escapeMarkup(plainLines(detail))}</${tag}>`;
}

/** Machine time of the cells. */
function seconds(results: readonly Result[]): string {
  const ms = results.reduce((sum, result) => sum + sumPhases(result), 0);
  return (ms / 1000).toFixed(3);
}

function open(
  tag: string,
  attributes: Readonly<Record<string, string | number>>,
  end: '' | '/' = '',
): string {
  const text = Object.entries(attributes).map(
    ([name, value]) => ` ${name}="${escapeMarkup(plainLine(String(value), 4000))}"`,
  );
  return `<${tag}${text.join('')}${end}>`;
}

export const junit = {
  file: 'report.xml',
  description: 'JUnit XML, one suite per memory size',
  render,
} satisfies Format;
