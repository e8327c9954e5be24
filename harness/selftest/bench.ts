/** What the checks of a selftest share: the machine that is tried, its template, samples of many boots and clones. */
import { createHash, randomUUID } from 'node:crypto';
import pLimit from 'p-limit';
import { defaultArchitecture, type ArchitectureName } from '../../images/architectures.ts';
import type { BuiltImages } from '../../images/build.ts';
import { hashFile } from '../../images/cache/image-cache.ts';
import type { Facts } from '../../images/allocator/facts.ts';
import { defaultSettings, type Settings } from '../axes/table.ts';
import { PoolproofError } from '../errors.ts';
import { buildTemplate, startClone, templateKey } from '../guest/build-template.ts';
import { buildNodeWarmUp } from '../guest/guest-command.ts';
import { factPathsOf, readFacts, readSubjectRun } from '../guest/observe.ts';
import { openSession, stopOnAbort } from '../guest/open-session.ts';
import type { Session } from '../guest/session.ts';
import { readClock, type ClockReading } from '../guest/template-clock.ts';
import { startMachine, type Machine, type StartMachine } from '../machine/machine.ts';
import { TemplateStore, type Template } from '../machine/template-store.ts';
import { decideCapacity } from '../plan/admission.ts';
import { deadlinesFor, type Deadlines } from '../plan/deadlines.ts';
import { buildMachineSpec, type MachineSpec } from '../plan/machine-spec.ts';
import { imagesOf } from '../plan/requirements.ts';
import type { Prepared } from '../run/prepare.ts';

export type StartKind = 'boot' | 'clone';

/** A machine whose session has answered. */
export type OpenMachine = AsyncDisposable &
  Readonly<{ machine: Machine; session: Session; /** From QEMU's start to the answer. */ readyMs: number }>;

/** What a machine said when it had just come up. */
export type Sample = Readonly<{
  readyMs: number;
  facts: Facts;
  /** A number that the kernel drew for a program: 122 random bits. */
  drawn: string;
  /** Of its uptime, just after its first answer. */
  clock: ClockReading;
  /** When QEMU was started, by this computer's monotonic clock, milliseconds. */
  startedMs: number;
}>;

/** The machines of one kind: those that came up, and why others did not. */
export type Samples = Readonly<{ came: readonly Sample[]; lost: readonly string[] }>;

/** A template of the selftest's own, and the digest of its memory before it had any clone. */
export type TriedTemplate = Readonly<{ template: Template; ramSha256: string }>;

export type BenchOptions = Readonly<{
  prepared: Prepared;
  /** Of all guests. @default x86-64 */
  arch?: ArchitectureName;
  cacheDir: string;
  boots: number;
  clones: number;
  signal: AbortSignal;
  /** @default QEMU; another only in tests of planted faults */
  startMachine?: StartMachine;
  deadlines?: Partial<Deadlines>;
}>;

const mib = 1024 * 1024;

/** Of the machine that is tried: the smallest in which a wasm host proves every tier. */
const memoryMib = 512;

/** What QEMU takes beside its guest's memory, MiB. */
const qemuMib = 150;

const templateCacheBytes = 4 * 1024 ** 3;

export class Bench {
  readonly prepared: Prepared;
  readonly cacheDir: string;
  readonly signal: AbortSignal;
  readonly settings: Settings;
  readonly images: BuiltImages;
  readonly spec: MachineSpec;
  readonly deadlines: Deadlines;
  readonly startMachine: StartMachine;
  readonly #counts: Readonly<Record<StartKind, number>>;
  readonly #templates: TemplateStore;
  readonly #known = new Map<string, Promise<unknown>>();
  #template: Promise<TriedTemplate> | null = null;

  constructor(options: BenchOptions) {
    const { prepared, cacheDir, signal, arch = defaultArchitecture.name } = options;
    this.settings = { ...defaultSettings(), arch, memory: memoryMib * mib };
    const images = prepared.images.get(imagesOf(this.settings));
    if (images === undefined) throw new RangeError('a selftest without images');
    const { accelerator } = prepared.accelerator;
    this.prepared = prepared;
    this.cacheDir = cacheDir;
    this.signal = signal;
    this.images = images;
    this.spec = buildMachineSpec(this.settings, images, { qemu: prepared.qemu.path, accelerator });
    this.deadlines = { ...deadlinesFor(accelerator), ...options.deadlines };
    this.startMachine = options.startMachine ?? startMachine;
    this.#counts = { boot: options.boots, clone: options.clones };
    this.#templates = new TemplateStore(cacheDir, templateCacheBytes);
  }

  /** Guests at a time. */
  get jobs(): number {
    const { jobs, budgetMib } = decideCapacity(this.prepared.computer, {});
    return Math.max(1, Math.min(jobs, Math.floor(budgetMib / (memoryMib + qemuMib))));
  }

  /** The template, made at the first call: never one of an earlier run, because the saving is tried as well. */
  template(): Promise<TriedTemplate> {
    return (this.#template ??= this.#makeTemplate());
  }

  async #makeTemplate(): Promise<TriedTemplate> {
    const { spec, deadlines, startMachine } = this;
    const request = {
      store: this.#templates,
      spec,
      qemuTitle: this.prepared.qemu.title,
      warm: [buildNodeWarmUp(this.settings.node, deadlines)],
      deadlines,
      startMachine,
    };
    const key = createHash('sha256')
      .update(`${await templateKey(request)} ${randomUUID()}`)
      .digest('hex');
    await this.#templates.use(key);
    const template = await buildTemplate(request, key);
    return { template, ramSha256: (await hashFile(template.ramFile)).sha256 };
  }

  /** A machine that answers; its owner disposes of it. @throws PoolproofError where it does not come up */
  async open(kind: StartKind): Promise<OpenMachine> {
    this.signal.throwIfAborted();
    const template = kind === 'clone' ? (await this.template()).template : null;
    const startedMs = performance.now();
    const machine =
      template === null
        ? await this.startMachine(this.spec, { kind: 'boot' })
        : await startClone(this.spec, template, this.startMachine);
    const onAbort = stopOnAbort(machine, this.signal);
    const close = async (): Promise<void> => {
      onAbort[Symbol.dispose]();
      await machine.stop();
    };
    try {
      const session = await openSession(machine, this.deadlines);
      return { machine, session, readyMs: performance.now() - startedMs, [Symbol.asyncDispose]: close };
    } catch (error) {
      await close();
      throw error;
    }
  }

  /** What several checks ask for and one answer is enough for, by a name of its own. */
  once<Answer>(name: string, ask: () => Promise<Answer>): Promise<Answer> {
    const answer = (this.#known.get(name) as Promise<Answer> | undefined) ?? ask();
    this.#known.set(name, answer);
    return answer;
  }

  /** All boots, or all clones: started once, whichever checks ask about them. */
  samples(kind: StartKind): Promise<Samples> {
    return this.once(`samples of ${kind}`, () => this.#takeSamples(kind));
  }

  async #takeSamples(kind: StartKind): Promise<Samples> {
    // Not within the first of them: no clone is slower than the others for it.
    if (kind === 'clone') await this.template();
    const limit = pLimit(this.jobs);
    const taken = await Promise.all(
      Array.from({ length: this.#counts[kind] }, () => limit(() => this.#takeSample(kind))),
    );
    this.signal.throwIfAborted();
    return {
      came: taken.filter((sample) => typeof sample !== 'string'),
      lost: taken.filter((sample) => typeof sample === 'string'),
    };
  }

  async #takeSample(kind: StartKind): Promise<Sample | string> {
    try {
      const startedMs = performance.now();
      await using open = await this.open(kind);
      const clock = await readClock(open.machine, open.session, this.deadlines);
      const { facts, stdout } = await this.exec(open, ['/bin/cat', '/proc/sys/kernel/random/uuid']);
      return { readyMs: open.readyMs, facts, drawn: stdout.trim(), clock, startedMs };
    } catch (error) {
      if (error instanceof PoolproofError && !this.signal.aborted) return `${error.code}: ${error.message}`;
      throw error;
    }
  }

  /** Runs a program as a subject is run. Facts and texts are what the session read in it before it began. */
  async exec(
    { session }: Pick<OpenMachine, 'session'>,
    command: readonly string[],
    settings = this.settings,
  ) {
    const { subjectMs: ms, requestMs: replyMs } = this.deadlines;
    const env = { PATH: '/bin', HOME: '/tmp', TMPDIR: '/tmp' };
    const reply = await session.run(
      { limits: {}, factPaths: factPathsOf(settings), env, command },
      { ms, replyMs },
    );
    return { ...readSubjectRun(reply), facts: readFacts(reply.texts), texts: reply.texts };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const tried = await this.#template?.catch(() => null);
    if (tried != null) await this.#templates.drop(tried.template.key);
    await this.#templates[Symbol.asyncDispose]();
  }
}
