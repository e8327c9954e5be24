/**
 * JUnit XML as CI systems read it: a suite per memory size, a case per cell. `unexpected` is a failure, no
 * verdict (broken, invalid) an error; `skipped`, `undecided` and a flaky cell are skipped: seen, and counted neither way.
 * Ant's and Jenkins' descriptions of the format differ; this keeps to what both allow.
 */
import { formatSize } from '../matrix/size.ts';
import { plainLine, plainLines } from '../outcome/plain-text.ts';
import type { Result } from '../store/result.ts';
import type { RunRecord } from '../store/run-record.ts';
import { buildDistributions } from '../outcome/repetitions.ts';
import { type Grade, type GradedCell, gradeCell, tellCell } from './grade-cell.ts';

export function renderJunit(run: RunRecord, results: readonly Result[]): string {
  const bySize = new Map<number, GradedCell[]>();
  for (const cell of buildDistributions(results)) {
    const { memory } = cell.settings;
    const known = bySize.get(memory);
    if (known === undefined) bySize.set(memory, [gradeCell(cell, run)]);
    else known.push(gradeCell(cell, run));
  }
  const sizes = [...bySize].sort(([a], [b]) => a - b);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<testsuites>',
    ...sizes.flatMap(([memory, cells], index) => renderSuite(run, formatSize(memory), cells, index)),
    '</testsuites>',
    '',
  ].join('\n');
}

function renderSuite(
  run: RunRecord,
  memory: string,
  cells: readonly GradedCell[],
  index: number,
): readonly string[] {
  const count = (...grades: readonly Grade[]): number =>
    cells.filter(({ grade }) => grades.includes(grade)).length;
  const properties = {
    run: run.id,
    matrix: run.matrix.title,
    poolproof: run.tool.version,
    qemu: run.qemu.version,
    accelerator: run.accelerator.kind,
    images: run.images.digest,
  };
  return [
    `  ${open('testsuite', {
      id: index,
      package: 'poolproof',
      name: `memory ${memory}`,
      timestamp: run.startedAt.replace(/\.\d+Z$|Z$/, ''),
      // Required by Ant's description, which names this word for a computer that is not to be named.
      hostname: 'localhost',
      tests: cells.length,
      failures: count('failed'),
      errors: count('error'),
      skipped: count('skipped', 'flaky', 'undecided'),
      time: seconds(cells.flatMap(({ cell }) => cell.results)),
    })}`,
    '    <properties>',
    ...Object.entries(properties).map(([name, value]) => `      ${open('property', { name, value }, '/')}`),
    '    </properties>',
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
