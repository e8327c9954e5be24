/**
 * One attempt at one tier: a fresh process, because libwasmtime aborts when a pool cannot be mapped
 * and V8's flags are fixed at process start. The worker that proves its tier logs the start-up and
 * stays as the serving engine. Started by wasm-host.sh; talks to it through the state folder.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { AllocatorError } from '../allocator/allocator-error.ts';
import { resolveTierConfiguration } from '../allocator/configuration.ts';
import { classifyEngineText } from '../allocator/failure.ts';
import type { Facts } from '../allocator/facts.ts';
import type { Attempt, AttemptFailure, HostReport, Proof, RunEngine } from '../allocator/host-report.ts';
import { describeForm } from '../allocator/mappings.ts';
import { parametersFor } from '../allocator/pool-parameters.ts';
import { predictTier } from '../allocator/predict.ts';
import type { TierPrediction } from '../allocator/prediction.ts';
import { parseChoice, resolveChoice } from '../allocator/spin-variables.ts';
import type { AllocatorChoice, Tier } from '../allocator/tier.ts';
import { sumByProtection } from './address-space.ts';
import { parseArguments, UsageError, type WorkerArguments } from './arguments.ts';
import { attemptFile, describeFailure, readAttempts } from './attempts.ts';
import type { Library } from './libwasmtime.ts';
import type { Measured, Proven } from './measured.ts';
import { explainTier, listWarnings } from './operator-text.ts';
import { readCommitted, readFacts, readUsage } from './proc.ts';
import { ProofError } from './proof-error.ts';
import { printReport, writeAll } from './report.ts';
import { isVersionOf } from './serialized-module.ts';
import type * as Server from './serve.ts';
import { ServeError } from './serve-error.ts';
import { startStopwatch, type Stopwatch } from './stopwatch.ts';

/** Exit codes the launcher knows; any other end is classified from the status and stderr. */
const exitUsage = 2;
const exitExhausted = 3;
const exitFailed = 10;
/** The engine is not what was configured: no other tier of it is tried. */
const exitRefused = 11;
/** A defect of this program (EX_SOFTWARE): says nothing about any tier. */
const exitDefect = 70;

type Findings = Readonly<{ proof: Proof | null; facts: Facts; attempts: readonly Attempt[] }>;

/** An attempt as requested, with the engine's version. */
type Run = Omit<WorkerArguments, 'engine'> & Readonly<{ engine: RunEngine; opened: Library | null }>;

/** Served once the attempt is logged; a number: the exit code of an attempt after which nothing is served. */
type Ended = number | (() => Promise<void>);

async function run(args: WorkerArguments, stopwatch: Stopwatch): Promise<Ended> {
  const choice = resolveChoice(parseChoice(process.env['SPIN_ALLOCATOR']), process.env);
  const facts = readFacts();
  const earlier = readAttempts(args.state, args.attempt);
  stopwatch.lap('facts');
  const own = await resolveVersion(args);
  if (args.tier === null) {
    log(own, choice, stopwatch, { proof: null, facts, attempts: earlier });
    return exitExhausted;
  }
  const before = withoutOwn(facts);
  const predicted = predict(own, choice, args.tier, before);
  writeFileSync(attemptFile(args.state, args.attempt, 'predicted'), JSON.stringify(predicted));
  stopwatch.lap('predict');
  try {
    const parameters = parametersFor(args.tier, choice, args.parameters);
    const { proof, version, proven, library } = await prove(
      { ...own, parameters },
      args.tier,
      { facts, before },
      stopwatch,
    );
    const engine = await identify(own, version);
    const prepared =
      args.serve === null
        ? null
        : loadServer().prepareServing({ options: args.serve, proven, library, proof, facts: before });
    const attempt: Attempt = {
      tier: args.tier,
      ok: true,
      failure: null,
      predicted,
      durationMs: sum(stopwatch),
    };
    writeFileSync(attemptFile(args.state, args.attempt, 'proven'), '');
    const findings = { proof, facts, attempts: [...earlier, attempt] };
    // Before the report: whoever reads it may stop the host at once.
    if (prepared === null && !args.once) keepAlive();
    const report = log({ ...own, engine }, choice, stopwatch, findings);
    if (prepared !== null) return async () => loadServer().startServing(prepared, report, args.state);
    return args.once ? 0 : () => Promise.resolve();
  } catch (error) {
    const failure = toFailure(args.tier, error);
    if (failure === null) throw error;
    writeFileSync(attemptFile(args.state, args.attempt, 'failure'), JSON.stringify(failure));
    return failure.class === 'verification' ? exitRefused : exitFailed;
  }
}

/** A file of its own: what only serves is no weight for those that prove. */
const loadServer = (): typeof Server => createRequire(import.meta.url)('./serve.cjs') as typeof Server;

/** Asks the library for its version if the command line has none: tiers are configured by it. */
async function resolveVersion(args: WorkerArguments): Promise<Run> {
  const { engine, library } = args;
  const { kind } = engine;
  if (kind === 'v8') return { ...args, engine: { kind, version: process.versions.v8 }, opened: null };
  if (engine.version !== null) return { ...args, engine: { kind, version: engine.version }, opened: null };
  try {
    const opened = await loadLibrary(library ?? '');
    const { readLibraryVersion } = await import('./wasmtime-engine.ts');
    return { ...args, engine: { kind, version: readLibraryVersion(opened) }, opened };
  } catch (error) {
    if (!(error instanceof ProofError)) throw error;
    throw new UsageError(
      `${library ?? ''} does not say its version (${error.message}): say --engine wasmtime@VERSION`,
      { cause: error },
    );
  }
}

/**
 * The engine with what its library says of itself. Where its digest is taken, the version is that of the pinned build
 * with this digest, else what the library says: nothing else knows it. @throws UsageError where that is another version
 * than the one asked for: its tiers were configured for another engine, so nothing proven counts
 */
async function identify({ engine, library, digest }: Run, saysVersion: string | null): Promise<RunEngine> {
  if (saysVersion === null) return engine;
  const refuse = (version: string, source: string): UsageError =>
    new UsageError(
      `--engine ${engine.kind}@${engine.version}: ${library ?? ''} is wasmtime ${version}, ${source}`,
    );
  if (!isVersionOf(saysVersion, engine.version)) throw refuse(saysVersion, 'as it says itself');
  if (!digest) return { ...engine, library: { saysVersion, sha256: null } };
  const { findPinnedVersion, hashFile } = await import('./library-digest.ts');
  const sha256 = hashFile(library ?? '');
  const pinned = findPinnedVersion(sha256);
  if (pinned !== null && !isVersionOf(engine.version, pinned)) throw refuse(pinned, 'by its digest');
  return { ...engine, version: pinned ?? saysVersion, library: { saysVersion, sha256 } };
}

/** The model wants the facts from before this worker, which was running when they were read. */
function withoutOwn(facts: Facts): Facts {
  const { chargedBytes } = readUsage();
  const { committedAs } = facts;
  return { ...facts, committedAs: committedAs === null ? null : Math.max(0, committedAs - chargedBytes) };
}

function predict(
  { engine, profile, parameters }: Run,
  choice: AllocatorChoice,
  tier: Tier,
  facts: Facts,
): TierPrediction {
  const node = process.versions.node;
  return predictTier(tier, { engine, node, profile, choice, env: process.env, parameters, facts });
}

type Proved = Readonly<{ proof: Proof; version: string | null; proven: Proven; library: Library | null }>;

async function prove(
  { engine, library, opened, profile, parameters, serve }: Run,
  tier: Tier,
  { facts, before }: Readonly<{ facts: Facts; before: Facts }>,
  stopwatch: Stopwatch,
): Promise<Proved> {
  const configuration = resolveTierConfiguration(tier, {
    engine,
    profile,
    env: process.env,
    facts: before,
    node: process.versions.node,
    parameters,
  });
  const wasm = readFileSync(new URL('canary.wasm', import.meta.url));
  let measured: Measured;
  let ready: Library | null = null;
  if (configuration.kind === 'v8') {
    const { proveV8 } = await import('./v8-engine.ts');
    measured = proveV8(configuration, wasm, stopwatch);
  } else {
    ready = opened ?? (await loadLibrary(library ?? ''));
    const { proveWasmtime } = await import('./wasmtime-engine.ts');
    stopwatch.lap('load');
    measured = proveWasmtime(ready, configuration, wasm, stopwatch, serve !== null);
  }
  const { checks, slots, reservedBytes, chargedBytes, instances, version, memory, steps, maps } = measured;
  const { virtualBytes, residentBytes } = readUsage();
  const proof: Proof = {
    tier,
    checks,
    slots,
    reservedBytes,
    chargedBytes,
    instances,
    virtualBytes,
    residentBytes,
    maps: maps.length,
    model: describeForm(configuration),
    kernel: {
      committedBefore: facts.committedAs,
      committedAfter: readCommitted(),
      mappings: sumByProtection(maps),
      steps,
      memory,
    },
  };
  return { proof, version, proven: measured.proven, library: ready };
}

/** Koffi may be missing, or its binary not fit this machine: the tier's failure, not a defect of the worker. */
async function loadLibrary(path: string): Promise<Library> {
  try {
    const { openLibrary } = await import('./libwasmtime.ts');
    return openLibrary(path);
  } catch (error) {
    if (error instanceof ProofError) throw error;
    throw new ProofError('library', error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** Null: a defect of this program, which must not pass for a failed tier. */
function toFailure(tier: Tier, error: unknown): AttemptFailure | null {
  if (!isProofError(error)) return null;
  return describeFailure(tier, { ...classifyEngineText(error.message), class: error.class }, error.message);
}

function log(
  { engine, parameters }: Pick<Run, 'engine' | 'parameters'>,
  choice: AllocatorChoice,
  { timings }: Stopwatch,
  { proof, facts, attempts }: Findings,
): HostReport {
  const tier = proof?.tier ?? null;
  const report: HostReport = {
    poolproof: 'wasm-host',
    schema: 1,
    outcome: tier === null ? 'exhausted' : 'reached',
    tier,
    choice,
    why: explainTier(tier, attempts, choice !== 'auto'),
    engine,
    parameters,
    node: process.versions.node,
    attempts,
    proof,
    facts,
    timings,
    warnings: listWarnings(tier, proof?.checks ?? null, engine.kind, attempts),
  };
  printReport(report);
  return report;
}

function sum({ timings }: Stopwatch): number {
  return Math.round(Object.values(timings).reduce((total, value) => total + value, 0));
}

/** Without a module to serve: holds what was proven until the process is stopped. */
function keepAlive(): void {
  const timer = setInterval(() => undefined, 0x7fff_ffff);
  const stop = () => clearInterval(timer);
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

/** The whole attempt; the exit code. A defect of this program is never taken for a tier that does not work. */
async function main(): Promise<void> {
  const stopwatch = startStopwatch();
  try {
    const args = parseArguments(process.argv.slice(2));
    writeFileSync(attemptFile(args.state, args.attempt, 'started'), '');
    const ended = await run(args, stopwatch);
    // At once: all is written, and V8's teardown is a thirtieth of an attempt's instructions.
    if (typeof ended === 'number') process.exit(ended);
    await ended();
  } catch (error) {
    if (isServeError(error)) {
      writeAll(2, `wasm host: ${error.code}: ${error.message}\n`);
      // Threads that were started do not hold the process.
      process.exit(exitUsage);
    } else if (error instanceof UsageError || error instanceof AllocatorError) {
      writeAll(2, `wasm host: ${error.message}\n`);
      process.exitCode = exitUsage;
    } else if (isShortage(error)) {
      throw error;
    } else {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      writeAll(2, `wasm host: a defect of the wasm host itself, no tier is to blame: ${text}\n`);
      process.exitCode = exitDefect;
    }
  }
}

/** By their names: the server's own file has classes of its own. */
const isProofError = (error: unknown): error is ProofError =>
  error instanceof ProofError || (error instanceof Error && error.name === 'ProofError');
const isServeError = (error: unknown): error is ServeError =>
  error instanceof ServeError || (error instanceof Error && error.name === 'ServeError');

/** Memory, processes or files ran out: that is the machine's doing, and counts against the tier. */
function isShortage(error: unknown): boolean {
  if (error instanceof RangeError) return true;
  const code = error instanceof Error && 'code' in error ? error.code : null;
  return (
    code === 'ENOMEM' || code === 'EAGAIN' || code === 'EMFILE' || code === 'ENFILE' || code === 'ENOSPC'
  );
}

// No await at the top level: the worker is bundled as CommonJS, which starts faster (see scripts/build). What
// main throws ends the process with Node's own code 1, as an uncaught error does.
void main();
