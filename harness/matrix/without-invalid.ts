/**
 * Takes what the form refused out of a value, so that the rest can be checked too and all problems are
 * shown together. Places stay those of the file.
 */
import type { z } from 'zod';
import { changeValue, type Origins, type Path, type Source } from './source.ts';

const rowLists: readonly unknown[] = ['exclude', 'include', 'expect', 'cases', 'subjects'];

/**
 * What goes with an issue: a value of an axis, a whole row or rule (without a part it would mean something else), or a
 * key.
 */
function refusedBy(issue: z.core.$ZodIssue): Path[] {
  const { path } = issue;
  const paths = issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...path, key]) : [path];
  return paths.map((refused) =>
    refused.slice(0, refused[0] === 'axes' ? 3 : rowLists.includes(refused[0]) ? 2 : 1),
  );
}

/** The same source without the refused parts. */
export function withoutRefused(source: Source, issues: readonly z.core.$ZodIssue[]): Source {
  const refused = new Set(issues.flatMap(refusedBy).map((path) => JSON.stringify(path)));
  const origins: Origins = new WeakMap();
  const prune = (value: unknown, path: Path, depth: number): unknown => {
    const isRefused = (step: PropertyKey): boolean => refused.has(JSON.stringify([...path, step]));
    if (depth === 0 || typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) {
      const kept = [...value.keys()].filter((index) => !isRefused(index));
      const list = kept.map((index) => prune(value[index], [...path, index], depth - 1));
      origins.set(list, new Map(kept.entries()));
      return list;
    }
    const entries = Object.entries(value)
      .filter(([key]) => !isRefused(key))
      .map(([key, part]) => [key, prune(part, [...path, key], depth - 1)] as const)
      .filter(([, part]) => !(path[0] === 'axes' && Array.isArray(part) && part.length === 0));
    return Object.fromEntries(entries);
  };
  return changeValue(source, prune(source.value, [], 3), origins);
}
