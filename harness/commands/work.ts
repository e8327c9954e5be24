/** `poolproof work` */
import { randomBytes } from 'node:crypto';
import { architectures, defaultArchitecture, type ArchitectureName } from '../../images/architectures.ts';
import { PoolproofError } from '../errors.ts';
import { openLink } from '../fleet/connect.ts';
import { parseImagesFrom } from '../fleet/fetch-images.ts';
import type { Metrics } from '../fleet/metrics.ts';
import { defaultTiming } from '../fleet/timing.ts';
import { FleetWorker } from '../fleet/worker.ts';
import { decideCapacity } from '../plan/admission.ts';
import { findQemu, readComputer, type Qemu } from '../plan/computer.ts';
import { formatCount } from '../report/format-run.ts';
import { prepare } from '../run/prepare.ts';
import { machineName } from '../store/result-schema.ts';
import { cacheOption, notifyOf, type Context } from './context.ts';

type Options = Readonly<{
  fleet?: string | undefined;
  name?: string | undefined;
  jobs?: number | undefined;
  /** Bytes. */
  memoryBudget?: number | undefined;
  allowSubjects?: boolean | undefined;
  metrics?: string | undefined;
  imagesFrom?: string | undefined;
  cache?: string | undefined;
  locked?: boolean | undefined;
}>;

export async function work(context: Context, _args: readonly string[], options: Options): Promise<number> {
  // Not the computer's own: that may name a person.
  const { fleet, name = `worker-${randomBytes(2).toString('hex')}`, jobs, memoryBudget } = options;
  if (!machineName.safeParse(name).success)
    throw new PoolproofError('USAGE', `--name ${name}: letters, digits, - _ and . are possible, at most 40`);
  const imagesFrom = options.imagesFrom === undefined ? null : parseImagesFrom(options.imagesFrom);
  const [qemus, computer] = await Promise.all([findQemus(), readComputer()]);
  const capacity = decideCapacity(computer, {
    ...(jobs !== undefined && { jobs }),
    ...(memoryBudget !== undefined && { budgetMib: Math.floor(memoryBudget / 1024 ** 2) }),
  });
  await using metrics =
    options.metrics === undefined ? null : await openMetrics(options.metrics, capacity.jobs);
  if (metrics !== null) context.err(`metrics: ${metrics.address}\n`);
  const notify = notifyOf(context);
  // Last of all that can fail: the worker closes it.
  const link = await openLink({ address: fleet, onNotice: notify.onNotice });
  context.finishOnSignal();
  context.err(`${name} takes cells from ${link.address}, ${capacity.jobs} at a time; Ctrl-C ends it\n`);
  const ended = await new FleetWorker({
    ...notify,
    link,
    name,
    tool: context.version,
    cacheDir: cacheOption(options),
    locked: options.locked ?? false,
    capacity,
    computer,
    qemu: [...qemus.values()][0] ?? (await findQemu()),
    architectures: [...qemus.keys()],
    allowSubjects: options.allowSubjects ?? false,
    ...(imagesFrom !== null && { imagesFrom }),
    prepare: context.seams?.prepare ?? prepare,
    timing: defaultTiming,
    ...(metrics !== null && { onCell: metrics.onCell }),
    onJobEnd: (line) => context.err(`${line}\n`),
    signal: context.signal,
  }).work();
  context.err(`${name} ends: ${formatCount(ended, 'cell')} ran here\n`);
  return 0;
}

/**
 * The QEMU of each architecture that there is one for.
 * @throws PoolproofError QEMU_* of x86-64 when there is none at all
 */
async function findQemus(): Promise<ReadonlyMap<ArchitectureName, Qemu>> {
  const found = new Map<ArchitectureName, Qemu>();
  for (const architecture of architectures) {
    const qemu = await findQemu(undefined, architecture).catch(() => null);
    if (qemu !== null) found.set(architecture.name, qemu);
  }
  if (found.size === 0) found.set(defaultArchitecture.name, await findQemu());
  return found;
}

const openMetrics = async (address: string, guests: number): Promise<Metrics> =>
  (await import('../fleet/metrics.ts')).serveMetrics(address, guests);
