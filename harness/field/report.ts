/**
 * A field report's text → a validated value. Every refusal names the field, its place and the reason, and nothing of a
 * report is ever more than data (report-shape.ts). Of a report that was cut off, the whole lines are used.
 */
import { z } from 'zod';
import { describeUnread, readBounded } from '../../images/bounded-file.ts';
import { nearest } from '../axes/nearest-word.ts';
import { PoolproofError } from '../errors.ts';
import { printable, quote } from '../matrix/diagnostics.ts';
import { parseSource, type Source } from '../matrix/source.ts';
import { decodeReport, maxReportBytes, tooLarge } from './report-bytes.ts';
import { placeOfFact, rawShape, readFiles } from './report-files.ts';
import { reportShape, unknownOf, type ReportFacts } from './report-shape.ts';
import { unwrapReport } from './report-text.ts';

/** Version of the format that capture.sh writes; version 1, which interpreted the files itself, is still read. */
export const fieldReportSchema = 2;

/** Null stands for unknown. */
export type FieldReport = ReportFacts &
  Readonly<{
    schema: 1 | 2;
    /** The last section of a report that was cut off; null for a whole one. */
    cutOffIn: string | null;
  }>;

/** Section by section, in the order in which capture.sh writes them. */
const sections = {
  1: Object.keys(reportShape.shape),
  2: Object.keys(rawShape.shape),
} as const;

const headerShape = z.object({
  poolproof: z.literal('field-report', 'is not field-report: this is not a report of capture.sh'),
  schema: z.int(),
});

/** The name with which every report begins. */
const named = /^[^\S\n]*["']?poolproof["']?[^\S\n]*:/m;

/** Why a report is refused. `path` names the field, `place` the part of the file it was read from. */
type Refusal = Readonly<{
  path: readonly PropertyKey[];
  reason: string;
  place?: readonly PropertyKey[];
  /** The place is that of the field's name. */
  of?: 'key';
  code?: 'FIELD_SCHEMA';
}>;
type Reading = Readonly<{ report: FieldReport } | { refusal: Refusal }>;

/**
 * Reads a field report; `file` is its name in messages.
 * @throws PoolproofError `FIELD_INVALID` for anything but a report of capture.sh, or a damaged one, `FIELD_SCHEMA` for
 * one of a newer format; both name the field, its place and the reason.
 */
export function parseFieldReport(source: string, file: string): FieldReport {
  if (Buffer.byteLength(source) > maxReportBytes) throw tooLarge(file);
  const { text, withoutLast, whole, indentation } = unwrapReport(source);
  if (!named.test(text))
    throw new PoolproofError('FIELD_INVALID', 'this is no field report: no line begins with `poolproof:`', {
      file: printable(file),
      line: 1,
      column: 1,
      hint: '`poolproof capture > capture.sh` writes the script that makes one: `sh capture.sh <command> > report.yaml`',
    });
  let [parsed, reading] = readSource(text, true);
  // The last line of a cut-off report may be half a line: a number that is too small and looks like a fact.
  if ('refusal' in reading && !whole) [parsed, reading] = readSource(withoutLast, false);
  if ('report' in reading) return reading.report;
  const { path, reason, place, of, code } = reading.refusal;
  const syntax = parsed.problems[0];
  const { line, column } = syntax ?? parsed.placeOf(place ?? path, of);
  const field = path.length === 0 ? 'the report' : path.map(String).map(printable).join('.');
  throw new PoolproofError(code ?? 'FIELD_INVALID', syntax === undefined ? `${field} ${reason}` : reason, {
    file: printable(file),
    line,
    column: column + indentation,
    ...(code !== undefined && { hint: 'a newer poolproof reads it' }),
  });
}

function readSource(text: string, whole: boolean): [Source, Reading] {
  const source = parseSource(text);
  const refuse = (refusal: Refusal): [Source, Reading] => [source, { refusal }];
  if (source.problems.length > 0 || source.value === undefined) {
    const syntax = source.problems[0]?.message.replace('a matrix', 'a report') ?? 'has no content';
    return refuse({ path: [], reason: syntax });
  }
  if (source.value === null)
    return refuse({ path: [], reason: 'ends after its first line: the lines after it hold the facts' });
  const header = headerShape.safeParse(source.value);
  if (!header.success) return refuse(describe(source.value, header.error.issues));
  const { schema } = header.data;
  if (schema === 1 || schema === 2) return [source, readVersion(source.value, schema, whole)];
  const reason = `is ${schema}; this poolproof reads 1 and ${fieldReportSchema}`;
  return refuse({
    path: ['schema'],
    reason,
    ...(schema > fieldReportSchema && { code: 'FIELD_SCHEMA' as const }),
  });
}

type Body = Readonly<Record<string, unknown>>;

function readVersion(value: unknown, schema: 1 | 2, whole: boolean): Reading {
  const { poolproof: _name, schema: _schema, ...body } = value as Body;
  const cutOffIn = whole ? null : (sections[schema].findLast((name) => name in body) ?? 'schema');
  const given = cutOffIn === null ? body : withoutHalves(body, cutOffIn);
  let facts: Body = given;
  if (schema === 2) {
    const raw = rawShape.safeParse(given);
    if (!raw.success) return { refusal: describe(given, raw.error.issues) };
    const missing = ['files', 'cgroup', 'signs', 'programs', 'end'].find((name) => !(name in body));
    if (whole && missing !== undefined) return { refusal: { path: [missing], reason: 'is missing' } };
    facts = readFiles(raw.data);
  }
  // Version 1 writes a word for an unknown value: an empty one is a line that was cut off.
  const empty = schema === 1 && whole ? findEmpty(body) : null;
  if (empty !== null) return { refusal: { path: empty, reason: 'is empty' } };
  if (cutOffIn !== null) facts = addUnknown(facts, schema === 1 ? cutOffIn : null);
  const checked = reportShape.safeParse(facts);
  if (checked.success) return { report: { ...checked.data, schema, cutOffIn } };
  const refusal = describe(facts, checked.error.issues);
  const place = schema === 2 ? placeOfFact(refusal.path) : null;
  return { refusal: { ...refusal, ...(place !== null && { place }) } };
}

function findEmpty(value: unknown): readonly PropertyKey[] | null {
  if (value === null) return [];
  if (typeof value !== 'object') return null;
  for (const [key, inner] of Object.entries(value)) {
    const path = findEmpty(inner);
    if (path !== null) return [key, ...path];
  }
  return null;
}

/** A cut-off level of a group, or a cut-off sign, may be the deciding one: then none is known. */
function withoutHalves(body: Body, cutOffIn: string): Body {
  const kept = Object.entries(body).filter(
    ([name, section]) =>
      !((name === 'cgroup' || name === 'signs') && name === cutOffIn) &&
      (section !== null || name === 'command'),
  );
  return Object.fromEntries(kept.map(([name, section]) => [name, section ?? {}]));
}

/** Unknown facts in place of those that were cut off, which are the last ones: from a section on, or any. */
function addUnknown(facts: Body, from: string | null): Body {
  const names = sections[1].slice(from === null ? 0 : Math.max(0, sections[1].indexOf(from)));
  const added = Object.fromEntries(
    names.flatMap((name) => {
      const unknown = unknownFacts[name];
      return unknown === undefined || (name === 'command' && !(name in facts))
        ? []
        : [[name, { ...unknown, ...(facts[name] as Body | undefined) }]];
    }),
  );
  return { ...facts, ...added };
}

const unknownFacts = unknownOf(reportShape) as Readonly<Record<string, Body>>;

function describe(value: unknown, issues: readonly z.core.$ZodIssue[]): Refusal {
  const issue = deepest(issues);
  const { path } = issue;
  const found = valueAt(value, path);
  const misspelt = found === undefined ? findMisspelt(path, issues) : null;
  if (misspelt !== null)
    return {
      path: [...path.slice(0, -1), misspelt],
      reason: `is not a field of a report: did you mean \`${String(path.at(-1))}\`?`,
      of: 'key',
    };
  if (issue.code === 'unrecognized_keys')
    return { path: [...path, issue.keys[0] ?? ''], reason: 'is not a field of a report' };
  return { path, reason: found === undefined ? 'is missing' : `${reasonOf(issue)}: ${quote(found)}` };
}

/** Of a missing field, another name beside it that nobody knows and that comes near. */
function findMisspelt(path: readonly PropertyKey[], issues: readonly z.core.$ZodIssue[]): string | null {
  const parent = JSON.stringify(path.slice(0, -1));
  const unknown = issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys' && JSON.stringify(issue.path) === parent ? issue.keys : [],
  );
  return nearest(String(path.at(-1)), unknown);
}

/** A union fails with an issue for each of its members: the one that got furthest names the problem. */
function deepest(issues: readonly z.core.$ZodIssue[]): z.core.$ZodIssue {
  const [first] = issues;
  if (first === undefined) throw new RangeError('a refusal without an issue');
  if (first.code !== 'invalid_union') return first;
  const inner = first.errors.map((list) => list[0]).filter((issue) => issue !== undefined);
  // The first members are unknown; the last one describes the value.
  const telling = inner.findLast(({ path }) => path.length > 0) ?? inner.at(-1);
  if (telling === undefined) return first;
  const resolved = deepest([telling]);
  return { ...resolved, path: [...first.path, ...resolved.path] };
}

const reasonOf = ({ message }: z.core.$ZodIssue): string =>
  /^(is|holds) /.test(message) ? message : `is not as it should be (${message})`;

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, key) =>
      typeof at === 'object' && at !== null ? (at as Readonly<Record<PropertyKey, unknown>>)[key] : undefined,
    value,
  );
}

/**
 * Reads a report, also one that gzip has compressed, or that Windows has written in UTF-16.
 * @throws PoolproofError `FIELD_NOT_FOUND` when the file cannot be read, and what {@link parseFieldReport} throws.
 */
export async function loadFieldReport(file: string): Promise<FieldReport> {
  let bytes: Buffer;
  try {
    bytes = await readBounded(file, maxReportBytes);
  } catch (cause) {
    throw new PoolproofError('FIELD_NOT_FOUND', `cannot read the report: ${describeUnread(cause)}`, {
      file: printable(file),
      cause,
    });
  }
  return parseFieldReport(decodeReport(bytes, file), file);
}
