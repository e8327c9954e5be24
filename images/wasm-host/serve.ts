/** Serves a module with the tier that was proven: threads over one engine, HTTP before them, an end without loss. */
import { readFileSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { describeShortfall } from '../allocator/explain.ts';
import type { Holding, LimitFacts } from '../allocator/limits.ts';
import type { Shortfall } from '../allocator/prediction.ts';
import type { HostReport, Proof } from '../allocator/host-report.ts';
import type { Library, Pointer } from './libwasmtime.ts';
import type { Proven } from './measured.ts';
import { readMoment } from './proc.ts';
import { ProofError } from './proof-error.ts';
import { writeAll } from './report.ts';
import { ServeError } from './serve-error.ts';
import { describeAddress, openFront } from './serve-http.ts';
import type { SharedEngine, ThreadData } from './serve-instance.ts';
import { openLog } from './serve-log.ts';
import { openMetrics } from './serve-metrics.ts';
import { readServed, type Abi, type Served } from './serve-module.ts';
import type { ServeOptions } from './serve-options.ts';
import { ServePool, type Thread } from './serve-pool.ts';
import { launcherName, watchParents } from './serve-parents.ts';
import { fitMemories, fitThreads, wasmPageBytes, type MemorySize } from './serve-room.ts';
import { openCollector, prepareV8 } from './serve-v8.ts';
import { prepareWasmtime } from './serve-wasmtime.ts';

export type ServeInput = Readonly<{
  options: ServeOptions;
  proven: Proven;
  /** Null: V8. */
  library: Library | null;
  proof: Proof;
  /** From before this process. */
  facts: LimitFacts;
}>;

export type Prepared = Readonly<{
  abi: Abi;
  shared: SharedEngine;
  threads: number;
  wanted: number;
  /** What refuses the next thread; null where all fit. */
  shortfall: Shortfall | null;
  input: ServeInput;
}>;

/**
 * Address space for machine code of a thread's JavaScript. V8 would reserve 512 MiB, and end the whole process where
 * they are not to be had; code of WebAssembly lies elsewhere.
 */
const codeRangeSizeMb = 32;

/** Of a 32-bit memory: 4 GiB. */
const maxWasmPages = 65_536;

/** Steps of an engine's epoch within the time of an instance. */
const ticksPerLimit = 20;

/** For a busy machine, whose ticks come late. */
const interruptGraceMs = 1000;

/**
 * The module in the engine that was proven, before anything listens.
 *
 * @throws ServeError BAD_MODULE
 * @throws ProofError where the tier leaves no room for a thread that serves: it fails for this process
 */
export function prepareServing(input: ServeInput): Prepared {
  const { options, proven, library, proof, facts } = input;
  const { slots } = proof;
  const file = options.module;
  const wasm = readModule(file);
  const served = readServed(file, wasm);
  proven.release();
  // The memories of the proof: no other thread could collect them.
  if (library === null) openCollector()();
  const wanted = Math.max(1, Math.min(options.limits.threads ?? availableParallelism(), slots ?? Infinity));
  const instanceBytes = library !== null && slots === null ? proof.reservedBytes : 0;
  const room = fitThreads(wanted, instanceBytes, readHolding(), facts);
  const { threads, shortfall } = room;
  if (threads === 0)
    throw new ProofError(
      'engine',
      shortfall === null ? 'no thread fits' : `to serve, ${describeShortfall(shortfall)}`,
    );
  const shared =
    library === null
      ? prepareV8(file, wasm, fitMemories(sizeMemory(served, proof), room, facts))
      : prepareWasmtime(library, proven.engine, file, wasm, served.abi);
  return { abi: served.abi, shared, threads, wanted, shortfall, input };
}

function readHolding(): Holding {
  const { virtualBytes, writableBytes, maps } = readMoment();
  return { virtual: virtualBytes, writable: writableBytes, maps: maps.length };
}

/** Guard regions are the same for all memories; without them, V8 reserves as much as a memory may grow to. */
function sizeMemory({ memory }: Served, { slots, reservedBytes }: Proof): MemorySize {
  const most = memory.maxPages ?? maxWasmPages;
  return {
    reservedBytes: slots === null ? most * wasmPageBytes : reservedBytes / slots,
    initialBytes: memory.pages * wasmPageBytes,
    isGuarded: slots !== null,
  };
}

function readModule(file: string): Uint8Array {
  try {
    return new Uint8Array(readFileSync(file));
  } catch (error) {
    throw new ServeError('BAD_MODULE', error instanceof Error ? error.message : String(error), {
      cause: error,
    });
  }
}

/** Listens until the process is told to stop; ends the process. @throws ServeError NO_THREAD or BAD_ADDRESS */
export async function startServing(
  prepared: Prepared,
  report: HostReport,
  stateFolder: string,
): Promise<void> {
  const { abi, input, threads, wanted, shortfall } = prepared;
  const { limits, address, module } = input.options;
  const log = openLog((text) => writeAll(3, `wasm host: ${text}\n`));
  const pool = openPool(prepared, stateFolder);
  const failure = await pool.start();
  if (pool.state.threads === 0)
    throw new ServeError('NO_THREAD', `no thread for instances starts: ${failure ?? ''}`);
  if (shortfall !== null)
    log(`warning: ${threads} of ${wanted} threads fit: ${describeShortfall(shortfall)}`);
  if (failure !== null) log(`warning: ${pool.state.threads} of ${threads} threads started: ${failure}`);
  let isStopping = false;
  const slots = report.proof?.slots ?? null;
  const server = openFront({
    abi,
    limits,
    pool,
    log,
    isStopping: () => isStopping,
    metrics: openMetrics(
      { tier: report.tier ?? '', engine: `${report.engine.kind} ${report.engine.version}`, slots },
      () => pool.state,
    ),
    health: () => describeHealth(report, module, isStopping, pool),
  });
  await listen(server, address);
  let isOrphan = false;
  const leave = (): void => {
    // Nobody else is left to remove it.
    if (isOrphan) rmSync(stateFolder, { recursive: true, force: true });
    // process.exit waits for threads, and one in a call of wasmtime's may never be back.
    input.library?.call('_exit', 0);
    process.exit(0);
  };
  const stop = (why: string): void => {
    if (isStopping) return;
    isStopping = true;
    log(`${why}: stopping`);
    end(server, limits.drain, log, leave);
  };
  process.on('SIGTERM', () => stop('SIGTERM'));
  process.on('SIGINT', () => stop('SIGINT'));
  watchParents((who) => {
    isOrphan = who === launcherName;
    stop(`${who} is gone`);
  });
  // Last: whoever reads it may stop the host at once.
  writeAll(
    1,
    `wasm host: serving ${module} on ${describeAddress(server)} (${pool.state.threads} threads, queue of ${limits.queue})\n`,
  );
}

function describeHealth(report: HostReport, module: string, isStopping: boolean, pool: ServePool): object {
  const { tier, why, node, proof } = report;
  const { kind, version } = report.engine;
  return {
    status: isStopping ? 'stopping' : 'serving',
    tier,
    why,
    checks: proof?.checks,
    slots: proof?.slots ?? null,
    engine: { kind, version },
    node,
    module: path.basename(module),
    ...pool.state,
  };
}

function openPool({ shared, threads, input }: Prepared, folder: string): ServePool {
  const { limits } = input.options;
  const limitMs = limits.seconds * 1000;
  const tickMs = Math.max(5, Math.min(100, limitMs / ticksPerLimit));
  const ticks = Math.ceil(limitMs / tickMs) + 1;
  const threadData = { shared, limits: { answer: limits.answer, ticks }, folder };
  const { library } = input;
  const engine: Pointer = shared.kind === 'wasmtime' ? shared.engine : null;
  return new ServePool({
    threads,
    queue: limits.queue,
    limitMs,
    // Wasmtime's instances end by the epoch, at a tick after their time.
    graceMs: engine === null ? 0 : interruptGraceMs,
    canTerminate: engine === null,
    maxThreads: Math.min(4 * threads, input.proof.slots ?? Infinity),
    startThread: (claims): Thread =>
      new Worker(new URL('serve-thread.cjs', import.meta.url), {
        workerData: { ...threadData, claims } satisfies ThreadData,
        // Without the warning that WASI is experimental.
        execArgv: ['--no-warnings'],
        resourceLimits: { codeRangeSizeMb },
      }),
    onTick: () => {
      if (engine !== null) library?.call('wasmtime_engine_increment_epoch', engine);
    },
    tickMs,
    now: () => performance.now(),
  });
}

async function listen(server: Server, { host, port }: ServeOptions['address']): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(new ServeError('BAD_ADDRESS', `--serve ${host}:${port}: ${error.message}`, { cause: error })),
    );
    server.listen(port, host, resolve);
  });
}

/** Requests that are there finish; idle connections end now. */
function end(server: Server, drainSeconds: number, log: (text: string) => void, leave: () => void): void {
  server.close(leave);
  server.closeIdleConnections();
  setTimeout(() => {
    log(`connections were cut off after ${drainSeconds} s`);
    leave();
  }, drainSeconds * 1000);
}
