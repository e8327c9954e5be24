/** A worker in virtual time: takes jobs by the rules of the real one, over guests that only take their time. */
import { noteBoot, Preference, readBoot, windowJobs } from '../../harness/fleet/affinity.ts';
import { judgeJob, queuesToAsk, wantsJob } from '../../harness/fleet/job-rules.ts';
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
  /** Drawn, see {@link Preference}. */
  place: () => number;
  /** Cells that take their worker down. */
  deadly: ReadonlySet<string>;
  /** Machines by the boots whose templates they had when they last said so. */
  holders: ReadonlyMap<string, number>;
  /** Hears of each template that is made. */
  onTemplate: () => void;
  /** Hears of guests times milliseconds of the usual computer that went to nothing. */
  onIdle: (why: Idle, ms: number) => void;
};

/** Why guests of a machine that is up do nothing. */
export type Idle = 'images' | 'template' | 'alone' | 'left' | 'empty';

/** A job in hand. */
type InHand = {
  readonly job: VirtualJob;
  readonly queue: string;
  readonly left: Map<string, Cell>;
  readonly isAlone: boolean;
  /** The queue has lost it: cells that have not started do not. */
  isDropped: boolean;
};

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
  /** A job that waits to run alone. */
  #suspect: InHand | null = null;
  /** What the last look found. */
  #found: 'left' | 'empty' = 'empty';
  #notedMs = 0;

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

  /** Accounts for the guests that did nothing since the last change. */
  #note(): void {
    const { time, onIdle } = this.#world;
    const ms = (time.nowMs - this.#notedMs) * this.#free * this.#machine.speed;
    this.#notedMs = time.nowMs;
    if (this.#isUp && ms > 0) onIdle(this.#whyIdle(), ms);
  }

  #whyIdle(): Idle {
    if (this.#ready.size === 0) return 'images';
    if ([...this.#jobs.values()].some(({ isAlone }) => isAlone)) return 'alone';
    return this.#booting.size > 0 ? 'template' : this.#found;
  }

  #start(): void {
    this.#note();
    this.#isUp = true;
    for (const [name, { kernel }] of this.#world.queues)
      this.#later(this.#ready.has(name) ? 0 : this.#machine.imagesMs(kernel), () => {
        this.#note();
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
    this.#note();
    while (this.#isUp && this.#wantsJob()) {
      const taken = this.#take();
      if (taken === undefined) break;
      this.#begin(...taken);
    }
    if (this.#isLooking || !this.#wantsJob()) return;
    this.#isLooking = true;
    this.#later(this.#world.timing.lookMs, () => {
      this.#isLooking = false;
      this.#look();
    });
  }

  #wantsJob(): boolean {
    const jobs = [...this.#jobs.values()].map(({ left, isAlone }) => ({ cells: left.size, isAlone }));
    return wantsJob(jobs, this.#machine.guests);
  }

  #take(): [VirtualJob, string] | undefined {
    this.#found = 'empty';
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
    const { queues, holders, time, timing, place } = this.#world;
    const queue = queues.get(name)?.queue;
    const head = queue?.head(windowJobs) ?? null;
    if (head === null) return queue?.take();
    const preference = this.#preferences.get(name) ?? new Preference(timing.preferMs, place());
    this.#preferences.set(name, preference);
    const chosen = preference.choose(head, this.#templates, holders, time.nowMs);
    if (chosen === null && head.length > 0) this.#found = 'left';
    return chosen === null ? undefined : queue?.take(chosen);
  }

  #begin(job: VirtualJob, queue: string): void {
    const { lost, isGivenUp, isAlone } = judgeJob({ ...job, cells: job.plan.cells.length });
    if (isGivenUp) {
      this.#world.queues.get(queue)?.queue.remove(job.id);
      this.#say({ kind: 'given-up', job: job.id, reason: 'the job stalled', lost });
      return;
    }
    const left = new Map(job.plan.cells.map((cell) => [cellKey(cell), cell]));
    const inHand = { job, queue, left, isAlone, isDropped: false };
    this.#jobs.set(job.id, inHand);
    if (!isAlone) {
      this.#run(inHand);
      return;
    }
    job.lost = lost;
    job.begun = false;
    this.#suspect = inHand;
    this.#beginSuspect();
  }

  /** As the real one: when the others have ended. */
  #beginSuspect(): void {
    if (this.#suspect === null || this.#jobs.size > 1) return;
    const inHand = this.#suspect;
    this.#suspect = null;
    inHand.job.begun = true;
    this.#run(inHand);
  }

  #run(inHand: InHand): void {
    const { job, left } = inHand;
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
    this.#note();
    this.#free -= 1;
    act();
  }

  #release(): void {
    this.#note();
    const next = this.#queued.shift();
    if (next === undefined) this.#free += 1;
    else next();
  }

  #runCell(inHand: InHand, key: string, cell: Cell): void {
    if (inHand.isDropped) {
      this.#release();
      return;
    }
    const { deadly, cellMs } = this.#world;
    this.#say({ kind: 'started', cell: key });
    if (deadly.has(key)) {
      this.#later(50, () => this.#strike({ atMs: 0, kind: 'killed', downMs: 10_000 }));
      return;
    }
    this.#later(cellMs(key) / this.#machine.speed, () => {
      const { job, queue, left, isDropped } = inHand;
      left.delete(key);
      if (!isDropped)
        this.#say({
          kind: 'ended',
          ...endUnasked(cell, 'skipped', 'a virtual guest', job.plan.images.digest),
        });
      if (left.size === 0) {
        this.#jobs.delete(job.id);
        this.#world.queues.get(queue)?.queue.remove(job.id);
        this.#beginSuspect();
      }
      this.#release();
      this.#look();
    });
  }

  /** As the real one when it cannot renew the lock of a job. */
  dropLost(): void {
    for (const [id, inHand] of this.#jobs) {
      if (this.#world.queues.get(inHand.queue)?.queue.has(id) === true) continue;
      inHand.isDropped = true;
      this.#jobs.delete(id);
    }
    this.#beginSuspect();
    this.#look();
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
        job.begun = false;
        back();
      } else
        time.after(timing.lockMs + timing.lockMs / 4, () => {
          job.stalls += 1;
          back();
        });
    }
    this.#note();
    this.#life += 1;
    this.#isUp = this.#isLooking = false;
    this.#free = this.#machine.guests;
    this.#queued = [];
    this.#booting.clear();
    this.#jobs.clear();
    this.#suspect = null;
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
