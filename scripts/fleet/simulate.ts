/**
 * A run on a fleet in virtual time. What decides is the project's own: the cutting and the order of jobs, how many wait
 * in the queue, who takes one, what becomes of lost ones, and which results count. Only Redis, guests and their time
 * are not there.
 */
import { countHolders, nameJobId } from '../../harness/fleet/affinity.ts';
import { Backlog } from '../../harness/fleet/backlog.ts';
import { chunkPlans } from '../../harness/fleet/chunk-plans.ts';
import { queueName } from '../../harness/fleet/lanes.ts';
import { priorityOf, urgentPriority } from '../../harness/fleet/job-rules.ts';
import type { Message } from '../../harness/fleet/messages.ts';
import { rejoin, type Requeued, separate } from '../../harness/fleet/pending-cells.ts';
import { Round } from '../../harness/fleet/round.ts';
import { defaultTiming } from '../../harness/fleet/timing.ts';
import type { BootPlan } from '../../harness/run/boot-plan.ts';
import type { RunnerEvent } from '../../harness/run/runner.ts';
import { cellKey } from '../../harness/store/read-run.ts';
import { between, pick, randomOf, type Random } from '../campaign/draw.ts';
import { drawCellMs, drawMachine, findBoundMs, type VirtualMachine } from './draw-fleet.ts';
import { listPlans, virtualKernels } from './virtual-plans.ts';
import { VirtualQueue } from './virtual-queue.ts';
import { VirtualTime } from './virtual-time.ts';
import { type Idle, VirtualWorker, type World } from './virtual-worker.ts';

export type Scenario = Readonly<{
  seed: number;
  machines: number;
  cells: number;
  /** Cells that share a boot. */
  cellsPerBoot: number;
  /** Of each machine. */
  faultsPerHour: number;
  /** Cells that take down every worker that runs them. */
  deadly: number;
  /** Times that Redis forgets everything. */
  losses: number;
}>;

export type SimulationFigures = Scenario &
  Readonly<{
    guests: number;
    seconds: number;
    /** No fleet of these machines, with their faults, can be done earlier: no guest waits, each boot is made once. */
    boundSeconds: number;
    /** Cells without an end, and ends too many. */
    lost: number;
    doubled: number;
    broken: number;
    jobs: number;
    /** Jobs in the queues at a time, at most. */
    mostQueued: number;
    templates: number;
    boots: number;
    /** Data of these, as JSON. */
    mostQueuedMib: number;
    /** Guest seconds of the usual computer: of all cells, of the templates made, and idle ones by why. */
    workSeconds: number;
    templateSeconds: number;
    idle: Readonly<Partial<Record<Idle, number>>>;
    /** Of this simulation, whose decisions are those of the coordinator and of all workers. */
    cpuMsPerCell: number;
  }>;

const templateMs = 6000;
const alike = { qemu: '7.2.0', accelerator: 'tcg' } as const;
const run = 'virtual';
const queueOf = ({ images }: BootPlan): string => queueName(run, images.kernel, images.digest);

/** How long cells take, and what is known of it: nothing of one in ten, the others within a quarter. */
function drawDurations(random: Random, plans: readonly BootPlan[]) {
  const real = new Map<string, number>();
  const known = new Map<string, number>();
  for (const { cells } of plans)
    for (const cell of cells) {
      const ms = drawCellMs(random);
      real.set(cellKey(cell), ms);
      if (random() < 0.9) known.set(cell.id, ms * (0.8 + 0.45 * random()));
    }
  return { real, known };
}

/** The coordinator, as `FleetRunner` is one over Redis. */
class VirtualCoordinator {
  readonly round: Round;
  readonly queues: World['queues'];
  jobs = 0;
  mostQueued = 0;
  mostQueuedBytes = 0;
  readonly #places = new Map<string, Readonly<{ queue: string; priority: number; bytes: number }>>();
  readonly #backlog: Backlog;
  readonly #guests: number;
  #hasNews = false;

  constructor(
    plans: readonly BootPlan[],
    durations: ReadonlyMap<string, number>,
    machines: readonly VirtualMachine[],
    onEvent: (event: RunnerEvent) => void,
  ) {
    this.#guests = machines.reduce((sum, { guests }) => sum + guests, 0);
    this.round = new Round(plans, new Map(virtualKernels.map((kernel) => [kernel, alike])), onEvent);
    const size = { guests: this.#guests, workers: machines.length };
    this.#backlog = new Backlog(chunkPlans(this.round.pending.unassigned(), durations, size), ({ plan }) =>
      queueOf(plan),
    );
    this.queues = new Map(
      plans.map((plan) => [queueOf(plan), { queue: new VirtualQueue(), kernel: plan.images.kernel }]),
    );
    this.fill();
  }

  fill(): void {
    const unfinished = this.round.pending.jobs().map((job) => this.#places.get(job)?.queue ?? '');
    if (unfinished.length > this.mostQueued) {
      this.mostQueued = unfinished.length;
      this.mostQueuedBytes = sumOf(this.round.pending.jobs().map((job) => this.#places.get(job)?.bytes ?? 0));
    }
    for (const { plan, place } of this.#backlog.take(unfinished, this.#guests))
      this.#add({ plan, lost: 0 }, priorityOf(place));
  }

  #add({ plan, lost }: Requeued, priority: number): void {
    const id = nameJobId(plan, priority === urgentPriority);
    this.jobs += 1;
    const name = queueOf(plan);
    this.round.pending.assign(id, plan.cells.map(cellKey), lost);
    this.#places.set(id, { queue: name, priority, bytes: JSON.stringify(plan).length });
    this.queues.get(name)?.queue.add({ id, plan, lost, priority, begun: false, stalls: 0 });
  }

  hear(message: Message, time: VirtualTime): void {
    for (const again of separate(this.round.hear(message))) this.#add(again, urgentPriority);
    if (this.#hasNews) return;
    this.#hasNews = true;
    time.after(defaultTiming.gatherMs, () => {
      this.#hasNews = false;
      this.fill();
    });
  }

  /** Jobs that are gone from their queues. */
  beat(): void {
    const gone = this.round.pending
      .jobs()
      .filter((job) => this.queues.get(this.#places.get(job)?.queue ?? '')?.queue.has(job) !== true);
    for (const job of gone) {
      const { priority = urgentPriority } = this.#places.get(job) ?? {};
      this.#places.delete(job);
      for (const again of rejoin(this.round.lose(job))) this.#add(again, priority);
    }
  }
}

const sumOf = (numbers: Iterable<number>): number => [...numbers].reduce((sum, each) => sum + each, 0);

const drawDeadly = (random: Random, [first = '', ...others]: readonly string[], count: number) =>
  new Set(Array.from({ length: count }, () => pick(random, [first, ...others])));

/** Of milliseconds, to a tenth. */
const toSeconds = (ms: number): number => Math.round(ms / 100) / 10;

/** Looks for jobs that are gone, and tells workers who has which template, as often as a coordinator does. */
function beat(coordinator: VirtualCoordinator, workers: readonly VirtualWorker[], world: World): void {
  world.holders = countHolders(workers.map((worker) => worker.templates));
  coordinator.beat();
  world.time.after(defaultTiming.beatMs, () => beat(coordinator, workers, world));
}

/** Redis forgets all it has; workers drop it when they renew their locks. */
function forgetAll(
  coordinator: VirtualCoordinator,
  workers: readonly VirtualWorker[],
  time: VirtualTime,
): void {
  for (const { queue } of coordinator.queues.values()) queue.forget();
  time.after(defaultTiming.lockMs / 3, () => {
    for (const worker of workers) worker.dropLost();
  });
}

export function simulateFleet(scenario: Scenario): SimulationFigures {
  const { seed, machines: count, cells, cellsPerBoot, faultsPerHour, deadly, losses } = scenario;
  const before = process.cpuUsage();
  const random = randomOf(seed, 'fleet', 0);
  const plans = listPlans(cells, cellsPerBoot);
  const { real, known } = drawDurations(random, plans);
  const machines = Array.from({ length: count }, (_, n) =>
    drawMachine(random, `lab-${n + 1}`, virtualKernels, faultsPerHour),
  );
  const keys = [...real.keys()];
  const ends = new Map<string, number>();
  let [broken, templates] = [0, 0];
  const coordinator = new VirtualCoordinator(plans, known, machines, (event) => {
    if (event.kind !== 'ended') return;
    const key = cellKey(event.result);
    ends.set(key, (ends.get(key) ?? 0) + 1);
    if (event.result.outcome === 'broken') broken += 1;
  });
  const idle = new Map<Idle, number>();
  const time = new VirtualTime();
  const world: World = {
    time,
    timing: defaultTiming,
    queues: coordinator.queues,
    send: (message) => coordinator.hear(message, time),
    cellMs: (key) => real.get(key) ?? 0,
    templateMs,
    place: random,
    deadly: drawDeadly(random, keys, deadly),
    holders: new Map(),
    onTemplate: () => (templates += 1),
    onIdle: (why, ms) => idle.set(why, (idle.get(why) ?? 0) + ms),
  };
  const workers = machines.map((machine) => new VirtualWorker(machine, alike, world));
  beat(coordinator, workers, world);
  const workMs = sumOf(real.values());
  const boundMs = findBoundMs(machines, workMs + plans.length * templateMs);
  for (let n = 0; n < losses; n += 1)
    time.after(between(random, 0, Math.floor(boundMs)), () => forgetAll(coordinator, workers, time));
  time.run(() => coordinator.round.pending.size === 0);
  const { user, system } = process.cpuUsage(before);
  return {
    ...scenario,
    guests: machines.reduce((sum, { guests }) => sum + guests, 0),
    seconds: toSeconds(time.nowMs),
    boundSeconds: toSeconds(boundMs),
    lost: keys.filter((key) => !ends.has(key)).length,
    doubled: [...ends.values()].filter((times) => times > 1).length,
    broken,
    jobs: coordinator.jobs,
    mostQueued: coordinator.mostQueued,
    mostQueuedMib: Math.round((coordinator.mostQueuedBytes / 2 ** 20) * 10) / 10,
    workSeconds: toSeconds(workMs),
    templateSeconds: toSeconds(templates * templateMs),
    templates,
    boots: plans.length,
    idle: Object.fromEntries([...idle].map(([why, ms]) => [why, toSeconds(ms)])),
    cpuMsPerCell: Math.round((user + system) / cells) / 1000,
  };
}
