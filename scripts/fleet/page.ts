/** Figures of a fleet → results/fleet.md. Pure. */
import type { FleetFigures } from '../bench/fleet.ts';
import type { SimulationFigures } from './simulate.ts';

/** What `scripts/fleet/main.js --json` writes. */
export type SimulationRecord = Readonly<{ date: string; simulations: readonly SimulationFigures[] }>;

/** Older records do not have the start apart, and all their results were on a disk. */
type Newer = 'startCpuMs' | 'files';
type BenchFigures = Omit<FleetFigures, Newer> & Partial<Pick<FleetFigures, Newer>>;
const filesOf = ({ files = 'disk' }: BenchFigures): FleetFigures['files'] => files;

/** What `scripts/bench/main.js --json FILE fleet` writes. */
export type FleetBenchRecord = Readonly<{
  date: string;
  machine: Readonly<{ cores: number; cpuModel: string; node: string }>;
  figures: Readonly<{ fleet: readonly BenchFigures[] }>;
}>;

const share = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(1)} %`;
const count = (value: number): string => value.toLocaleString('en-US');

type Column<Row> = Readonly<{ title: string; of: (row: Row) => string }>;

function renderTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    line(columns.map(({ title }) => title)),
    line(columns.map(() => '---:')),
    ...rows.map((row) => line(columns.map(({ of }) => of(row)))),
  ].join('\n');
}

const size: readonly Column<SimulationFigures>[] = [
  { title: 'machines', of: ({ machines }) => count(machines) },
  { title: 'cells', of: ({ cells }) => count(cells) },
];

const runs: readonly Column<SimulationFigures>[] = [
  ...size,
  { title: 'guests', of: ({ guests }) => count(guests) },
  { title: 'makespan, s', of: ({ seconds }) => seconds.toFixed(0) },
  { title: 'bound, s', of: ({ boundSeconds }) => boundSeconds.toFixed(0) },
  { title: 'above it', of: ({ seconds, boundSeconds }) => share(seconds - boundSeconds, boundSeconds) },
  { title: 'lost', of: ({ lost }) => count(lost) },
  { title: 'doubled', of: ({ doubled }) => count(doubled) },
  { title: 'deadly', of: ({ deadly }) => count(deadly) },
  { title: '`broken`', of: ({ broken }) => count(broken) },
];

const costs: readonly Column<SimulationFigures>[] = [
  ...size,
  { title: 'jobs', of: ({ jobs }) => count(jobs) },
  { title: 'in the queues at most', of: ({ mostQueued }) => count(mostQueued) },
  { title: 'their data, MiB', of: ({ mostQueuedMib }) => mostQueuedMib.toFixed(1) },
  { title: 'boots', of: ({ boots }) => count(boots) },
  { title: 'templates made', of: ({ templates }) => count(templates) },
  { title: 'ms of CPU per cell', of: ({ cpuMsPerCell }) => cpuMsPerCell.toFixed(2) },
];

/** Why guests had nothing to do, in the words of the page. */
const whys: readonly (readonly [keyof SimulationFigures['idle'], string])[] = [
  ['template', 'waiting for a template'],
  ['empty', 'no job left'],
  ['left', 'jobs left to holders'],
  ['alone', 'beside a suspect'],
  ['images', 'no images yet'],
];

const shares: readonly Column<SimulationFigures>[] = [
  ...size,
  ...whys.map(([why, title]) => ({
    title,
    of: ({ idle, workSeconds }: SimulationFigures) => share(idle[why] ?? 0, workSeconds),
  })),
  {
    title: 'making templates',
    of: ({ templateSeconds, workSeconds }) => share(templateSeconds, workSeconds),
  },
];

const bench: readonly Column<BenchFigures>[] = [
  { title: 'cells', of: ({ cells }) => count(cells) },
  { title: 'results', of: (figures) => (filesOf(figures) === 'disk' ? 'on disk' : 'in memory') },
  { title: 'ms of coordinator CPU per cell', of: ({ cpuMsPerCell }) => cpuMsPerCell.toFixed(2) },
  { title: 'its start, ms', of: ({ startCpuMs }) => startCpuMs?.toFixed(0) ?? 'not apart' },
  { title: 'seconds', of: ({ seconds }) => seconds.toFixed(0) },
  { title: 'of the ideal speed-up', of: ({ seconds, idealSeconds }) => share(idealSeconds, seconds) },
  { title: 'Redis at most, MiB', of: ({ redisPeakMib }) => redisPeakMib.toFixed(1) },
  { title: 'Redis commands per cell', of: ({ redisCommandsPerCell }) => redisCommandsPerCell.toFixed(1) },
];

export function renderFleetPage(
  { date, simulations }: SimulationRecord,
  { date: benchDate, machine, figures }: FleetBenchRecord,
): string {
  return `# A fleet, on paper and for real

Generated from [reference/fleet.json](reference/fleet.json) and [reference/fleet-bench.json](reference/fleet-bench.json) by
\`npm run generate\`: change nothing here by hand.

<!-- prettier-ignore-start -->

## In virtual time

${date}, \`node dist/scripts/fleet/main.js\`. The cutting and order of jobs, who takes one, what becomes of lost ones and which results
count are the functions of [harness/fleet](../harness/fleet/README.md); Redis, guests and time are simulated. Machines run 2 to
16 guests at half to twice the usual speed, one in five joins late, half lack the images of a kernel. Cells take 4 s in the
middle, ${count(simulations[0]?.cellsPerBoot ?? 0)} share a boot. Each machine is killed, ended or stopped ${simulations[0]?.faultsPerHour ?? 0} times per hour, Redis forgets everything once,
and deadly cells take down every machine that runs them: those, and no others, must end \`broken\`.

${renderTable(runs, simulations)}

The bound: the first moment *t* at which the machines can have done the work of all cells and one template per boot, if no guest
ever waited: the sum over machines of guests × speed × (time up until *t*, from its first images) ≥ cells + boots × template. Each
template more than one, each idle guest, and each cell run twice is above it.

Of the work, guests lost:

${renderTable(shares, simulations)}

What it costs (the CPU is that of the whole simulation: coordinator, queue and all workers):

${renderTable(costs, simulations)}

## Real processes

${benchDate}, ${machine.cpuModel} (${machine.cores} cores), Node ${machine.node}, \`node dist/scripts/bench/main.js fleet\`: a real Redis, one coordinator and four workers of four
fake guests each in processes of their own, cells of one second.

${renderTable(bench, figures.fleet)}

The CPU is that of a coordinator started as \`scripts/poolproof\` starts the command, which shows its progress in a file, until all
results are stored; the reports at the end of a run are not in it. ${explainSlope(figures.fleet)}

${explainLimit(simulations, figures.fleet)}

<!-- prettier-ignore-end -->
`;
}

/** What a cell costs where the start counts no more. */
function explainSlope(bench: readonly BenchFigures[]): string {
  const slopes = (['disk', 'memory'] as const).flatMap((files) => {
    const same = bench.filter((figures) => filesOf(figures) === files);
    const [first, last] = [same[0], same.at(-1)];
    if (first === undefined || last === undefined || first === last) return [];
    const used = last.cells * last.cpuMsPerCell - first.cells * first.cpuMsPerCell;
    const where = files === 'disk' ? 'on disk' : 'in memory';
    return [`${(used / (last.cells - first.cells)).toFixed(2)} ms with results ${where}`];
  });
  return `Behind the first ${count(bench[0]?.cells ?? 0)} cells, which the start is part of, each costs ${slopes.join(', ')}.`;
}

/** What breaks first: a coordinator is one process. */
function explainLimit(simulations: readonly SimulationFigures[], bench: readonly BenchFigures[]): string {
  const largest = simulations.at(-1);
  // As usual.
  const real = bench.findLast((figures) => filesOf(figures) === 'disk');
  if (largest === undefined || real === undefined) return '';
  const perSecond = largest.cells / largest.seconds;
  const most = 1000 / real.cpuMsPerCell;
  const commands = perSecond * real.redisCommandsPerCell;
  return `## What breaks first

The coordinator, one process: at ${real.cpuMsPerCell.toFixed(2)} ms per cell it takes ${most.toFixed(0)} cells per second. The largest simulated run ends
${perSecond.toFixed(0)} per second, ${share(perSecond, most)} of that: some ${(Math.floor(((most / perSecond) * largest.machines) / 10) * 10).toFixed(0)} such machines keep one core busy, and
more of them wait. Redis has ${commands.toFixed(0)} commands per second to run then; its memory does not grow with the run, because jobs wait in
the coordinator. Larger labs split the matrix with \`--shard\`, a coordinator each.`;
}
