/** Kinds of versions: those that are pinned, and any other that is published. */
import { z } from 'zod';
import { type AxisKind, literals, outsideRange, plainVersion } from './kinds.ts';
import { nearest } from './nearest-word.ts';

/** Node 12 is the first with the modern WebAssembly interface and without V8's process-wide limit of memories. */
export const oldestNode = 12;
/** The first whose C interface can configure pools. */
export const oldestEngine = 32;

const versionPattern = /^\d{1,3}\.\d{1,3}\.\d{1,3}$/;

const majorOf = (version: string): number => Number(version.split('.')[0]);

/** A pinned release line (`22`), or any whole version from {@link oldestNode} on (`22.13.0`). */
export function nodeVersions(lines: readonly string[]): AxisKind<string> {
  const isVersion = (text: string): boolean => versionPattern.test(text) && majorOf(text) >= oldestNode;
  return {
    expects: `one of ${lines.join(', ')} (pinned release lines of Node), or a whole version from ${oldestNode}.0.0 on`,
    schema: z.union([
      literals(lines),
      z.string().regex(versionPattern, { abort: true }).refine(isVersion, { message: outsideRange }),
    ]),
    stored: z.string(),
    format: String,
    suggest: (input) => {
      const text = plainVersion(input);
      if (text === input) return null;
      // No number is near another one.
      return lines.includes(text) || isVersion(text) ? text : null;
    },
  };
}

/** `wasmtime`, `v8`, or `wasmtime@` with a pinned version or any other from {@link oldestEngine} on. */
export function engineNames(pinned: readonly string[]): AxisKind<string> {
  const names = ['wasmtime', ...pinned.map((version) => `wasmtime@${version}`), 'v8'];
  const pattern = /^wasmtime@\d{1,3}\.\d{1,3}\.\d{1,3}$/;
  const isEngine = (text: string): boolean =>
    pattern.test(text) && majorOf(text.slice('wasmtime@'.length)) >= oldestEngine;
  return {
    expects: `one of ${names.join(', ')} (pinned engines), or wasmtime@ with any version from ${oldestEngine}.0.0 on`,
    schema: z.union([
      z.literal(names),
      z.string().regex(pattern, { abort: true }).refine(isEngine, { message: outsideRange }),
    ]),
    stored: z.string(),
    format: String,
    suggest: (input) => {
      const text = plainVersion(input);
      // `v8` is a name, not a version.
      const written = String(input).trim();
      // `38` or `wasmtime@38` for `wasmtime@38.0.0`.
      const longer = names.find((name) => `${name}.`.includes(`@${text.replace(/^.*@/, '')}.`));
      const full = text.includes('@') ? text : `wasmtime@${text}`;
      return (
        names.find((name) => name === written && name !== input) ??
        longer ??
        (isEngine(full) && full !== input ? full : /^\d+$/.test(text) ? null : nearest(text, names))
      );
    },
  };
}
