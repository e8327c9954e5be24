/**
 * What a request costs in the very cell, in executed instructions: the cell's server in the cell's limits beside the
 * same host with its own pool and limits lifted for it, in one guest that counts.
 */
import type { Facts } from '../../images/allocator/facts.ts';
import type { BuiltImages } from '../../images/build.ts';
import { buildSubjectDisk } from '../../images/subject-disk.ts';
import type { Tier } from '../../images/allocator/tier.ts';
import type { Settings } from '../axes/table.ts';
import type { Subject } from '../matrix/subject.ts';
import type { Machine } from '../machine/machine.ts';
import { workInGuest } from './counting-session.ts';
import { buildMeasureSpec, prepareStart, type GuestMeasureTools } from './guest-machine.ts';
import type { NotMeasurable } from './guest-pairs.ts';
import {
  evaluateBatches,
  planLoads,
  pickProcesses,
  priceRequest,
  type Pair,
  type RequestPrice,
  type ServerKind,
  type ServerLoad,
  wantProcesses,
} from './request-price.ts';
import { listComponents } from './serving-components.ts';
import {
  baselineOf,
  countServer,
  explainUnservable,
  isOwnPool,
  type Served,
  type ServerContext,
  type ServerEnd,
  type ServerStep,
} from './counted-server.ts';

export type ServingMeasureRequest = Readonly<{
  settings: Settings;
  /** Null: the wasm host. */
  subject: Subject | null;
  /** That the cell reached; null where its subject does not show one. */
  tier: Tier | null;
  /** Of the cell: the limits that its server has to run under. */
  facts: Facts;
  /** Names of works. @default all */
  works?: readonly string[];
  /** How far both figures of one server may lie apart: 0.01 for 1 %. @default 0.01 */
  precision?: number;
  /** Longest the servers may take together, without building images and template. @default 60 000 */
  budgetMs?: number;
  /** Boot the machine instead of cloning it. @default false */
  cold?: boolean;
}>;

export type ServingMeasureTools = GuestMeasureTools &
  Readonly<{
    /** Of the cell: its subject's disk is among them. */
    images: BuiltImages;
    check: ServerContext['check'];
  }>;

export type GuestServing = Readonly<{
  /** One line of JSON per server, for the evidence. */
  raw: readonly string[];
  /** Messages exchanged with the guest. */
  protocol: readonly string[];
}> &
  Readonly<
    | {
        kind: 'measured';
        prices: readonly RequestPrice[];
        notMeasurable: readonly NotMeasurable[];
        /** The cell has its host's own pool: there is nothing to compare it with. */
        isBaseline: boolean;
        /** Of the servers, from the machine's start. */
        wallMs: number;
      }
    | { kind: 'not-measured'; reason: string }
  >;

/**
 * Measures one cell. Whatever happens in the guest is in the result, never thrown.
 *
 * @throws PoolproofError what images, QEMU and the disk throw, when nothing could be started; what the signal says
 */
export async function measureServing(
  request: ServingMeasureRequest,
  tools: ServingMeasureTools,
): Promise<GuestServing> {
  const { settings, subject, budgetMs = 60_000, cold = false } = request;
  const trace = { raw: [] as string[], protocol: [] as string[] };
  const { images, cacheDir, onImageEvent, signal } = tools;
  const served: Served =
    subject === null ? null : { subject, folder: images.subjects?.[subject.name] ?? null };
  const reason = explainUnservable(served);
  if (reason !== null) return { ...trace, kind: 'not-measured', reason };
  const kind: ServerKind = served === null ? 'wasm-host' : 'component';
  const components = listComponents(kind);
  const { disk, folder } = await buildSubjectDisk(components, {
    cacheDir,
    ...(onImageEvent && { onEvent: onImageEvent }),
  });
  const bare = buildMeasureSpec(settings, images, tools);
  const spec = { ...bare, disks: [...bare.disks, { name: disk.name, path: disk.path }] };
  const start = await prepareStart(spec, tools, cold);
  const planned = planLoads(request.works ?? [], kind);
  const loads = planned.filter(({ component }) => components.some(({ to }) => to === `${component}.wasm`));
  const missing = planned.filter((load) => !loads.includes(load)).flatMap(({ works }) => works);
  const started = performance.now();
  const work = { kind, loads, components: folder, served, deadline: started + budgetMs };
  const end = await measureIn(start, work, request, tools, trace);
  signal.throwIfAborted();
  if (end.kind === 'not-measured') return { ...trace, ...end };
  const none = missing.map(({ name }) => ({
    workload: name,
    reason: 'there is no such module for this host',
  }));
  const wallMs = performance.now() - started;
  return { ...trace, ...end, notMeasurable: [...none, ...end.notMeasurable], wallMs };
}

type Work = Readonly<{
  kind: ServerKind;
  loads: readonly ServerLoad[];
  components: string;
  served: Served;
  /** When the budget ends, by `performance.now()`. */
  deadline: number;
}>;

type Found =
  | Readonly<{
      kind: 'measured';
      prices: readonly RequestPrice[];
      notMeasurable: readonly NotMeasurable[];
      isBaseline: boolean;
    }>
  | Readonly<{ kind: 'not-measured'; reason: string }>;

async function measureIn(
  start: () => Promise<Machine>,
  { kind, loads, components, served, deadline }: Work,
  request: ServingMeasureRequest,
  { signal, check }: ServingMeasureTools,
  trace: { raw: string[]; protocol: string[] },
): Promise<Found> {
  const { settings, facts } = request;
  return workInGuest(
    { start, settings, signal, protocol: trace.protocol },
    async (session): Promise<Found> => {
      const context: ServerContext = { session, settings, facts, served, components, check };
      const count = async (step: ServerStep): Promise<ServerEnd> => {
        const left = deadline - performance.now();
        if (left <= 0) return { kind: 'failed', reason: describeBudget(request) };
        const { end, raw } = await countServer(context, step, left);
        trace.raw.push(raw);
        return performance.now() > deadline && end.kind !== 'counted'
          ? { kind: 'failed', reason: describeBudget(request) }
          : end;
      };
      return countAll(kind, loads, request, count);
    },
  );
}

const describeBudget = ({ budgetMs = 60_000 }: ServingMeasureRequest): string =>
  `the budget of ${Math.round(budgetMs / 1000)} s was used up`;

/** The servers of one load: of the cell, and of the baseline, which has none where the cell is the baseline. */
type Ends = Readonly<{ own: readonly ServerEnd[]; base: readonly ServerEnd[] }>;

/** Baseline and cell in turn, for each server; a server that cannot be counted takes its works away, not the others. */
async function countAll(
  kind: ServerKind,
  loads: readonly ServerLoad[],
  { settings, tier, precision = 0.01 }: ServingMeasureRequest,
  count: (step: ServerStep) => Promise<ServerEnd>,
): Promise<Found> {
  const isBaseline = isOwnPool(settings, tier);
  const prices: RequestPrice[] = [];
  const notMeasurable: NotMeasurable[] = [];
  for (const load of loads) {
    const steps: readonly ServerStep[] = [
      { load, limits: 'cell', settings },
      ...(isBaseline ? [] : [{ load, limits: 'lifted', settings: baselineOf(settings) } as const]),
    ];
    const { own, base } = await countLoad(kind, load, steps, count, precision);
    const [invalid] = [...own, ...base].filter((end) => end.kind === 'invalid');
    if (invalid !== undefined) return { kind: 'not-measured', reason: invalid.reason };
    for (const { name, requests } of load.works) {
      const mine = figuresOf(own, name, kind);
      const baseline = isBaseline ? mine : figuresOf(base, name, kind);
      if (mine !== null && baseline !== null) {
        prices.push(priceRequest(name, mine, baseline, { requests, precision }));
        continue;
      }
      const failed = [...own, ...base].find((end) => end.kind === 'failed');
      const reason = failed?.reason ?? 'its requests have no cost';
      const whose = failed !== undefined && base.includes(failed) ? 'the baseline: ' : '';
      notMeasurable.push({ workload: name, reason: `${whose}${reason}` });
    }
  }
  const [first] = notMeasurable;
  if (prices.length === 0 && first !== undefined) return { kind: 'not-measured', reason: first.reason };
  return { kind: 'measured', prices, notMeasurable, isBaseline };
}

/**
 * Processes in the order A B B A, and one more of each where those of one differ. Ends with the first that cannot be
 * counted.
 */
async function countLoad(
  kind: ServerKind,
  { works }: ServerLoad,
  steps: readonly ServerStep[],
  count: (step: ServerStep) => Promise<ServerEnd>,
  precision: number,
): Promise<Ends> {
  const own: ServerEnd[] = [];
  const base: ServerEnd[] = [];
  const listFigures = () =>
    [own, base].flatMap((ends) =>
      works.map(({ name }) => figuresOf(ends, name, kind)).filter((figures) => figures !== null),
    );
  while (own.length < wantProcesses(kind, listFigures(), precision)) {
    for (const step of own.length % 2 === 0 ? steps : steps.toReversed()) {
      const end = await count(step);
      (step.limits === 'cell' ? own : base).push(end);
      if (end.kind !== 'counted') return { own, base };
    }
  }
  return { own, base };
}

/** Null where nothing was counted, or longer batches were not the dearer ones. */
function figuresOf(ends: readonly ServerEnd[], work: string, kind: ServerKind): readonly number[] | null {
  const pairs = ends.flatMap((end): readonly Pair[] => {
    const batches = end.kind === 'counted' ? end.batches.get(work) : undefined;
    return batches === undefined ? [] : [evaluateBatches(batches, kind)];
  });
  const figures = pickProcesses(pairs);
  const isWhole = pairs.length > 0 && pairs.length === ends.length;
  return isWhole && figures.every((instructions) => instructions > 0) ? figures : null;
}
