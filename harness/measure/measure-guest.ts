/**
 * What the form a cell reached costs in that very cell, in executed instructions: the baseline in the cell's
 * guest with limits lifted for its process only, the form in the cell's own limits, in turns.
 */
import { resolveDefaults } from '../../images/allocator/engines.ts';
import type { Facts } from '../../images/allocator/facts.ts';
import type { Settings } from '../axes/table.ts';
import { resolveEngine } from '../plan/requirements.ts';
import {
  configurations,
  formatConfiguration,
  sameConfiguration,
  type TierConfiguration,
} from './configurations.ts';
import { workInGuest } from './counting-session.ts';
import { prepareGuest, type MeasuringGuest, type GuestMeasureTools } from './guest-machine.ts';
import { measurePairs, type NotMeasurable, type PairsEnd } from './guest-pairs.ts';
import type { GuestContext } from './guest-process.ts';
import { selectCounted, type Step } from './instructions.ts';
import { overridesOf, type PoolOverrides } from './pool-overrides.ts';
import type { OverheadSummary, TierResources } from './figures.ts';

export type { GuestMeasureTools } from './guest-machine.ts';
export type { NotMeasurable } from './guest-pairs.ts';

export type GuestMeasureRequest = Readonly<{
  settings: Settings;
  /** Tier and form that the cell's wasm host proved. */
  reached: TierConfiguration;
  /** Of the cell, as its wasm host read them: the limits that the form has to run under. */
  facts: Facts;
  /** Names or kinds of workloads. @default all that instructions say something about */
  workloads?: readonly string[];
  /** How far the pairs of a figure may lie apart: 0.01 for 1 %. @default 0.01 */
  precision?: number;
  /** Longest the processes may take together, without building images, modules and template. @default 60 000 */
  budgetMs?: number;
  /** Boot the machine instead of cloning it. @default false */
  cold?: boolean;
  /** Samples of each length. @default 3 */
  samples?: number;
  /** Make the form do its work so much more often, 1.05 for 5 %: tests of the method. @default 1 */
  planted?: number;
}>;

/** For the evidence. */
type Trace = Readonly<{
  /** One line of JSON a process. */
  raw: readonly string[];
  /** Messages exchanged with the guest. */
  protocol: readonly string[];
}>;

export type GuestOverhead = Trace &
  Readonly<
    | {
        kind: 'measured';
        summaries: readonly OverheadSummary[];
        notMeasurable: readonly NotMeasurable[];
        resources: readonly TierResources[];
        /** Why another baseline than `standard/elided`, in a sentence. */
        baselineNote: string | null;
        /** Of the processes, from the machine's start. */
        wallMs: number;
      }
    | { kind: 'not-measured'; reason: string }
  >;

/** Why an engine cannot be measured; null when it can. */
export function explainUnmeasurable({ engine }: Pick<Settings, 'engine'>): string | null {
  const { version } = resolveEngine(engine);
  return version !== null && !resolveDefaults(version).poolingInC
    ? `the C interface of libwasmtime ${version} cannot configure pools`
    : null;
}

/**
 * Measures one cell. Whatever happens in the guest is in the result, never thrown.
 *
 * @throws PoolproofError what images, QEMU and the disk throw, when nothing could be started; USAGE for an
 * unknown workload; what the signal says
 */
export async function measureGuest(
  request: GuestMeasureRequest,
  tools: GuestMeasureTools,
): Promise<GuestOverhead> {
  const trace = { raw: [] as string[], protocol: [] as string[] };
  const reason = explainUnmeasurable(request.settings);
  if (reason !== null) return { ...trace, kind: 'not-measured', reason };
  const { kind } = resolveEngine(request.settings.engine);
  const overrides = overridesOf(request.settings, request.reached, request.facts);
  const impossible: string[] = [];
  const workloads = selectCounted(request.workloads);
  let wallMs = 0;
  for (const baseline of configurations[kind]) {
    const guest = await prepareGuest(
      request.settings,
      [
        { subject: baseline, overrides: null },
        { subject: request.reached, overrides },
      ],
      workloads,
      tools,
      request.cold ?? false,
    );
    const started = performance.now();
    const end = await measureAgainst(baseline, guest, { ...request, overrides }, tools.signal, trace);
    wallMs += performance.now() - started;
    tools.signal.throwIfAborted();
    if (end.kind === 'not-measured') return { ...trace, ...end };
    if (end.kind === 'found') {
      const note = `${impossible.join('; ')}: compared with ${formatConfiguration(baseline)}`;
      const baselineNote = impossible.length === 0 ? null : note;
      return { ...trace, ...end, kind: 'measured', baselineNote, wallMs };
    }
    impossible.push(`${formatConfiguration(baseline)} cannot exist in this guest (${end.reason})`);
    // Nothing better than what was reached could be made: the cell is its own baseline.
    if (sameConfiguration(baseline, request.reached)) break;
  }
  return { ...trace, kind: 'not-measured', reason: impossible.join('; ') };
}

async function measureAgainst(
  baseline: TierConfiguration,
  guest: MeasuringGuest,
  request: GuestMeasureRequest & Readonly<{ overrides: PoolOverrides | null }>,
  signal: AbortSignal,
  trace: { raw: string[]; protocol: string[] },
): Promise<PairsEnd> {
  const deadline = performance.now() + (request.budgetMs ?? 60_000);
  const { settings, facts, overrides } = request;
  const { start, engine } = guest;
  const modulesOf = ({ subject, limits }: Step): string =>
    guest.modulesOf({ subject, overrides: limits === 'cell' ? overrides : null });
  return workInGuest({ start, settings, signal, protocol: trace.protocol }, async (session) => {
    const context: GuestContext = { session, settings, facts, engine, modulesOf, overrides };
    return measurePairs(context, { ...request, baseline, deadline }, trace.raw);
  });
}
