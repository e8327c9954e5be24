/** The measuring process' command line, as measure-command.ts writes it. */
import type { Checks, EngineId, Profile, Tier } from '../allocator/tier.ts';
import { tiers } from '../allocator/tier.ts';
import { parseParameters, type PoolParameters } from '../allocator/pool-parameters.ts';
import { UsageError } from './arguments.ts';
import type { Room, Subject } from './measure-command.ts';
import { clocks, findWorkload, type Clock, type Workload } from './workloads/catalogue.ts';

export type MeasureArguments = Readonly<{
  engine: EngineId;
  library: string | null;
  profile: Profile;
  clock: Clock;
  subjects: readonly Subject[];
  workloads: readonly Workload[];
  lengths: readonly number[];
  samples: number;
  /** One a subject. */
  planted: readonly number[];
  parameters: PoolParameters;
  /** Null: as the requested configuration needs. */
  room: Room | null;
  files: string;
  compiled: string | null;
}>;

/** `--name value` pairs. @throws UsageError */
export function parseMeasureArguments(argv: readonly string[]): MeasureArguments {
  const values = new Map<string, string>();
  for (let index = 0; index < argv.length; index += 2) {
    values.set(argv[index] ?? '', argv[index + 1] ?? '');
  }
  const optional = (name: string): string | null => values.get(`--${name}`) ?? null;
  const read = (name: string): string => {
    const value = optional(name);
    if (value === null || value === '') throw new UsageError(`--${name} is missing`);
    return value;
  };
  const list = (name: string): string[] => read(name).split(',');
  const number = (text: string): number => {
    const value = Number(text);
    if (!(value > 0)) throw new UsageError(`${text}: a number above 0 is needed`);
    return value;
  };
  const profile = read('profile');
  if (profile !== 'spin' && profile !== 'wasmtime') throw new UsageError(`--profile ${profile}`);
  const clock = clocks.find((name) => name === read('clock'));
  if (clock === undefined) throw new UsageError(`--clock ${read('clock')}: must be time or instructions`);
  const subjects = list('subjects').map(parseSubject);
  return {
    engine: parseEngine(read('engine')),
    library: optional('library'),
    profile,
    clock,
    subjects,
    workloads: list('workloads').map((name) => {
      const found = findWorkload(name);
      if (found === undefined) throw new UsageError(`there is no workload ${name}`);
      if (!found.clocks.includes(clock)) throw new UsageError(`${name} is not measurable in ${clock}`);
      return found;
    }),
    lengths: list('lengths').map(number),
    samples: Number(read('samples')),
    planted: optional('planted')?.split(',').map(number) ?? subjects.map(() => 1),
    parameters: parseParameters(optional('parameters') ?? ''),
    room: parseRoom(optional('room')),
    files: read('files'),
    compiled: optional('compiled'),
  };
}

/** Inverse of how measure-command.ts writes it. */
function parseRoom(text: string | null): Room | null {
  if (text === null) return null;
  const [limit, bits] = text.split(',').map((part) => (part === '' ? null : Number(part)));
  return { addressSpaceLimit: limit ?? null, addressBits: bits ?? null };
}

function parseEngine(text: string): EngineId {
  const [kind, version] = text.split('@');
  if (kind === 'v8') return { kind, version: process.versions.v8 };
  if (kind !== 'wasmtime' || version === undefined) {
    throw new UsageError(`--engine ${text}: must be wasmtime@VERSION or v8`);
  }
  return { kind, version };
}

/** `conservative/explicit` */
export function parseSubject(text: string): Subject {
  const [name, form] = text.split('/');
  const tier: Tier | undefined = tiers.find((candidate) => candidate === name);
  const checks: Checks | undefined = (['elided', 'explicit'] as const).find(
    (candidate) => candidate === form,
  );
  if (tier === undefined || checks === undefined) {
    throw new UsageError(`--subjects ${text}: must be TIER/elided or TIER/explicit`);
  }
  return { tier, checks };
}
