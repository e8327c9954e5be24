/** The worker's command line, as the launcher writes it. */
import { parseParameters, type PoolParameters } from '../allocator/pool-parameters.ts';
import type { EngineKind, Profile, Tier } from '../allocator/tier.ts';
import { tiers } from '../allocator/tier.ts';
import { parseServeOptions, type ServeOptions } from './serve-options.ts';

/** Null: the version that V8 or the library reports. */
export type AskedEngine = Readonly<{ kind: EngineKind; version: string | null }>;

export type WorkerArguments = Readonly<{
  /** Null: nothing left to try, only report. */
  tier: Tier | null;
  attempt: number;
  engine: AskedEngine;
  library: string | null;
  profile: Profile;
  /** Changes to the requested tier. */
  parameters: PoolParameters;
  /** Folder shared with the launcher and with the workers before and after. */
  state: string;
  once: boolean;
  /** Add the library's sha256 to the log. */
  digest: boolean;
  /** Null: nothing is served. */
  serve: ServeOptions | null;
}>;

/** A command line that makes no sense. The launcher passes exit code 2 on. */
export class UsageError extends Error {}

/** `--name value` pairs. Throws UsageError, AllocatorError or ServeError. */
export function parseArguments(argv: readonly string[]): WorkerArguments {
  const values = new Map<string, string>();
  for (let index = 0; index < argv.length; index += 2) {
    values.set(argv[index] ?? '', argv[index + 1] ?? '');
  }
  const read = (name: string) => values.get(`--${name}`) ?? '';
  const tier = read('tier');
  const library = read('library') === '' ? null : read('library');
  const profile = read('profile');
  if (profile !== 'spin' && profile !== 'wasmtime') {
    throw new UsageError(`--profile ${profile}: must be spin or wasmtime`);
  }
  return {
    tier: tiers.find((candidate) => candidate === tier) ?? null,
    attempt: Number(read('attempt')),
    engine: parseEngine(read('engine'), library),
    library,
    profile,
    parameters: parseParameters(read('parameters')),
    state: read('state'),
    once: read('once') === '1',
    digest: read('digest') === '1',
    serve: read('serve') === '' ? null : parseServeOptions(read('serve'), read('module'), read('limits')),
  };
}

/** `v8`, `wasmtime`, or `wasmtime@50.0.1`, which the library must be. */
function parseEngine(text: string, library: string | null): AskedEngine {
  const [kind, version = null] = text.split('@');
  if (kind === 'v8') return { kind, version: null };
  if (kind !== 'wasmtime') throw new UsageError(`--engine ${text}: must be wasmtime, wasmtime@VERSION or v8`);
  if (library === null) {
    throw new UsageError('no libwasmtime: give --library PATH or set POOLPROOF_LIBWASMTIME');
  }
  if (version !== null && !/^\d+\.\d+\.\d+/.test(version)) {
    throw new UsageError(`--engine ${text}: the version must be whole, as in wasmtime@50.0.1`);
  }
  return { kind, version };
}
