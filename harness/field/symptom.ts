/**
 * What a failure looks like, wherever it was seen: in a report's output or in a result. Two are the same
 * when class, pool and every number that the first one names are the same.
 */
import { classifyEngineText } from '../../images/allocator/failure.ts';
import { plainLine } from '../outcome/plain-text.ts';
import type { Result } from '../store/result.ts';
import type { FieldReport } from './report.ts';

export type Symptom = Readonly<{
  /** A failure class of the wasm host, or how its process ended. */
  class: string;
  pool: string | null;
  bytes: number | null;
  /** The line that says it; for people. */
  text: string;
}>;

/** Texts no libwasmtime writes; first match wins. */
const runtimeTexts: readonly Readonly<{ match: RegExp; class: string }>[] = [
  // Of start-up: these end the process before any program runs.
  {
    match: /Fatal (?:process|javascript) (?:out of memory|OOM)|FATAL ERROR:|Check failed: /i,
    class: 'no-start',
  },
  { match: /Wasm SIMD unsupported/, class: 'cpu' },
  {
    match: /WebAssembly[^\n]*(?:[Oo]ut of memory|could not allocate memory)|Cannot allocate Wasm memory/,
    class: 'v8-memory',
  },
  { match: /bad option: /, class: 'unsupported' },
];

/** The failure in a report, or null when its command did not fail, or in words nobody knows. */
export function symptomOfReport({ command }: FieldReport): Symptom | null {
  if (command === undefined) return null;
  const output = (command.output ?? []).join('\n');
  for (const { match, class: name } of runtimeTexts) {
    const found = match.exec(output);
    if (found !== null) return { class: name, pool: null, bytes: null, text: lineAt(output, found.index) };
  }
  const { class: name, pool, bytes } = classifyEngineText(output);
  if (name !== 'engine') {
    const at = Math.max(0, output.search(/failed to |os error/));
    return { class: name, pool, bytes, text: lineAt(output, at) };
  }
  return command.signal === 'SIGKILL' ? { class: 'killed', pool: null, bytes: null, text: 'SIGKILL' } : null;
}

const lineAt = (text: string, index: number): string =>
  plainLine(text.slice(text.lastIndexOf('\n', index) + 1).split('\n')[0] ?? '', 200);

/** Every failure in a result: of each tier that did not work, and of the process itself. */
export function symptomsOf({ outcome, reason, tiers, subject }: Result): readonly Symptom[] {
  if (subject !== undefined && subject.failure !== null)
    return [{ class: subject.failure, pool: null, bytes: null, text: subject.line ?? reason }];
  if (outcome === 'crashed') return [{ class: 'no-start', pool: null, bytes: null, text: reason }];
  return tiers.flatMap((tier) =>
    tier.ok || tier.class === null
      ? []
      : [{ class: tier.class, pool: tier.pool, bytes: tier.bytes, text: tier.message ?? '' }],
  );
}

/** What differs, in words; empty when it is the same failure. */
export function compareSymptoms(wanted: Symptom, seen: Symptom): readonly string[] {
  const hex = (bytes: number | null): string =>
    bytes === null ? 'no number' : `0x${bytes.toString(16)} bytes`;
  return [
    wanted.class !== seen.class && `${wanted.class} was reported, ${seen.class} was seen`,
    wanted.pool !== null &&
      wanted.pool !== seen.pool &&
      `the ${wanted.pool} pool was reported, ${seen.pool === null ? 'no pool' : `the ${seen.pool} pool`} was seen`,
    wanted.bytes !== null &&
      wanted.bytes !== seen.bytes &&
      `${hex(wanted.bytes)} were reported, ${hex(seen.bytes)} were seen`,
  ].filter((said) => said !== false);
}

/** The nearest failure among several: fewest differences. Null without any. */
export function nearestSymptom(
  wanted: Symptom,
  seen: readonly Symptom[],
): Readonly<{ symptom: Symptom; differences: readonly string[] }> | null {
  return (
    seen
      .map((symptom) => ({ symptom, differences: compareSymptoms(wanted, symptom) }))
      .sort((a, b) => a.differences.length - b.differences.length)[0] ?? null
  );
}

/** Outcome, tier and failures as one text: what minimize keeps, and what repro of a cell compares. */
export function signatureOf(result: Result): string {
  if (result.outcome === 'crashed' && result.subject === undefined) return 'crashed';
  const failures = symptomsOf(result).map(({ class: name, pool }) =>
    pool === null ? name : `${name} ${pool}`,
  );
  return [result.outcome, ...(result.tier === null ? [] : [result.tier]), ...failures].join(', ');
}
