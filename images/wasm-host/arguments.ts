/** The worker's command line, as the launcher writes it. */
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseParameters, type PoolParameters } from '../allocator/pool-parameters.ts';
import type { EngineId, Profile, Tier } from '../allocator/tier.ts';
import { tiers } from '../allocator/tier.ts';

export type WorkerArguments = Readonly<{
  /** Null: nothing left to try, only report. */
  tier: Tier | null;
  attempt: number;
  engine: EngineId;
  library: string | null;
  profile: Profile;
  /** Changes to the tier asked for. */
  parameters: PoolParameters;
  /** Folder shared with the launcher and with the workers before and after. */
  state: string;
  once: boolean;
}>;

/** A command line nobody can act on. The launcher passes exit code 2 on. */
export class UsageError extends Error {}

/** `--name value` pairs and `--once`. Throws UsageError. */
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
    engine: resolveEngine(read('engine'), library),
    library,
    profile,
    parameters: parseParameters(read('parameters')),
    state: read('state'),
    once: read('once') === '1',
  };
}

/** `v8`, `wasmtime@50.0.1`, or `wasmtime` with a library whose Python package says its version. */
function resolveEngine(text: string, library: string | null): EngineId {
  const [kind, version] = text.split('@');
  if (kind === 'v8') return { kind, version: process.versions.v8 };
  if (kind !== 'wasmtime') throw new UsageError(`--engine ${text}: must be wasmtime, wasmtime@VERSION or v8`);
  if (library === null) {
    throw new UsageError('no libwasmtime: give --library PATH or set POOLPROOF_LIBWASMTIME');
  }
  const found = version ?? findVersion(library);
  if (found === null || !/^\d+\.\d+\.\d+/.test(found)) {
    throw new UsageError(`the version of ${library} is not known: say --engine wasmtime@VERSION`);
  }
  return { kind, version: found };
}

/** libwasmtime cannot be asked; its Python package keeps `wasmtime-50.0.1.dist-info` two folders up. */
function findVersion(library: string): string | null {
  const root = join(dirname(library), '..', '..');
  if (!existsSync(root)) return null;
  for (const name of readdirSync(root)) {
    const version = /^wasmtime-(.+)\.dist-info$/.exec(name)?.[1];
    if (version !== undefined) return version;
  }
  return null;
}
