/** A worker in virtual time: takes jobs by the rules of the real one, over guests that only take their time. */
import { noteBoot, Preference, readBoot, windowJobs } from '../../harness/fleet/affinity.ts';
import { judgeStalls, queuesToAsk, wantsJob } from '../../harness/fleet/job-rules.ts';
import type { Message } from '../../harness/fleet/messages.ts';
import type { Timing } from '../../harness/fleet/timing.ts';
import type { Cell } from '../../harness/matrix/cell.ts';
import { endUnasked } from '../../harness/run/run-cell.ts';
import { cellKey } from '../../harness/store/read-run.ts';
import type { Fault, VirtualMachine } from './draw-fleet.ts';
import type { VirtualJob, VirtualQueue } from './virtual-queue.ts';
import type { VirtualTime } from './virtual-time.ts';

export type World = {
  time: VirtualTime;
  timing: Timing;
  /** By name, and the kernel each is for. */
  queues: ReadonlyMap<string, Readonly<{ queue: VirtualQueue; kernel: string }>>;
  send: (message: Message) => void;
  /** On a computer of the usual speed. */
  cellMs: (key: string) => number;
  templateMs: number;
  /** Cells that take their worker down. */
  deadly: ReadonlySet<string>;
  /** Boots whose templates any machine had when the workers last said so. */
  held: ReadonlySet<string>;
  /** Hears of each template that is made. */
  onTemplate: () => void;
};

/** A job in hand. */
type InHand = { readonly job: VirtualJob; readonly queue: string; readonly left: Map<string, Cell> };

export class VirtualWorker {
  readonly #world: World;
  readonly #machine: VirtualMachine;
  readonly #sender: Message['machine'];
  /** Another one after each fault: what began before counts no more. */
  #life = 0;
  #isUp = false;
  #isLooking = false;
  #free: number;
  readonly #ready = new Set<string>();
  /** By boot; the one used last is last. */
  readonly #templates = new Set<string>();
  readonly #preferences = new Map<string, Preference>();
  /** Cells that wait for a template, by boot. */
  readonly #booting = new Map<string, (() => void)[]>();
  /** Work that waits for a guest. */
  #queued: (() => void)[] = [];
  readonly #jobs = new Map<string, InHand>();

  constructor(
    machine: VirtualMachine,
    alike: Pick<Message['machine'], 'qemu' | 'accelerator'>,
    world: World,
  ) {
    this.#world = world;
    this.#machine = machine;
    this.#sender = { ...alike, name: machine.name, cpuModel: 'virtual', kernel: '6' };
    this.#free = machine.guests;
    world.time.after(machine.joinsMs, () => this.#start());
    for (const fault of machine.faults) world.time.after(fault.atMs, () => this.#strike(fault));
  }

  /** None while it is away. */
  get templates(): readonly string[] {
    return this.#isUp ? [...this.#templates] : [];
  }

  #start(): void {
    this.#isUp = true;
    for (const [name, { kernel }] of this.#world.queues)
      this.#later(this.#ready.has(name) ? 0 : this.#machine.imagesMs(kernel), () => {
        this.#ready.add(name);
        this.#look();
      });
  }

  /** Unless a fault comes first. */
  #later(ms: number, act: () => void): void {
    const life = this.#life;
    this.#world.time.after(ms, () => {
      if (life === this.#life) act();
    });
  }

  #look(): void {
    while (this.#isUp && wantsJob(this.#countCells(), this.#machine.guests)) {
      const taken = this.#take();
      if (taken === undefined) break;
      this.#begin(...taken);
    }
    if (this.#isLooking || !wantsJob(this.#countCells(), this.#machine.guests)) return;
    this.#isLooking = true;
    this.#later(this.#world.timing.lookMs, () => {
      this.#isLooking = false;
      this.#look();
    });
  }

  #countCells(): number {
    let cells = 0;
    for (const { left } of this.#jobs.values()) cells += left.size;
    return cells;
  }

  #take(): [VirtualJob, string] | undefined {
    const busy = [...this.#jobs.values()].map(({ queue }) => queue);
    for (const name of queuesToAsk(this.#ready, busy)) {
      const job = this.#fetch(name);
      if (job === undefined) continue;
      // As the real one: the next look begins with the others.
      this.#ready.delete(name);
      this.#ready.add(name);
      return [job, name];
    }
    return undefined;
  }

  #fetch(name: string): VirtualJob | undefined {
    const { queues, held, time, timing } = this.#world;
    const queue = queues.get(name)?.queue;
    const head = queue?.head(windowJobs) ?? null;
    if (head === null) return queue?.take();
    const preference = this.#preferences.get(name) ?? new Preference(timing.preferMs);
    this.#preferences.set(name, preference);
    const chosen = preference.choose(head, this.#templates, held, time.nowMs);
    return chosen === null ? undefined : queue?.take(chosen);
  }

  #begin(job: VirtualJob, queue: string): void {
    const { lost, isGivenUp } = judgeStalls(job.lost, job.stalls, job.plan.cells.length);
    if (isGivenUp) {
      this.#world.queues.get(queue)?.queue.remove(job.id);
      this.#say({ kind: 'given-up', job: job.id, reason: 'the job stalled', lost });
      return;
    }
    const left = new Map(job.plan.cells.map((cell) => [cellKey(cell), cell]));
    const inHand = { job, queue, left };
    this.#jobs.set(job.id, inHand);
    this.#withTemplate(job, () => {
      for (const [key, cell] of left) this.#withGuest(() => this.#runCell(inHand, key, cell));
    });
  }

  #withTemplate({ id }: VirtualJob, act: () => void): void {
    const boot = readBoot(id) ?? '';
    if (this.#templates.has(boot)) {
      noteBoot(this.#templates, boot);
      act();
      return;
    }
    const waiting = this.#booting.get(boot);
    if (waiting !== undefined) {
      waiting.push(act);
      return;
    }
    this.#booting.set(boot, [act]);
    this.#withGuest(() =>
      this.#later(this.#world.templateMs / this.#machine.speed, () => {
        const acts = this.#booting.get(boot) ?? [];
        this.#booting.delete(boot);
        this.#world.onTemplate();
        noteBoot(this.#templates, boot);
        for (const each of acts) each();
        this.#release();
      }),
    );
  }

  #withGuest(act: () => void): void {
    if (this.#free === 0) {
      this.#queued.push(act);
      return;
    }
    this.#free -= 1;
    act();
  }

  #release(): void {
    const next = this.#queued.shift();
    if (next === undefined) this.#free += 1;
    else next();
  }

  #runCell(inHand: InHand, key: string, cell: Cell): void {
    const { deadly, cellMs } = this.#world;
    this.#say({ kind: 'started', cell: key });
    if (deadly.has(key)) {
      this.#later(50, () => this.#strike({ atMs: 0, kind: 'killed', downMs: 10_000 }));
      return;
    }
    this.#later(cellMs(key) / this.#machine.speed, () => {
      const { job, queue, left } = inHand;
      left.delete(key);
      this.#say({ kind: 'ended', ...endUnasked(cell, 'skipped', 'a virtual guest', job.plan.images.digest) });
      if (left.size === 0) {
        this.#jobs.delete(job.id);
        this.#world.queues.get(queue)?.queue.remove(job.id);
      }
      this.#release();
      this.#look();
    });
  }

  /** Nothing while another fault lasts. */
  #strike({ kind, downMs }: Fault): void {
    if (!this.#isUp) return;
    const { time, timing } = this.#world;
    const late = kind === 'stopped' ? this.#lateResults() : [];
    for (const { job, queue: name, left } of this.#jobs.values()) {
      const queue = this.#world.queues.get(name)?.queue;
      const back = (): void => queue?.giveBack(job);
      if (kind === 'ended') {
        job.plan = { ...job.plan, cells: [...left.values()] };
        back();
      } else
        time.after(timing.lockMs + timing.lockMs / 4, () => {
          job.stalls += 1;
          back();
        });
    }
    this.#life += 1;
    this.#isUp = this.#isLooking = false;
    this.#free = this.#machine.guests;
    this.#queued = [];
    this.#booting.clear();
    this.#jobs.clear();
    time.after(downMs, () => {
      for (const message of late) this.#say(message);
      this.#start();
    });
  }

  /** What a stopped worker still says of cells that others do by then. */
  #lateResults(): readonly Message['event'][] {
    const ends: Message['event'][] = [];
    for (const { job, left } of this.#jobs.values()) {
      const [cell] = left.values();
      if (cell !== undefined)
        ends.push({ kind: 'ended', ...endUnasked(cell, 'skipped', 'late', job.plan.images.digest) });
    }
    return ends;
  }

  #say(event: Message['event']): void {
    this.#world.send({ machine: this.#sender, event });
  }
}
