/** A fleet at one moment: its workers, its runs, and what waits in their queues. */
import { formatCount } from '../report/format-run.ts';
import { keys, type Link, openQueue } from './connect.ts';
import { type Call, parseCall, type Presence, unlessInvalid } from './messages.ts';
import { listWorkers } from './roster.ts';

export type RunSurvey = Readonly<{
  run: string;
  title: string;
  /** Its coordinator lives. */
  isAlive: boolean;
  /** By kernel; jobs, each some cells of one boot. */
  lanes: readonly Readonly<{ kernel: string; waiting: number; active: number }>[];
  /** Messages that its coordinator has not read. */
  unread: number;
}>;

export type Survey = Readonly<{ workers: readonly Presence[]; runs: readonly RunSurvey[] }>;

export async function surveyFleet(link: Link): Promise<Survey> {
  const { redis } = link;
  const runs: RunSurvey[] = [];
  for (const run of (await redis.smembers(keys.runs)).sort()) {
    const text = await redis.get(keys.call(run));
    const call = text === null ? null : unlessInvalid(() => parseCall(text));
    if (call !== null) runs.push(await surveyRun(link, call));
  }
  return { workers: await listWorkers(redis), runs };
}

async function surveyRun(link: Link, { run, title, lanes }: Call): Promise<RunSurvey> {
  const { redis } = link;
  const counted = lanes.map(async ({ kernel, queue: name }) => {
    const queue = openQueue(link, name);
    const { active = 0, ...waiting } = await queue.getJobCounts(
      'active',
      'waiting',
      'prioritized',
      'delayed',
    );
    return { kernel, active, waiting: Object.values(waiting).reduce((sum, count) => sum + count, 0) };
  });
  const [alive, unread] = await Promise.all([redis.exists(keys.alive(run)), redis.xlen(keys.news(run))]);
  return { run, title, isAlive: alive === 1, lanes: await Promise.all(counted), unread };
}

function renderWorker(worker: Presence): readonly string[] {
  const { name, qemu, architectures, cpuModel, cores, memoryMib, jobs, ended, cells } = worker;
  return [
    `${name}: runs ${cells.length} of ${formatCount(jobs, 'guest')}, ${formatCount(ended, 'cell')} ended; QEMU ${qemu} for ${architectures.join(', ')}`,
    `  ${cores} cores, ${Math.round(memoryMib)} MiB for guests, ${cpuModel}`,
    ...worker.images.map((image) => `  has images of ${image}`),
    ...(worker.boots.length > 0 ? [`  has templates of ${formatCount(worker.boots.length, 'boot')}`] : []),
    ...cells.map((cell) => `  runs ${cell}`),
    ...Object.entries(worker.refuses).map(([queue, why]) => `  takes nothing from ${queue}: ${why}`),
  ];
}

/** For a person. */
export function renderSurvey({ workers, runs }: Survey): string {
  const lines = workers.flatMap(renderWorker);
  if (workers.length === 0) lines.push('no workers');
  for (const { run, title, isAlive, lanes, unread } of runs) {
    lines.push(`run ${run}: ${title}${isAlive ? '' : ' (its coordinator is not there)'}`);
    for (const { kernel, waiting, active } of lanes)
      lines.push(
        `  ${kernel}: ${formatCount(waiting, 'job')} ${waiting === 1 ? 'waits' : 'wait'}, ${active} ${active === 1 ? 'is' : 'are'} being done`,
      );
    if (unread > 0)
      lines.push(
        `  ${formatCount(unread, 'message')} ${unread === 1 ? 'waits' : 'wait'} for the coordinator`,
      );
  }
  if (runs.length === 0) lines.push('no runs');
  return `${lines.join('\n')}\n`;
}
