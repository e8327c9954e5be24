/** `poolproof overhead`: measures the cost of each form of a tier on this machine. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseMajor } from '../../images/allocator/engines.ts';
import { findPinnedVersion, hashFile } from '../../images/wasm-host/library-digest.ts';
import { measureCommand, type MeasureRequest } from '../../images/wasm-host/measure-command.ts';
import { findEngineLibrary, findNodeBinary } from '../../images/package-files.ts';
import { findWorkloadFiles } from '../../images/workload-files.ts';
import { makeTemporaryFolder } from '../../images/temporary-folder.ts';
import { axes } from '../axes/table.ts';
import { PoolproofError } from '../errors.ts';
import { readValue } from '../matrix/cell-id.ts';
import { evaluateQuartets, evaluateTime } from '../measure/evaluate-time.ts';
import { configurations, selectConfigurations, type TierConfiguration } from '../measure/configurations.ts';
import type { Measurement } from '../measure/measurement.ts';
import type { NativeRecord } from '../store/native-record.ts';
import { planQuartets, planTogether, selectWorkloads, type NativePlan } from '../measure/plan-native.ts';
import { renderOverhead, renderResources } from '../report/overhead-table.ts';
import { describeResources, summarizeResources } from '../measure/resources.ts';
import { checkChecksums, runNative } from '../measure/run-native.ts';
import type { OverheadSummary, TierResources } from '../measure/figures.ts';
import { readComputer } from '../plan/computer.ts';
import { resolveEngine, type ResolvedEngine } from '../plan/requirements.ts';
import { wantsColor } from '../report/wants-color.ts';
import { cacheOption, notifyOf, type Context } from './context.ts';
import { untilInterrupted } from './field-context.ts';

/** Enough for an interval of a percent either way; see harness/measure/README.md. */
const defaultProcesses = 10;

/** Processes of each form for the medians of start time and memory. */
const startRounds = 5;

/** Fewer give an interval by Student's t that is wider than anybody wants to know. */
const leastProcesses = 3;

type Options = Readonly<{
  engine: string;
  tier?: readonly string[] | undefined;
  workloads?: readonly string[] | undefined;
  processes?: number | undefined;
  fresh?: boolean | undefined;
  library?: string | undefined;
  node?: string | undefined;
  json?: boolean | undefined;
  cache?: string | undefined;
}>;

export async function overhead(
  context: Context,
  _args: readonly string[],
  options: Options,
): Promise<number> {
  const engine = resolveEngine(readValue(axes.engine, options.engine));
  const others = selectConfigurations(engine.kind, splitWords(options.tier));
  const workloads = selectWorkloads(splitWords(options.workloads), engine.kind).map(({ name }) => name);
  const { processes: count = defaultProcesses } = options;
  if (count < leastProcesses) {
    throw new PoolproofError('USAGE', `--processes ${count}: at least ${leastProcesses} are needed`);
  }
  // Compiled once on this machine, not in every process: SQLite alone takes half a second.
  await using folder = await makeTemporaryFolder();
  const request = {
    ...(await findPrograms(context, engine, options)),
    engine: engine.kind,
    profile: 'spin',
    clock: 'time' as const,
    workloads,
    compiled: folder.path,
  };
  const plans = options.fresh
    ? others.map((other) => planQuartets(engine.kind, other, count))
    : [planTogether(engine.kind, others, count)];
  // On a signal, the measurements so far are shown.
  context.finishOnSignal();
  const { summaries, raw, interrupted } = await measureAll(context, plans, request);
  const resources = interrupted
    ? undefined
    : await untilInterrupted(measureResources(context, request, others));
  if (!options.json) {
    context.out(renderOverhead(summaries, { color: wantsColor(context.stdout) }));
    if (resources !== undefined) context.out(`\n${renderResources(resources)}`);
  } else if (summaries.length > 0) {
    const record = { ...(await describeRecord(raw)), summaries, resources: resources ?? [] };
    context.out(`${JSON.stringify({ ...record, measurements: raw })}\n`);
  }
  if (resources !== undefined) return 0;
  context.err(`interrupted after ${raw.length} of ${countProcesses(plans)} processes\n`);
  return 130;
}

const countProcesses = (plans: readonly NativePlan[]): number =>
  plans.reduce((sum, plan) => sum + plan.processes.length, 0);

/** The measured and the measuring files; missing ones are fetched. */
async function findPrograms(
  context: Context,
  { version }: ResolvedEngine,
  options: Options,
): Promise<Pick<MeasureRequest, 'version' | 'library' | 'files' | 'node'>> {
  const cache = cacheOption(options);
  const { onImageEvent: notify } = notifyOf(context);
  const given = options.library ?? process.env['POOLPROOF_LIBWASMTIME'];
  return {
    ...(version === null
      ? { version, library: null }
      : given === undefined
        ? { version, library: await findEngineLibrary(version, cache, notify) }
        : { version: versionOfFile(given, options.engine, version), library: given }),
    files: await findWorkloadFiles(cache, notify),
    node: await findNode(options.node, cache, notify),
  };
}

/**
 * The known version of a user's own library: that of the pinned build with its digest, else the major version
 * alone. The library says that much of itself, and each measuring process compares it.
 */
function versionOfFile(library: string, requested: string, version: string): string {
  const file = resolve(library);
  if (!existsSync(file)) throw new PoolproofError('USAGE', '--library: there is no such file', { file });
  const pinned = findPinnedVersion(hashFile(file));
  if (pinned !== null && pinned !== version && requested.includes('@'))
    throw new PoolproofError('USAGE', `--engine ${requested}: this is wasmtime ${pinned}, by its digest`, {
      file,
    });
  return pinned ?? String(parseMajor(version));
}

type Measured = Readonly<{
  summaries: readonly OverheadSummary[];
  raw: readonly Measurement[];
  /** A signal ended it: the summaries are of the processes until then. */
  interrupted: boolean;
}>;

async function measureAll(
  { err, signal }: Context,
  plans: readonly NativePlan[],
  request: Omit<MeasureRequest, 'subjects'>,
): Promise<Measured> {
  const total = countProcesses(plans);
  err(`measuring ${request.engine} in ${total} processes, one after the other\n`);
  const summaries: OverheadSummary[] = [];
  const raw: Measurement[] = [];
  for (const plan of plans) {
    const commands = plan.processes.map((subjects) => measureCommand({ ...request, subjects }));
    const measured: Measurement[] = [];
    const onProcess = (_done: number, one: Measurement): void => {
      measured.push(one);
      raw.push(one);
      err(`measured ${raw.length} of ${total} processes\n`);
    };
    const whole = await untilInterrupted(runNative(commands, { signal, onProcess }));
    const [evaluate, apiece] = plan.kind === 'together' ? [evaluateTime, 1] : [evaluateQuartets, 4];
    if (measured.length >= leastProcesses * apiece) {
      checkChecksums(measured);
      summaries.push(...evaluate(measured));
    }
    if (whole === undefined) return { summaries, raw, interrupted: true };
  }
  return { summaries, raw, interrupted: false };
}

/** The head of a record: see native-record.ts. */
async function describeRecord(
  measured: readonly Measurement[],
): Promise<Omit<NativeRecord, 'summaries' | 'resources'>> {
  const [first] = measured;
  if (first === undefined) throw new RangeError('a measurement without a process');
  const { cpuModel, cores, kernel, os } = await readComputer();
  const { engine, node } = first;
  const machine = { cpuModel, cores, kernel, os };
  const version = node.replace(/^v/, '');
  return { schema: 1, engine, node: version, measuredAt: new Date().toISOString(), machine };
}

/** A release line is that of the guests, anything else a file. */
async function findNode(
  text: string | undefined,
  cache: string,
  notify: Parameters<typeof findNodeBinary>[2],
): Promise<string> {
  if (text === undefined) return process.execPath;
  return /^\d+$/.test(text) ? findNodeBinary(text, cache, notify) : text;
}

/** Fresh processes of every form in turns: what each takes before it has done any work. */
async function measureResources(
  { err, signal }: Context,
  request: Omit<MeasureRequest, 'subjects'>,
  others: readonly TierConfiguration[],
): Promise<readonly TierResources[]> {
  const [baseline] = configurations[request.engine];
  const round = [baseline, ...others].map((subject) =>
    measureCommand({ ...request, subjects: [subject], workloads: ['register-loop'], samples: 0 }),
  );
  err('measuring start and memory of each form\n');
  // The first round compiles and fills the page cache.
  const rounds = await runNative(Array.from({ length: startRounds + 1 }, () => round).flat(), { signal });
  return summarizeResources(rounds.slice(round.length).map(describeResources));
}

/** Words separated by commas, or given several times. */
const splitWords = (texts: readonly string[] = []): readonly string[] =>
  texts.flatMap((text) => text.split(',')).filter((text) => text !== '');
