/**
 * JUnit XML as CI systems read it: a suite per memory size, a case per cell. `unexpected` is a failure, no
 * verdict (broken, invalid) an error; `skipped`, `undecided` and a flaky cell are skipped: seen, and counted neither way.
 * Ant's and Jenkins' descriptions of the format differ; this keeps to what both allow.
 */
import { formatSize } from '../axes/size.ts';
import { plainLine, plainLines } from '../outcome/plain-text.ts';
import { type Completeness, findCompleteness } from '../store/completeness.ts';
import type { Result } from '../store/result.ts';
import type { RunRecord } from '../store/run-record.ts';
import { buildDistributions } from '../outcome/repetitions.ts';
import { describeMissing, describePart, describeRunState, listMissing } from './completeness-words.ts';
import { type Grade, type GradedCell, gradeCell, tellCell } from './grade-cell.ts';

export function renderJunit(run: RunRecord, results: readonly Result[]): string {
  const bySize = new Map<number, GradedCell[]>();
  for (const cell of buildDistributions(results)) {
    const { memory } = cell.settings;
    const known = bySize.get(memory);
    if (known === undefined) bySize.set(memory, [gradeCell(cell, run)]);
    else known.push(gradeCell(cell, run));
  }
  const properties = renderProperties(run, findCompleteness(run, results));
  const sizes = [...bySize].sort(([a], [b]) => a - b);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<testsuites>',
    ...sizes.flatMap(([memory, cells], index) =>
      renderSuite(run, properties, formatSize(memory), cells, index),
    ),
    ...renderRunSuite(run, results, sizes.length),
    '</testsuites>',
    '',
  ].join('\n');
}

/** A suite of its own where cells are missing: an error, since nothing is known of them. */
function renderRunSuite(run: RunRecord, results: readonly Result[], index: number): readonly string[] {
  const completeness = findCompleteness(run, results);
  const missing = describeMissing(completeness);
  if (missing === null) return [];
  const detail = escapeText([...describeRunState(completeness), ...listMissing(completeness)].join('\n'));
  return [
    `  ${openSuite(run, { index, name: 'whole run', tests: 1, failures: 0, errors: 1, skipped: 0, time: '0.000' })}`,
    ...renderProperties(run, completeness),
    `    ${open('testcase', { name: 'every cell is there', classname: 'poolproof.run', time: '0.000' })}`,
    `      ${open('error', { message: missing, type: 'missing' })}${detail}</error>`,
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

function openSuite(run: RunRecord, { index, name, ...counts }: SuiteCounts): string {
  return open('testsuite', {
    id: index,
    package: 'poolproof',
    name,
    timestamp: run.startedAt.replace(/\.\d+Z$|Z$/, ''),
    // Required by Ant's description, which names this word for a computer that is not to be named.
    hostname: 'localhost',
    ...counts,
  });
}

function renderProperties(run: RunRecord, completeness: Completeness): readonly string[] {
  const part = describePart(completeness);
  const properties = {
    run: run.id,
    matrix: run.matrix.title,
    poolproof: run.tool.version,
    qemu: run.qemu.version,
    accelerator: run.accelerator.kind,
    images: run.images.digest,
    ...(part !== null && { part }),
  };
  return [
    '    <properties>',
    ...Object.entries(properties).map(([name, value]) => `      ${open('property', { name, value }, '/')}`),
    '    </properties>',
  ];
}

function renderSuite(
  run: RunRecord,
  properties: readonly string[],
  memory: string,
  cells: readonly GradedCell[],
  index: number,
): readonly string[] {
  const count = (...grades: readonly Grade[]): number =>
    cells.filter(({ grade }) => grades.includes(grade)).length;
  return [
    `  ${openSuite(run, {
      index,
      name: `memory ${memory}`,
      tests: cells.length,
      failures: count('failed'),
      errors: count('error'),
      skipped: count('skipped', 'flaky', 'undecided'),
      time: seconds(cells.flatMap(({ cell }) => cell.results)),
    })}`,
    ...properties,
    ...cells.flatMap((cell) => renderCase(cell, memory)),
    `    <system-out>${escapeText(cells.map(tellLine).join('\n'))}</system-out>`,
    '    <system-err/>',
    '  </testsuite>',
  ];
}

/** A case has no room for its reason where it passed: the suite's output has a line a cell. */
function tellLine(graded: GradedCell): string {
  return plainLine(`${graded.cell.id}: ${tellCell(graded)}: ${tellReason(graded)}`, 2400);
}

const tellReason = ({ grade, reason }: GradedCell): string =>
  grade === 'undecided' ? `undecided: ${reason}` : reason;

function renderCase(graded: GradedCell, memory: string): readonly string[] {
  const { cell, grade } = graded;
  const attributes = { name: cell.id, classname: `poolproof.${memory}`, time: seconds(cell.results) };
  if (grade === 'passed') return [`    ${open('testcase', attributes, '/')}`];
  return [`    ${open('testcase', attributes)}`, `      ${renderEnd(grade, graded)}`, '    </testcase>'];
}

function renderEnd(grade: Exclude<Grade, 'passed'>, graded: GradedCell): string {
  const { reason, cell, deciding } = graded;
  const message = plainLine(tellReason(graded), 2000);
  // Text in <skipped> is not shown anywhere; its message is.
  if (grade !== 'failed' && grade !== 'error') return open('skipped', { message }, '/');
  const tag = grade === 'failed' ? 'failure' : 'error';
  const type = cell.verdict === 'flaky' ? 'flaky' : deciding.outcome;
  const detail = [
    reason,
    ...deciding.tiers.filter(({ ok }) => !ok).map(({ tier, message: text }) => `${tier}: ${text ?? ''}`),
    ...(deciding.finding === null ? [] : [deciding.finding]),
    ...(deciding.evidence === null ? [] : [`evidence: ${deciding.evidence}`]),
  ].join('\n');
  return `${open(tag, { message, type })}${escapeText(plainLines(detail))}</${tag}>`;
}

/** Machine time of the cells, summed over their phases; `host.…` is a part of another phase. */
function seconds(results: readonly Result[]): string {
  const ms = results
    .flatMap(({ timings }) => Object.entries(timings))
    .reduce((sum, [phase, value]) => (phase.includes('.') ? sum : sum + value), 0);
  return (ms / 1000).toFixed(3);
}

function open(
  tag: string,
  attributes: Readonly<Record<string, string | number>>,
  end: '' | '/' = '',
): string {
  const text = Object.entries(attributes).map(
    ([name, value]) => ` ${name}="${escapeText(plainLine(String(value), 4000))}"`,
  );
  return `<${tag}${text.join('')}${end}>`;
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** What XML forbids altogether is dropped by `plainLines`; this escapes what it gives a meaning. */
function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => entities[sign] ?? '');
}
