/** The request to a measuring process, and its command line, here or in a guest. */
import { fileURLToPath } from 'node:url';
import type { Facts } from '../allocator/facts.ts';
import { formatParameters, type PoolParameters } from '../allocator/pool-parameters.ts';
import type { Checks, EngineKind, Tier } from '../allocator/tier.ts';
import { compilerFlags, nativesFlag, trapHandlerFlag } from './measure-v8.ts';
import type { HostCommand } from './launch.ts';
import type { Clock } from './workloads/catalogue.ts';

/** One engine configuration to be measured: a tier with its checks. */
export type Subject = Readonly<{ tier: Tier; checks: Checks }>;

export type Room = Pick<Facts, 'addressSpaceLimit' | 'addressBits'>;

export type MeasureRequest = Readonly<{
  engine: EngineKind;
  /** Version of libwasmtime; null for v8. */
  version: string | null;
  /** Path of libwasmtime; null for v8. */
  library: string | null;
  profile: string;
  clock: Clock;
  /** In the order of their samples; the same one twice is a pair of equals, A/A. */
  subjects: readonly Subject[];
  /** Names of workloads. */
  workloads: readonly string[];
  /** Fractions of a workload's length; two make a slope. @default [1] */
  lengths?: readonly number[];
  /** Samples of each subject, workload and length; 0 only compiles. @default 8 */
  samples?: number;
  /**
   * Factor on the work of each subject: 1.05 plants a slow-down of 5 %, to show that the method finds it. @default 1
   * for all
   */
  planted?: readonly number[] | undefined;
  /** Folder with the files of packages.ts. */
  files: string;
  /** Folder of modules compiled ahead; made and filled when it is empty. @default none: compiled anew */
  compiled?: string | undefined;
  /** @default the running Node */
  node?: string;
  /** Pool parameters of every subject's tier, as a wasm host gets them. @default the tier's own */
  parameters?: PoolParameters | undefined;
  /** The address space by which tiers with parameters take their form. @default as the requested configuration needs */
  room?: Room | undefined;
  /** The compiled program. @default the one beside this file */
  program?: string;
}>;

export const formatSubject = ({ tier, checks }: Subject): string => `${tier}/${checks}`;

/** `8589934592,48`; an unlimited value is empty. */
const formatRoom = ({ addressSpaceLimit, addressBits }: Room): string =>
  `${addressSpaceLimit ?? ''},${addressBits ?? ''}`;

/**
 * The command of one measuring process. For V8 with explicit checks only, the process has no guard
 * regions at all (Node's own flag, as in the tier); with both kinds it has, and V8 compiles both.
 */
export function measureCommand(request: MeasureRequest): HostCommand {
  const { engine, version, subjects } = request;
  const flags = engine === 'v8' ? [...compilerFlags] : [];
  // V8 keeps its flags, not a subject's checks, with a module's code: a file for a process with one subject only.
  const compiled = engine === 'v8' && subjects.length > 1 ? undefined : request.compiled;
  if (engine === 'v8' && compiled !== undefined) flags.push(nativesFlag);
  if (engine === 'v8' && subjects.every(({ checks }) => checks === 'explicit')) flags.push(trapHandlerFlag);
  return {
    command: request.node ?? process.execPath,
    args: [
      ...flags,
      request.program ?? fileURLToPath(new URL('measure.js', import.meta.url)),
      ...['--engine', version === null ? engine : `${engine}@${version}`],
      ...(request.library === null ? [] : ['--library', request.library]),
      ...['--profile', request.profile],
      ...['--clock', request.clock],
      ...['--subjects', subjects.map(formatSubject).join(',')],
      ...['--workloads', request.workloads.join(',')],
      ...['--lengths', (request.lengths ?? [1]).join(',')],
      ...['--samples', String(request.samples ?? 8)],
      ...(request.planted === undefined ? [] : ['--planted', request.planted.join(',')]),
      ...(request.parameters === undefined ? [] : ['--parameters', formatParameters(request.parameters)]),
      ...(request.room === undefined ? [] : ['--room', formatRoom(request.room)]),
      ...['--files', request.files],
      ...(compiled === undefined ? [] : ['--compiled', compiled]),
    ],
  };
}
