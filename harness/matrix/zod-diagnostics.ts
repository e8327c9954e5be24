/** zod's issues → problems with a place, a sentence and the nearest right word. */
import type { z } from 'zod';
import { type AxisTable, axisWords, rowOf } from '../axes/table.ts';
import { outsideRange } from '../axes/kinds.ts';
import { keysAt, isInSubject } from './known-keys.ts';
import { suggestions } from './measure.ts';
import { nearest } from '../axes/nearest-word.ts';
import { quote } from './diagnostics.ts';
import type { Problem } from './diagnostics.ts';
import type { Path, Source } from './source.ts';

/** More would not be read, and a hostile file can have ten thousands. */
const maxProblems = 200;

/** Issues with the branches of unions resolved to the one that was meant. */
export function resolveIssues(issues: readonly z.core.$ZodIssue[]): z.core.$ZodIssue[] {
  return issues.flatMap((issue) => flatten(issue, []));
}

/** All problems of a value that the form refused. `base`: where the value would stand in a matrix. */
export function describeIssues(
  issues: readonly z.core.$ZodIssue[],
  source: Source,
  table: AxisTable,
  base: Path = [],
): Problem[] {
  const problems: Problem[] = [];
  for (const issue of issues) {
    if (problems.length >= maxProblems) break;
    problems.push(...describe(issue, source, table, base));
  }
  return problems;
}

/** Of a union the branch that was meant: the one that got deepest into the value, then with the fewest complaints. */
function flatten(issue: z.core.$ZodIssue, base: Path): z.core.$ZodIssue[] {
  const path = [...base, ...issue.path];
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return [{ ...issue, path }];
  const branches = issue.errors.map((errors) => errors.flatMap((inner) => flatten(inner, path)));
  const depth = (branch: readonly z.core.$ZodIssue[]): number =>
    Math.max(...branch.map((inner) => inner.path.length));
  const deepest = Math.max(...branches.map(depth));
  // A map whose only fault is a key, or a rule of its own, is resolved by zod itself.
  if (deepest === path.length) return [{ ...issue, path }];
  const candidates = branches.filter((branch) => depth(branch) === deepest);
  return candidates.reduce((best, branch) => (branch.length < best.length ? branch : best));
}

/** Where maps from axes to values stand. */
const selectorPlace =
  /^(?:axes|(?:exclude|include)\.\d+|expect\.\d+\.where|measure\.where|cases\.\d+(?:\.gone\.\d+)?\.settings)$/;

/** The axis whose value is at this path, with the rest of the path inside the value. */
function axisAt(path: Path, table: AxisTable): { axis: string; rest: Path } | null {
  const at = path.findIndex((_, index) => selectorPlace.test(path.slice(0, index).map(String).join('.')));
  const axis = path[at];
  if (typeof axis !== 'string' || !Object.hasOwn(table, axis) || axis === 'subject') return null;
  return { axis, rest: path.slice(at + 1) };
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (node, step) => (Object(node) as Readonly<Record<PropertyKey, unknown>>)[step],
    value,
  );
}

function describe(issue: z.core.$ZodIssue, source: Source, table: AxisTable, base: Path): Problem[] {
  const { path } = issue;
  const data = valueAt(source.value, path);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.slice(0, maxProblems).map((key) => describeKey(path, key, source, table, base));
  }
  const isKey = issue.code === 'invalid_key' || (issue.code === 'custom' && issue.params?.['of'] === 'key');
  const place = source.placeOf(path, isKey ? 'key' : undefined);
  const hint = issue.code === 'custom' ? (issue.params?.['hint'] as string | undefined) : undefined;
  const found = axisAt([...base, ...path], table);
  if (issue.code === 'custom' && issue.message !== outsideRange) {
    return [
      { code: 'MATRIX_BAD_VALUE', message: issue.message, ...place, ...(hint === undefined ? {} : { hint }) },
    ];
  }
  if (issue.code === 'invalid_key' && (found === null || isInSubject([...base, ...path]))) {
    const message = `${quote(String(path.at(-1)))} is not ${issue.issues.map(({ message }) => message).join(', ')}`;
    return [{ code: 'MATRIX_UNKNOWN_KEY', message, ...place }];
  }
  if (found === null) return [describeStructure(issue.message, path, data, source)];
  const { axis, rest } = found;
  const row = rowOf(table, axis);
  if (Array.isArray(data) && data.length === 0) {
    return [{ code: 'MATRIX_EMPTY', message: `\`${axis}\` has no value, so there is no cell`, ...place }];
  }
  if (axis === 'env' && rest.some((step) => typeof step === 'string')) {
    const name = quote(String(path.at(-1)));
    const message =
      issue.code === 'invalid_key'
        ? `${name} is not a name of a variable: letters, digits and _`
        : `the value of ${name} is not a text`;
    return [
      {
        code: 'MATRIX_BAD_VALUE',
        message,
        ...place,
        ...(data === null ? { hint: "write '' for an empty text" } : {}),
      },
    ];
  }
  const suggestion = typeof data === 'object' ? null : row.suggest(data);
  const quoted = typeof data === 'string' && suggestion === data;
  return [
    {
      code: 'MATRIX_BAD_VALUE',
      message: `${quote(data)} is not a value of \`${axis}\`: ${explainMap(issue, data) ?? row.expects}`,
      ...place,
      ...(suggestion === null ? {} : { suggestion }),
      ...(quoted ? { hint: 'without quotes: it is a number' } : {}),
    },
  ];
}

/** What is wrong inside a map that an axis takes beside words: better than a list of all that it takes. */
function explainMap(issue: z.core.$ZodIssue, data: unknown): string | null {
  return typeof data === 'object' ? (listCustom(issue)[0] ?? null) : null;
}

const listCustom = (issue: z.core.$ZodIssue): readonly string[] =>
  issue.code === 'invalid_union'
    ? issue.errors.flat().flatMap(listCustom)
    : issue.code === 'custom'
      ? [issue.message]
      : [];

function describeStructure(expected: string, path: Path, data: unknown, source: Source): Problem {
  const place = source.placeOf(path);
  if (data === undefined) {
    const missing = quote(String(path.at(-1)));
    return {
      code: 'MATRIX_BAD_VALUE',
      message: `${missing} is missing`,
      ...source.placeOf(path.slice(0, -1)),
    };
  }
  const name = path.findLast((step) => typeof step === 'string');
  const of = name === undefined ? 'the file' : `\`${name}\``;
  const shown =
    typeof data === 'object' && data !== null ? (Array.isArray(data) ? 'a list' : 'a map') : quote(data);
  const words = expected.startsWith('one of ') ? expected.slice('one of '.length).split(', ') : [];
  const suggestion =
    (typeof data === 'string' ? nearest(data, words) : null) ??
    (typeof data === 'object' ? null : suggestOf(path, data));
  return {
    code: 'MATRIX_BAD_VALUE',
    message: `${of} is ${expected}, not ${shown}`,
    ...place,
    ...(suggestion === null ? {} : { suggestion }),
  };
}

/** Words that were `true` and `false` in YAML 1.1. */
const switches: Readonly<Record<string, string>> = { yes: 'true', on: 'true', no: 'false', off: 'false' };

/** A bound is only meant in a rule: in `measure`, `overhead` is a switch. */
function suggestOf(path: Path, data: unknown): string | null {
  // An item of a list is suggested for by the list's name.
  const key = String(path.findLast((step) => typeof step === 'string'));
  if (['share', 'serving'].includes(key) || (key === 'overhead' && path[0] === 'measure'))
    return switches[String(data)] ?? null;
  return suggestions[key]?.(data) ?? null;
}

function describeKey(path: Path, key: string, source: Source, table: AxisTable, base: Path): Problem {
  const place = source.placeOf([...path, key], 'key');
  const words = axisWords(table);
  const meant = nearest(key, words.keys());
  const axis = meant === null ? undefined : words.get(meant);
  const full = [...base, ...path];
  const isRoot = full.length === 0;
  const keys = keysAt(full, table);
  if (keys !== null) {
    const right = nearest(key, keys);
    const hint =
      right === null && axis !== undefined && path.at(-1) !== 'tier' && !isInSubject(full)
        ? `an axis: it belongs below \`${isRoot ? 'axes' : full[0] === 'cases' ? 'settings' : 'where'}\``
        : `known: ${keys.join(', ')}`;
    const message = `unknown key ${quote(key)}`;
    return {
      code: 'MATRIX_UNKNOWN_KEY',
      message,
      ...place,
      hint,
      ...(right === null ? {} : { suggestion: right }),
    };
  }
  const message = `unknown axis ${quote(key)}`;
  return axis === undefined
    ? { code: 'MATRIX_UNKNOWN_AXIS', message, ...place, hint: `known: ${Object.keys(table).join(', ')}` }
    : { code: 'MATRIX_UNKNOWN_AXIS', message, ...place, suggestion: axis };
}
