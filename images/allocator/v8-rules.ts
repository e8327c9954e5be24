/**
 * V8's rules for guard regions, by version of Node. Measured on Node 18.20.8, 20.20.2, 22.23.3, 24.18.0, 24.21.0 and
 * 26.10.0; first releases and lines between them by `matrices/versions.yaml`.
 */
import { parseVersion } from './engines.ts';
import type { Limit } from './facts.ts';
import { GiB } from './sizes.ts';

/**
 * Address space of one guarded 32-bit memory: 2 GiB before and 8 GiB from the start. The former is there with V8 12.4
 * (Node 22) and gone with 12.9 (Node 23); no Node has a version between.
 */
export function cageBytes(v8Version: string): number {
  const [major, minor] = parseVersion(v8Version);
  return major > 12 || (major === 12 && minor >= 9) ? 8 * GiB : 10 * GiB;
}

/** `--disable-wasm-trap-handler` exists (nodejs/node#52766): 20.15, 22.2 and later. */
export function hasTrapHandlerFlag(node: string): boolean {
  const [major, minor] = parseVersion(node);
  if (major === 20) return minor >= 15;
  if (major === 22) return minor >= 2;
  return major > 22;
}

/** The limit below which Node itself leaves the guards off (nodejs/node#62132): 24.19 and 26.0. */
export const guardedFromBytes = 16 * GiB;

/**
 * Node starts with guards. It looks at RLIMIT_AS only, at the raw limit (off at 16,777,215 kB, on at
 * 16,777,216 kB); older releases never turn them off by themselves.
 */
export function startsGuarded(node: string, addressSpaceLimit: Limit): boolean {
  const [major, minor] = parseVersion(node);
  const looks = major > 25 || (major === 24 && minor >= 19);
  return !looks || addressSpaceLimit === null || addressSpaceLimit >= guardedFromBytes;
}

/**
 * V8's version per release line of Node, for predicting before any Node has run; of lines that moved to another V8 the
 * last one (`process.versions.v8` of 12.22, 13.14, 14.21, 15.14, 16.20 and 17.9).
 */
const v8Majors: Readonly<Record<number, string>> = {
  12: '7.8',
  13: '7.9',
  14: '8.4',
  15: '8.6',
  16: '9.4',
  17: '9.6',
  18: '10.2',
  19: '10.8',
  20: '11.3',
  21: '11.8',
  22: '12.4',
  23: '12.9',
  24: '13.6',
  25: '14.1',
  26: '14.6',
};

/** V8 version of a Node release, from its release line; a line that is not in the table counts as the nearest one. */
export function v8VersionOf(node: string): string {
  const [line] = parseVersion(node);
  const away = ([release]: readonly [string, string]): number => Math.abs(Number(release) - line);
  const nearer = (one: [string, string], other: [string, string]) => (away(other) < away(one) ? other : one);
  return v8Majors[line] ?? Object.entries(v8Majors).reduce(nearer)[1];
}
