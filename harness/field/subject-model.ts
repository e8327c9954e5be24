/** Predicts whether a subject that stands for a reported act succeeds. */
import { describeShortfall } from '../../images/allocator/explain.ts';
import { nodeThreads, resolveProcessCost } from '../../images/allocator/processes.ts';
import { formatPair } from '../../images/allocator/sizes.ts';
import {
  cageBytes,
  hasTrapHandlerFlag,
  startsGuarded,
  v8VersionOf,
} from '../../images/allocator/v8-rules.ts';
import { cpuFlags } from '../axes/cpu-models.ts';
import { parseCpu } from '../axes/cpu-kind.ts';
import { hostSubject } from '../axes/host.ts';
import { defaultSettings, type Settings } from '../axes/table.ts';
import { estimateFacts } from '../plan/estimate-facts.ts';
import { flagsOfModel } from './cpu-rules.ts';
import { predictSettings } from './model.ts';

const mib = 2 ** 20;
export const trapHandlerFlag = '--disable-wasm-trap-handler';
/** V8 without code of its own: Node runs where no memory may become executable. */
export const interpretedFlag = '--jitless';
/** glibc reserves so much address space for the arena of a thread. */
const arenaBytes = 64 * mib;
/**
 * Arenas that Node holds when it has started. The cost of its start was measured with MALLOC_ARENA_MAX=1, as the wasm
 * host runs; subjects run without. `ulimit -v` halved around `node -e 0`: 22.23.5 needs 734 MiB and with one arena 671,
 * 20.20.2 needs 714 and 650.
 */
const startArenas = 1;
/**
 * Arenas of what runs after it. By the same measure one memory of 22.23.5 needs 10,973 MiB and fetch() 11,296, of
 * 20.20.2 10,956 and 11,214: the start and the memory, and five arenas more where files are read and names resolved.
 * Chance decides how many threads have one, so there is room for more.
 */
const arenasOf: Readonly<Record<string, number>> = { 'node-fetch': 8, 'node-cjs-import': 8 };
const plainArenas = 2;
/** A memory without guards takes its maximum: 100 pages in these subjects. */
const unguardedBytes = 7 * mib;

const memoriesOf: Readonly<Record<string, (env: Settings['env']) => number>> = {
  'node-start': () => 0,
  'node-fetch': () => 1,
  'node-cjs-import': () => 1,
  'node-instance': ({ INSTANCES = '1' }) => Number(INSTANCES),
  'node-memories': ({ MEMORIES = '2' }) => Number(MEMORIES),
  'node-simd': () => 0,
  'node-threads': () => 0,
  'wasmtime-module': () => 0,
};

/** libuv starts so many for the first file that is read; a worker or a process is one. */
const poolThreads = 4;

/** Processes and threads that a subject has at a time. */
function threadsOf({ subject, env, cpus }: Settings): number {
  if (subject === 'node-threads')
    return nodeThreads + (env['HOW'] === undefined || env['HOW'] === 'pool' ? poolThreads : 1);
  // One that compiles per processor, unless it is told otherwise.
  return nodeThreads + (subject === 'wasmtime-module' ? Number(env['RAYON_NUM_THREADS'] ?? cpus) : 0);
}

/** Instructions that a subject needs, in QEMU's words; V8 wants two for SIMD, Wasmtime more, workerd ends without. */
export const neededFlags: Readonly<Record<string, readonly string[]>> = {
  'node-simd': ['ssse3', 'sse4.1'],
  'wasmtime-module': ['sse3', 'ssse3', 'sse4.1', 'sse4.2'],
  workerd: ['sse4.2', 'popcnt'],
};

/** Of these flags, what a `cpu` lacks; `max` has every one. */
export function lackingFlags(cpu: string | null, needed: readonly string[]): readonly string[] {
  const parsed = cpu === null ? null : parseCpu(cpu);
  if (parsed === null) return [];
  const own = flagsOfModel(parsed.model);
  return needed.filter((flag) => cpuFlags[flag] !== undefined && !(parsed.flags[flag] ?? own.includes(flag)));
}

export const hasTrapHandlerOff = ({ env, node }: Settings): boolean =>
  hasTrapHandlerFlag(node) && (env['NODE_OPTIONS'] ?? '').includes(trapHandlerFlag);

const startArenaBytes = ({ env }: Settings): number =>
  env['MALLOC_ARENA_MAX'] === '1' ? 0 : startArenas * arenaBytes;

/** Address space of one memory of this Node, and of Node itself; bytes. */
export function spaceOf(settings: Settings): Readonly<{ memory: number; start: number; guarded: boolean }> {
  const facts = estimateFacts(settings);
  const guarded = startsGuarded(settings.node, facts.addressSpaceLimit) && !hasTrapHandlerOff(settings);
  return {
    memory: guarded ? cageBytes(v8VersionOf(settings.node)) : unguardedBytes,
    start: resolveProcessCost(settings.node, facts).start.virtual + startArenaBytes(settings),
    guarded,
  };
}

/** What keeps Node from coming up, by the model of the wasm host; null where nothing does. */
function findStartLimit(settings: Settings, slackBytes: number): string | null {
  const { subject, env, allocator, profile } = defaultSettings();
  // Its threads are counted by themselves.
  const addressSpace =
    settings.addressSpace === null ? null : Math.max(0, settings.addressSpace - startArenaBytes(settings));
  const limits = { pidsMax: null, processes: null, addressSpace };
  const plain: Settings = { ...settings, ...limits, subject, env, allocator, profile, engine: 'v8' };
  const prediction = predictSettings(plain, slackBytes);
  if (prediction === null) return 'the model knows no start of this Node';
  return prediction.startup === null ? null : describeShortfall(prediction.startup);
}

function findThreadLimit(settings: Settings): string | null {
  const limits = { 'pids.max': settings.pidsMax, RLIMIT_NPROC: settings.processes };
  const threads = threadsOf(settings);
  const [least] = Object.entries(limits)
    .flatMap(([name, count]) => (count !== null && count < threads ? [{ name, count }] : []))
    .sort((a, b) => a.count - b.count);
  return least === undefined
    ? null
    : `the subject needs ${threads} processes and threads, ${least.name} allows ${least.count}`;
}

/** What keeps a subject that stands for an act from it; null where nothing does. */
function findSubjectLimit(settings: Settings, memories: number, slackBytes: number): string | null {
  const threads = findThreadLimit(settings);
  if (threads !== null) return threads;
  const isInterpreted = (settings.env['NODE_OPTIONS'] ?? '').includes(interpretedFlag);
  const start = findStartLimit({ ...settings, ...(isInterpreted && { mdwe: 'off' }) }, slackBytes);
  if (start !== null) return start;
  // What it compiles is code all the same.
  if (settings.subject === 'wasmtime-module' && settings.mdwe !== 'off')
    return `memory for machine code is to become executable, which mdwe ${settings.mdwe} refuses`;
  const lacking = lackingFlags(settings.cpu, neededFlags[settings.subject] ?? []);
  if (lacking.length > 0)
    return `the subject needs the instructions ${lacking.join(', ')}, which the CPU ${settings.cpu ?? ''} lacks`;
  const { addressSpaceLimit } = estimateFacts(settings);
  if (addressSpaceLimit === null || memories === 0) return null;
  const { memory, start: startBytes } = spaceOf(settings);
  const arenas = (arenasOf[settings.subject] ?? plainArenas) * arenaBytes;
  const needed = startBytes + arenas + memories * memory;
  const left = addressSpaceLimit - slackBytes;
  if (needed <= left) return null;
  const [need, allowed] = formatPair(needed, left);
  return `Node and ${memories === 1 ? 'a memory' : `${memories} memories`} need ${need} of address space, RLIMIT_AS allows ${allowed}`;
}

/**
 * Whether the subject does its act, and what keeps it from that.
 * @param slackBytes taken from every limit in bytes
 * @returns null for a subject that the model knows nothing about, the wasm host included
 */
export function judgeSubject(settings: Settings, slackBytes = 0): Readonly<{ limit: string | null }> | null {
  const memories = memoriesOf[settings.subject]?.(settings.env);
  if (memories === undefined || settings.subject === hostSubject) return null;
  return { limit: findSubjectLimit(settings, memories, slackBytes) };
}

/** As `judgeSubject`, without the limit. */
export function predictSubject(settings: Settings, slackBytes = 0): boolean | null {
  const judged = judgeSubject(settings, slackBytes);
  return judged === null ? null : judged.limit === null;
}
