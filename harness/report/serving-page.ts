/** The section of the overhead page on the cost of a request: Markdown from a record. Pure. */
import { servingModes, servingWorks } from '../measure/serving-plan.ts';
import { formatFactor } from '../outcome/format-figure.ts';
import type { ServingRecord } from '../store/serving-record.ts';
import { groupBy } from './group-by.ts';
import { escapeMarkdown, markdownTable } from './markdown.ts';
import { formatClaims } from './published-estimate.ts';
import { describeCpu } from './serving-table.ts';

type Figure = ServingRecord['figures'][number];
type Compared = Figure & Readonly<{ cpu: NonNullable<Figure['cpu']> }>;

const isCompared = (figure: Figure): figure is Compared => figure.cpu !== null && figure.invalid === null;

/** The baseline a second time: the noise, and no mode. */
const isAgain = ({ mode }: Figure): boolean => mode.endsWith('(again)');

export function renderServingSection(record: ServingRecord): string {
  const { figures } = record;
  return [
    '## What a request costs a server',
    formatOrigin(record),
    'CPU time of the whole server per request, kernel included, as a multiple of that with `spin`; in brackets the 95 % interval over rounds. Each request has an instance of its own: made, used and dropped.',
    '### Does “10–20 %” hold for a request?',
    formatAnswer(figures.filter(isCompared).filter((figure) => !isAgain(figure))),
    'It is a figure about checks, and checks are a part of `explicit` alone, which apart from smaller slots is `spin`: they count where a request does little but access memory (`loop`). A lower tier costs a server something else. `pool` differs from `spin` in that it keeps no memory of a slot resident, so each page that a request touches is a page fault again. `on-demand` has these faults and the system calls that map and unmap each memory. The more pages a short request touches, the more that is; a request that works long, or waits, hides it.',
    tabulateModes(),
    ...[...groupBy(figures, ({ work }) => work)].flatMap(([work, rows]) => [
      `### ${work}: a request that ${describeWork(work)}`,
      tabulate(rows),
    ]),
  ].join('\n\n');
}

function formatOrigin({ server, machine, measuredAt, load }: ServingRecord): string {
  const { cpuModel, cores, os, kernel } = machine;
  const origin = `${server.version}, ${server.name}, on ${cpuModel} (${cores} cores, ${os}, Linux ${kernel}), ${measuredAt.slice(0, 10)}; load average ${load.before.toFixed(1)} before and ${load.after.toFixed(1)} after.`;
  const noisy =
    load.before > cores / 2
      ? ' The machine had other work: ratios of CPU time stand, with wide intervals; requests per second and quantiles are those of a busy machine.'
      : '';
  return `${escapeMarkdown(origin)}${noisy}\n\nMade from \`results/reference/serving.json\`, which \`poolproof serve-bench --json\` wrote.`;
}

const describeWork = (name: string): string => {
  const stands = servingWorks.find((work) => work.name === name)?.stands ?? '';
  return stands === 'nothing' ? 'does nothing' : stands;
};

/** A line per mode: the range of its ratios, and where it lies to the claim. */
function formatAnswer(figures: readonly Compared[]): string {
  return [...groupBy(figures, ({ mode }) => mode)]
    .flatMap(([mode, rows]) => {
      const stable = rows.filter(({ stable }) => stable).map(({ cpu }) => cpu.ratio);
      const range =
        stable.length === 0
          ? 'no stable figure'
          : `${formatFactor(Math.min(...stable))} to ${formatFactor(Math.max(...stable))}`;
      const claims = rows.map(({ work, connections, cpu, stable }) => ({
        ...cpu,
        workload: work,
        where: `connections: ${connections}`,
        stable,
      }));
      return [`- **${mode}**: ${range}`, ...formatClaims(claims).map((line) => `  - ${line}`)];
    })
    .join('\n');
}

const tabulateModes = (): string =>
  markdownTable(
    ['mode', 'what it is'],
    servingModes.map(({ name, stands }) => [name, escapeMarkdown(stands)]),
  );

function tabulate(figures: readonly Figure[]): string {
  const head = ['connections', 'mode', 'CPU per request', 'µs', 'requests/s', 'p50 ms', 'p99 ms', 'requests'];
  return markdownTable(
    head,
    figures.map((figure) => {
      const { connections, mode, cpuNs, requestsPerSecond, p50Ms, p99Ms, requests } = figure;
      const numbers = [(cpuNs / 1000).toFixed(1), requestsPerSecond.toFixed(0), p50Ms.toFixed(2)];
      const words = escapeMarkdown(describeCpu(figure));
      return [String(connections), mode, words, ...numbers, p99Ms.toFixed(2), String(requests)];
    }),
  );
}
