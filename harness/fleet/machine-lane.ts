/** What a worker has made ready for the cells of a lane: its queue, its images, and what runs boot plans with them. */
import type { Queue, Worker as QueueWorker } from 'bullmq';
import type { ArchitectureName } from '../../images/architectures.ts';
import type { Capacity } from '../plan/admission.ts';
import { LocalRunner, type LocalRunnerOptions } from '../run/local-runner.ts';
import type { Prepared, PrepareOptions } from '../run/prepare.ts';
import type { FleetMachine } from '../store/result.ts';
import { keys, type Link, openQueue } from './connect.ts';
import { Preference } from './affinity.ts';
import { fetchImages } from './fetch-images.ts';
import { findForeignFile, findOtherImages, findUnfit } from './lanes.ts';
import type { Call, Lane } from './messages.ts';
import type { Timing } from './timing.ts';

export type LaneTools = PrepareOptions &
  Pick<LocalRunnerOptions, 'startMachine' | 'deadlines'> &
  Readonly<{
    link: Link;
    name: string;
    tool: string;
    /** Those whose QEMU is here. */
    architectures: readonly ArchitectureName[];
    capacity: Capacity;
    timing: Timing;
    /** Hears where images come from. */
    onNotice: (text: string) => void;
    /** Where archives of images are, see {@link parseImagesFrom}. */
    imagesFrom?: URL;
    /** Takes files of foreign subjects by their path here, and packages without a checksum. */
    allowSubjects: boolean;
    prepare: (cells: Lane['samples'], options: PrepareOptions) => Promise<Prepared>;
  }>;

export type OpenLane = AsyncDisposable &
  Readonly<{
    lane: Lane;
    run: string;
    /** Of the run, for people. */
    title: string;
    /** Fetches jobs; processes none by itself. */
    jobs: QueueWorker;
    /** The same jobs, to be looked at. */
    queue: Queue;
    preference: Preference;
    runner: LocalRunner;
    machine: FleetMachine;
  }>;

/**
 * Makes a lane ready: builds its images where they are missing.
 * @returns why this machine cannot take its jobs, in words, when it cannot
 */
export async function openLane(call: Call, lane: Lane, tools: LaneTools): Promise<OpenLane | string> {
  const { tool, architectures, allowSubjects, prepare, link, name, capacity, timing } = tools;
  const wanted = { ...lane, tool: call.tool };
  // Before anything is built.
  const otherTool = findUnfit(wanted, { ...wanted, tool });
  if (otherTool !== null) return otherTool;
  const foreignCpu = lane.samples.find(({ settings }) => !architectures.includes(settings.arch));
  if (foreignCpu !== undefined) return `it has no QEMU for guests of ${foreignCpu.settings.arch}`;
  const foreign = findForeignFile(lane);
  if (foreign !== null && !allowSubjects)
    return `it does not take ${foreign} without --allow-subjects: only packages with a sha256`;
  await fetchImages(call.run, lane, tools);
  const prepared = await prepare(lane.samples, tools);
  const { qemu, computer } = prepared;
  const { accelerator } = prepared.accelerator;
  const unfit =
    findUnfit(wanted, { tool, qemu: qemu.version, accelerator }) ?? findOtherImages(lane, prepared);
  if (unfit !== null) return unfit;
  const runner = await LocalRunner.open({ ...tools, prepared, capacity });
  const jobs = new link.bullmq.Worker(lane.queue, null, {
    connection: link.redis,
    autorun: false,
    name,
    lockDuration: timing.lockMs,
    stalledInterval: Math.max(200, timing.lockMs / 4),
    // Each loss is in the job, and the next worker decides: see take-job.ts.
    maxStalledCount: Number.MAX_SAFE_INTEGER,
  });
  // Every call says what is wrong by itself.
  jobs.on('error', () => undefined);
  await jobs.startStalledCheckTimer();
  return {
    lane,
    run: call.run,
    title: call.title || call.run,
    jobs,
    queue: openQueue(link, lane.queue),
    preference: new Preference(timing.preferMs, Math.random()),
    runner,
    machine: { name, qemu: qemu.version, accelerator, cpuModel: computer.cpuModel, kernel: computer.kernel },
    [Symbol.asyncDispose]: async () => {
      await jobs.close(true).catch(() => undefined);
      await forgetQueue(link, call.run, jobs).catch(() => undefined);
      await runner[Symbol.asyncDispose]();
    },
  };
}

/** Removes what scripts of the queue wrote behind the end of its run: nobody else would. */
async function forgetQueue({ redis }: Link, run: string, jobs: QueueWorker): Promise<void> {
  if ((await redis.exists(keys.call(run))) === 0)
    await redis.del(jobs.toKey('meta'), jobs.toKey('stalled-check'));
}
