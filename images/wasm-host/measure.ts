/**
 * Measures workloads in the forms of tiers it is given, in one process, and prints the raw samples as
 * one line of JSON. Started by the overhead command on hardware, and in guests where instructions count.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AllocatorError } from '../allocator/allocator-error.ts';
import {
  resolveTierConfiguration,
  type TierConfiguration,
  type WasmtimeConfiguration,
} from '../allocator/configuration.ts';
import { GiB } from '../allocator/sizes.ts';
import { UsageError } from './arguments.ts';
import { parseMeasureArguments, type MeasureArguments } from './measure-arguments.ts';
import { openClock, type Reading } from './measure-clock.ts';
import type { Subject } from './measure-command.ts';
import { openLibrary } from './libwasmtime.ts';
import type { MeasureReport, WorkloadMeasurement } from './measure-report.ts';
import { chooseTimed, settle, takeSamples } from './measure-samples.ts';
import { loadV8 } from './measure-v8.ts';
import { openWasmtimeEngine, type CompiledWasmtime } from './measure-wasmtime.ts';
import { readFacts, readUsage } from './proc.ts';
import { ProofError } from './proof-error.ts';
import { writeAll } from './report.ts';
import { isVersionOf, readEngineVersion } from './serialized-module.ts';
import type { Workload } from './workloads/catalogue.ts';
import type { Loaded, Running } from './workloads/instance.ts';
import { kernels } from './workloads/kernels.ts';
import { lifeCycles } from './workloads/life-cycle.ts';
import { programs } from './workloads/programs.ts';

const exitUsage = 2;
const exitFailed = 10;

/** A module as one subject runs it. */
type Module = Readonly<{ loaded: Loaded; code: string | null }>;

type Engine = Readonly<{ load: (name: string) => Module }>;

/** A limit on address space at which each tier takes the requested configuration: 8 GiB hold no slots of 4 GiB. */
const formFacts = {
  elided: { addressSpaceLimit: null, addressBits: null },
  explicit: { addressSpaceLimit: 8 * GiB, addressBits: null },
} as const;

function configure(args: MeasureArguments, { tier, checks }: Subject): TierConfiguration {
  const { engine, profile, parameters } = args;
  const facts = args.room ?? formFacts[checks];
  const found = resolveTierConfiguration(tier, { engine, profile, env: process.env, facts, parameters });
  if (found.checks !== checks) throw new UsageError(`${engine.kind} has no ${tier} with ${checks} checks`);
  return found;
}

function readModule({ files }: MeasureArguments, name: string): Buffer {
  const own = new URL(`workloads/${name}.wasm`, import.meta.url);
  return readFileSync(existsSync(own) ? own : join(files, `${name}.wasm`));
}

function openEngine(args: MeasureArguments, subject: Subject, index: number): Engine {
  const known = new Map<string, Module>();
  const configuration = configure(args, subject);
  const compile =
    configuration.kind === 'v8' ? compileV8(args, subject, index) : compileWasmtime(args, configuration);
  return {
    load: (name) => {
      const present = known.get(name);
      if (present !== undefined) return present;
      const module = compile(name);
      known.set(name, module);
      return module;
    },
  };
}

const compileV8 =
  (args: MeasureArguments, { checks }: Subject, index: number) =>
  (name: string): Module => {
    const file = args.compiled && join(args.compiled, `${name}.v8-${args.engine.version}.${checks}.bin`);
    return { loaded: loadV8(readModule(args, name), checks, index, file), code: null };
  };

function compileWasmtime(
  args: MeasureArguments,
  configuration: WasmtimeConfiguration,
): (name: string) => Module {
  const engine = openWasmtimeEngine(openLibrary(args.library ?? ''), configuration);
  const { reservationBytes, guardBytes, growthBytes } = configuration;
  // The tiers were configured for the version asked for, which may be less of it than the library says.
  const compileChecked = (name: string): CompiledWasmtime => {
    const compiled = engine.compile(readModule(args, name));
    const version = readEngineVersion(compiled.serialized);
    if (isVersionOf(version, args.engine.version) || isVersionOf(args.engine.version, version))
      return compiled;
    throw new UsageError(`${args.library ?? ''} is wasmtime ${version}, not ${args.engine.version}`);
  };
  return (name) => {
    if (args.compiled === null) return compileChecked(name);
    // Tiers whose settings for code are equal share the file; the engine itself refuses one that does not fit.
    const file = join(
      args.compiled,
      `${name}.${args.engine.version}.${reservationBytes}-${guardBytes}-${growthBytes}.cwasm`,
    );
    if (existsSync(file)) return engine.deserialize(readFileSync(file));
    const compiled = compileChecked(name);
    mkdirSync(args.compiled, { recursive: true });
    writeFileSync(file, compiled.serialized);
    return compiled;
  };
}

function start(args: MeasureArguments, workload: Workload, engine: Engine): Running {
  const cycle = lifeCycles[workload.name];
  const lives = cycle && engine.load(cycle.module).loaded.cycle?.(cycle);
  if (lives !== undefined) return lives;
  const begin = kernels[workload.name] ?? programs[workload.name];
  if (begin === undefined) throw new UsageError(`${workload.name} cannot be started`);
  return begin({
    load: (name) => engine.load(name).loaded,
    read: (file) => readFileSync(join(args.files, file)),
  });
}

function measure(
  args: MeasureArguments,
  engines: readonly Engine[],
  workload: Workload,
  clock: () => Reading,
): WorkloadMeasurement {
  const code = engines.map((engine) => engine.load(workload.module).code);
  // No samples: the modules were to be compiled ahead, and that is done.
  if (args.samples === 0) return { workload: workload.name, code, checksums: [], series: [] };
  const isPlanted = args.planted.some((factor) => factor !== 1);
  // Equal code proves nothing about instances that come and go.
  const timed =
    isPlanted || workload.kind === 'life-cycle'
      ? args.subjects.map((_, index) => index)
      : chooseTimed(args.subjects, code, args.engine.kind);
  const running = timed.flatMap((subject) => {
    const engine = engines[subject];
    const factor = args.planted[subject] ?? 1;
    return engine === undefined ? [] : [{ subject, ...plant(start(args, workload, engine), factor) }];
  });
  const checksums = running.map(({ run }) => run(workload.length));
  const lengths = args.lengths.map((fraction) => Math.max(1, Math.round(fraction * workload.length)));
  settle(running, workload.settle ?? 0, workload.length);
  const series = takeSamples(running, lengths, args.samples, clock);
  // The pool of a tier has 16 slots.
  for (const { drop } of running) drop();
  return { workload: workload.name, code, checksums, series };
}

/** The same work, `factor` times as often; checksums stay those of the requested length. */
function plant(running: Running, factor: number): Running {
  if (factor === 1) return running;
  let isFirst = true;
  return {
    ...running,
    run: (length) => {
      const units = isFirst ? length : Math.round(length * factor);
      isFirst = false;
      return running.run(units);
    },
  };
}

/** The first call into wasm that a process in this form makes. */
function callOnce(engine: Engine): void {
  const running = engine.load('register-loop').loaded.instantiate();
  running.call('run', 1);
  running.drop();
}

/**
 * Nanoseconds of one step of the control loop, the same each time where the clock counts instructions: a
 * whole number, or, as V8 of Node 24 unrolls the loop four times, of quarters. The least of some samples, and
 * millions of steps: timer interrupts add some 0.2 % (8.01 instead of 8 was seen, 7.758 instead of 7.75). A
 * clock of the host's varies by several percent under emulation.
 */
function provePerStep(engine: Engine, clock: () => Reading): number {
  const running = engine.load('register-loop').loaded.instantiate();
  const time = (length: number): number => {
    const samples = [0, 1, 2].map(() => {
      const before = clock();
      running.call('run', length);
      return clock().cpuNs - before.cpuNs;
    });
    return Math.min(...samples);
  };
  const [short, long] = [500_000, 4_000_000];
  running.call('run', short);
  const slopes = [0, 1].map(() => (time(long) - time(short)) / (long - short));
  running.drop();
  const [one = NaN, other = NaN] = slopes;
  const quarters = Math.round(4 * one) / 4;
  if (!(Math.abs(one - quarters) < 0.003 * one && Math.abs(one - other) < 0.002 * one)) {
    throw new UsageError(
      `the clock does not count instructions: a step took ${slopes.map((n) => n.toFixed(3)).join(', then ')}`,
    );
  }
  return one;
}

function run(args: MeasureArguments): MeasureReport {
  const facts = readFacts();
  // Time under emulation measures the emulator, not the engine.
  if (args.clock === 'time' && facts.emulated) throw new UsageError('time is not measurable under emulation');
  if (args.clock === 'instructions' && !facts.emulated) {
    throw new UsageError('instructions are counted in emulated guests only');
  }
  const { read: clock, readProcess } = openClock();
  const [subject] = args.subjects;
  if (subject === undefined) throw new UsageError('--subjects is empty');
  const first = openEngine(args, subject, 0);
  callOnce(first);
  const start = { wallMs: performance.now(), cpuNs: readProcess(), usage: readUsage() };
  const engines = args.subjects.map((other, index) => (index === 0 ? first : openEngine(args, other, index)));
  const perStep = args.clock === 'instructions' && args.samples > 0 ? provePerStep(first, clock) : null;
  const measured = args.workloads.map((workload) => measure(args, engines, workload, clock));
  return {
    poolproof: 'measure',
    schema: 1,
    engine: args.engine,
    node: process.versions.node,
    clock: args.clock,
    subjects: args.subjects,
    planted: args.planted,
    workloads: measured,
    perStep,
    facts,
    start,
    usage: readUsage(),
  };
}

try {
  writeAll(1, `${JSON.stringify(run(parseMeasureArguments(process.argv.slice(2))))}\n`);
} catch (error) {
  const usage = error instanceof UsageError || error instanceof AllocatorError;
  if (!usage && !(error instanceof ProofError)) throw error;
  writeAll(2, `measure: ${error.message}\n`);
  process.exitCode = usage ? exitUsage : exitFailed;
}
