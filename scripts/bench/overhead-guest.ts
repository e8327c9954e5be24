/** Figures of counting in guests: planted slow-downs, two boots, how long a cell takes. */

import { parseFacts } from '../../images/allocator/parse-facts.ts';
import { resolveCacheFolder } from '../../images/cache/cache-folder.ts';
import { startMachine, type StartMachine } from '../../harness/machine/machine.ts';
import { TemplateStore } from '../../harness/machine/template-store.ts';
import { defaultSettings } from '../../harness/axes/table.ts';
import type { Settings } from '../../harness/axes/table.ts';
import type { TierConfiguration } from '../../harness/measure/configurations.ts';
import {
  measureGuest,
  type GuestMeasureRequest,
  type GuestOverhead,
} from '../../harness/measure/measure-guest.ts';
import { findQemu } from '../../harness/plan/computer.ts';
import { readChildrenSeconds, withFolder } from './measure.ts';

const explicit: Readonly<Record<string, TierConfiguration>> = {
  wasmtime: { tier: 'conservative', checks: 'explicit' },
  v8: { tier: 'on-demand', checks: 'explicit' },
};
const few: TierConfiguration = { tier: 'conservative', checks: 'elided' };

const settingsOf = (engine: string, node: string): Settings => ({
  ...defaultSettings(),
  memory: 1024 ** 3,
  engine,
  node,
  overcommit: 1,
});

/** Measures with templates of its own, which end with it. @throws Error when nothing was measured */
async function measure({
  startMachine: start = startMachine,
  ...request
}: Pick<GuestMeasureRequest, 'settings' | 'reached'> &
  Partial<GuestMeasureRequest> &
  Readonly<{ startMachine?: StartMachine }>): Promise<Extract<GuestOverhead, { kind: 'measured' }>> {
  const { overcommit, overcommitRatio } = request.settings;
  const facts = {
    ...parseFacts({}),
    overcommitMemory: overcommit,
    overcommitRatio,
    overcommitKbytes: 0,
    maxMapCount: 65_530,
    stackLimit: 8 * 1024 ** 2,
  };
  return withFolder(async (folder) => {
    const found = await measureGuest(
      { facts, budgetMs: 600_000, ...request },
      {
        qemu: await findQemu(),
        cacheDir: resolveCacheFolder(),
        store: new TemplateStore(folder, 1024 ** 4),
        startMachine: start,
        signal: new AbortController().signal,
      },
    );
    if (found.kind !== 'measured') throw new Error(found.reason);
    return found;
  });
}

const round = (value: number, digits: number): number => Number(value.toFixed(digits));

export type PlantedFigure = Readonly<{
  engine: string;
  plantedPercent: number;
  foundPercent: number;
  /** Found less planted. */
  pointsOff: number;
}>;

/** The control loop run 0 to 50 % more often; should be found within 0.3 points. */
export async function benchPlanted(percents: readonly number[]): Promise<readonly PlantedFigure[]> {
  const figures: PlantedFigure[] = [];
  for (const engine of ['wasmtime', 'v8']) {
    for (const plantedPercent of percents) {
      const { summaries } = await measure({
        settings: settingsOf(engine, '22'),
        reached: few,
        workloads: ['register-loop'],
        // A factor of exactly 1 would be told as the same code; one in ten million is no unit of work.
        planted: plantedPercent === 0 ? 1 + 1e-7 : 1 + plantedPercent / 100,
      });
      const foundPercent = ((summaries[0]?.ratio ?? NaN) - 1) * 100;
      const pointsOff = round(foundPercent - plantedPercent, 3);
      figures.push({ engine, plantedPercent, foundPercent: round(foundPercent, 3), pointsOff });
    }
  }
  return figures;
}

export type BootsFigure = Readonly<{
  engine: string;
  workloads: number;
  /** Largest difference of one workload's overhead between two boots, in points. */
  mostPointsApart: number;
  workload: string;
  unstable: number;
}>;

/** The same cell on two machines booted one after the other: should agree within 0.1 points. */
export async function benchTwoBoots(): Promise<readonly BootsFigure[]> {
  const figures: BootsFigure[] = [];
  for (const [engine, reached] of Object.entries(explicit)) {
    const request = { settings: settingsOf(engine, '22'), reached, cold: true };
    const [one, other] = [await measure(request), await measure(request)];
    const apart = one.summaries.map(({ workload, ratio }) => {
      const again = other.summaries.find((row) => row.workload === workload)?.ratio ?? NaN;
      return { workload, points: Math.abs(ratio - again) * 100 };
    });
    const most = apart.reduce((worst, row) => (row.points > worst.points ? row : worst));
    figures.push({
      engine,
      workloads: apart.length,
      mostPointsApart: round(most.points, 3),
      workload: most.workload,
      unstable: [...one.summaries, ...other.summaries].filter(({ stable }) => !stable).length,
    });
  }
  return figures;
}

export type CellFigure = Readonly<{
  engine: string;
  node: string;
  /** From the start of a clone to the end. */
  seconds: number;
  /** CPU time of the clone's QEMU: what the seconds are where nothing else runs. */
  cpuSeconds: number;
  unstable: number;
}>;

/**
 * All kernels and real programs of one cell: should take at most 60 s. Of several machines the last counts: the others
 * make modules and template.
 */
export async function benchOverheadCells(nodes: readonly string[]): Promise<readonly CellFigure[]> {
  const figures: CellFigure[] = [];
  for (const node of nodes) {
    for (const [engine, reached] of Object.entries(explicit)) {
      const request = { settings: settingsOf(engine, node), reached };
      let before = NaN;
      const { wallMs, summaries } = await measure({
        ...request,
        startMachine: (...args) => {
          before = readChildrenSeconds();
          return startMachine(...args);
        },
      });
      const cpuSeconds = round(readChildrenSeconds() - before, 1);
      const unstable = summaries.filter(({ stable }) => !stable).length;
      figures.push({ engine, node, seconds: round(wallMs / 1000, 1), cpuSeconds, unstable });
    }
  }
  return figures;
}
