/**
 * JUnit XML as CI systems read it: a suite per memory size, a case per cell. `unexpected` is a
 * failure, no verdict (broken, invalid) an error, `skipped` is skipped; so is `undecided`, which is neither a
 * success nor a failure, with its reason.
 */
import { tellUndecided } from '../outcome/judge-overhead.ts';
import { plainLine, plainLines } from '../outcome/plain-text.ts';
import type { Result } from '../store/result.ts';
import type { RunRecord } from '../store/run-record.ts';
import { formatSize } from '../matrix/size.ts';
import { axisNames, labelSetting } from './axis-labels.ts';
import { wordOf } from './grid.ts';

type Count = Readonly<{ tests: number; failures: number; errors: number; skipped: number; time: string }>;

export function renderJunit(run: RunRecord, results: readonly Result[]): string {
  const sizes = [...new Set(results.map(({ settings }) => settings.memory))].sort((a, b) => a - b);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    open('testsuites', { name: `poolproof ${run.matrix.title}`, ...countResults(results) }),
    ...sizes.flatMap((memory) =>
      renderSuite(
        run,
        formatSize(memory),
        results.filter(({ settings }) => settings.memory === memory),
      ),
    ),
    '</testsuites>',
    '',
  ].join('\n');
}

function renderSuite(run: RunRecord, memory: string, results: readonly Result[]): readonly string[] {
  const timestamp = run.startedAt.replace(/\.\d+Z$/, '');
  return [
    `  ${open('testsuite', { name: `memory ${memory}`, timestamp, ...countResults(results) })}`,
    ...properties('    ', {
      run: run.id,
      poolproof: run.tool.version,
      qemu: run.qemu.version,
      accelerator: run.accelerator.kind,
      images: run.images.digest,
    }),
    ...results.flatMap(renderCase),
    '  </testsuite>',
  ];
}

function renderCase(result: Result): readonly string[] {
  const { id, repetition, settings, outcome, expected, evidence } = result;
  const name = repetition === 1 ? id : `${id} (repetition ${repetition})`;
  const classname = `poolproof.${formatSize(settings.memory)}`;
  return [
    `    ${open('testcase', { name, classname, time: seconds([result]) })}`,
    ...properties('      ', {
      ...Object.fromEntries(axisNames.map((axis) => [axis, labelSetting(settings, axis)])),
      outcome,
      tier: result.tier ?? '',
      expected: expected?.text ?? '',
      evidence: evidence ?? '',
    }),
    ...renderEnd(result),
    '    </testcase>',
  ];
}

function renderEnd(result: Result): readonly string[] {
  const kind = kindOf(result);
  const reason = plainLine(result.reason, 2000);
  if (kind === null) return [`      ${open('system-out')}${escapeText(reason)}</system-out>`];
  // The schema knows no text in <skipped>, and consumers show its message.
  if (kind === 'skipped') {
    const message =
      result.verdict === 'undecided' ? `undecided: ${plainLine(tellUndecided(result), 2000)}` : reason;
    return [`      ${open('skipped', { message }, '/')}`];
  }
  const message =
    kind === 'failure'
      ? `expected ${result.expected?.text ?? 'something else'}, got ${wordOf(result)}: ${reason}`
      : `${result.outcome}: ${reason}`;
  const detail = [
    reason,
    ...result.tiers.filter(({ ok }) => !ok).map(({ tier, message: text }) => `${tier}: ${text ?? ''}`),
    ...(result.finding === null ? [] : [result.finding]),
  ].join('\n');
  return [
    `      ${open(kind, { message, type: result.outcome })}${escapeText(plainLines(detail))}</${kind}>`,
  ];
}

function kindOf({ outcome, verdict }: Result): 'failure' | 'error' | 'skipped' | null {
  if (outcome === 'skipped' || verdict === 'undecided') return 'skipped';
  if (verdict === null) return 'error';
  return verdict === 'unexpected' ? 'failure' : null;
}

function countResults(results: readonly Result[]): Count {
  const count = (kind: ReturnType<typeof kindOf>) =>
    results.filter((result) => kindOf(result) === kind).length;
  const counts = {
    tests: results.length,
    failures: count('failure'),
    errors: count('error'),
    skipped: count('skipped'),
  };
  return { ...counts, time: seconds(results) };
}

/** Machine time of the cells, summed over their phases. */
function seconds(results: readonly Result[]): string {
  const ms = results.flatMap(({ timings }) => Object.values(timings)).reduce((sum, value) => sum + value, 0);
  return (ms / 1000).toFixed(3);
}

function properties(indent: string, values: Readonly<Record<string, string>>): readonly string[] {
  return [
    `${indent}<properties>`,
    ...Object.entries(values).map(([name, value]) => `${indent}  ${open('property', { name, value }, '/')}`),
    `${indent}</properties>`,
  ];
}

function open(
  tag: string,
  attributes: Readonly<Record<string, string | number>> = {},
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
