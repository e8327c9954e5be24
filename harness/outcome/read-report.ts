/**
 * Finds the wasm host's JSON line in its output, which may be binary, endless or forged. A line counts when it is
 * whole, valid JSON, has `poolproof: 'wasm-host'` and follows the schema. The last valid line counts, unless an earlier
 * one contradicts it.
 */
import { z } from 'zod';
import type { HostReport } from '../../images/allocator/host-report.ts';
import type { SubjectRun } from '../guest/observation.ts';
import { hostReportSchema } from './model-schema.ts';
import { plainLine } from './plain-text.ts';

/** A report is about 10 KB; longer lines are no reports. */
const lineLimit = 1_048_576;

/** Number of tagged lines that are read, from the end: a flood of forgeries costs no more. */
const candidateLimit = 64;

const tagSchema = z.object({ poolproof: z.literal('wasm-host'), schema: z.unknown() });

export type FoundReport = Readonly<{
  report: HostReport | null;
  /** A different report stood before the last one. */
  contradicted: boolean;
  /** Why tagged lines were no report, for when there is none. */
  problem: string | null;
}>;

const reports = new WeakMap<SubjectRun, FoundReport>();

/** The report of a run, parsed once: the verdict, the timings and the evidence of a cell all need it. */
export function reportOf(subject: SubjectRun): FoundReport {
  const found = reports.get(subject) ?? readReport(subject.stdout);
  reports.set(subject, found);
  return found;
}

export function readReport(stdout: string): FoundReport {
  let report: HostReport | null = null;
  let contradicted = false;
  let problem: string | null = null;
  for (const line of taggedLines(stdout)) {
    const read = readLine(line);
    if (typeof read === 'string') problem ??= read;
    else if (read !== null && report === null) report = read;
    else if (read !== null && report !== null) contradicted ||= differ(report, read);
  }
  return { report, contradicted, problem: report === null ? problem : null };
}

/** Lines that may be a report, last first, found without splitting a large text. */
function* taggedLines(stdout: string): Iterable<string> {
  let end = stdout.length;
  for (let count = 0; count < candidateLimit && end > 0; count++) {
    const tag = stdout.lastIndexOf('"wasm-host"', end - 1);
    if (tag < 0) return;
    const start = stdout.lastIndexOf('\n', tag) + 1;
    const newline = stdout.indexOf('\n', tag);
    const stop = newline < 0 ? stdout.length : newline;
    if (stop - start <= lineLimit) yield stdout.slice(start, stop).trim();
    end = start;
  }
}

/** A report, a sentence saying why a tagged line is none, or null for a line that is not tagged. */
function readLine(line: string): HostReport | string | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return 'its line is cut short or damaged';
  }
  const tag = tagSchema.safeParse(value);
  if (!tag.success) return null;
  if (typeof tag.data.schema === 'number' && tag.data.schema !== 1) {
    return `it speaks schema ${tag.data.schema}, this harness knows 1`;
  }
  const parsed = hostReportSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [first] = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  return plainLine(String(first), 200);
}

/** Reports differ when they would give another outcome. */
function differ(a: HostReport, b: HostReport): boolean {
  return a.outcome !== b.outcome || a.tier !== b.tier || a.proof?.checks !== b.proof?.checks;
}
