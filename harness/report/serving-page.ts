/** The section of the overhead page on the cost of a request: Markdown from records. Pure. */
import { servingModes, servingWorks } from '../measure/serving-plan.ts';
import { formatFactor } from '../outcome/format-figure.ts';
import type { ServingRecord } from '../store/serving-record.ts';
import { formatMachine } from './format-run.ts';
import { groupBy } from './group-by.ts';
import { escapeMarkdown, markdownTable } from './markdown.ts';
import { formatClaims } from './published-estimate.ts';
import { describeCpu } from './serving-table.ts';

type Figure = ServingRecord['figures'][number];
type Compared = Figure & Readonly<{ cpu: NonNullable<Figure['cpu']> }>;

const isCompared = (figure: Figure): figure is Compared => figure.cpu !== null && figure.invalid === null;

/** A tier against the one that it replaces: neither a baseline a second time, nor one server against another. */
const isTier = ({ mode }: Figure): boolean => !mode.endsWith('(again)') && mode !== 'host-standard';

/** @param records of different kinds of work */
export function renderServingSection(records: readonly ServingRecord[]): string {
  const figures = records.flatMap((record) => record.figures);
  const ofHost = records.every(({ host }) => host === null)
    ? ''
    : ' Tiers of our host are multiples of `host-standard`, which itself is one of `spin`: Node reads and writes its HTTP.';
  return [
    '## What a request costs a server',
    ...records.map((record) => formatOrigin(record, records.length === 1)),
    'Made from `results/reference/serving/`, which `poolproof serve-bench --json` wrote.',
    `CPU time of the whole server per request, kernel included, as a multiple of that with \`spin\`; in brackets the 95 % interval over rounds.${ofHost} Each request has an instance of its own: made, used and dropped.`,
    '### Does “10–20 %” hold for a request?',
    formatAnswer(figures.filter(isCompared).filter(isTier)),
    'It is a figure about checks, and checks are a part of `explicit` alone, which apart from smaller slots is `spin`: they count where a request does little but access memory (`loop`). A lower tier costs a server something else. `pool` differs from `spin` in that it keeps no memory of a slot resident, so each page that a request touches is a page fault again. `on-demand` has these faults and the system calls that map and unmap each memory. The more pages a short request touches, the more that is; in a request that works long, or waits, it is a smaller part.',
    tabulateModes(new Set(figures.map(({ mode }) => mode))),
    ...[...groupBy(figures, ({ work }) => work)].flatMap(([work, rows]) => [
      `### ${titleWork(work)}`,
      tabulate(rows),
    ]),
  ].join('\n\n');
}

function formatOrigin(
  { server, host, machine, measuredAt, load, figures }: ServingRecord,
  isOnly: boolean,
): string {
  const works = [...new Set(figures.map(({ work }) => work))].join(', ');
  const origin = `${server.version}, ${server.name}${host === null ? '' : `, and ${host}`}, on ${formatMachine(machine)}, ${measuredAt.slice(0, 10)}; load average ${load.before.toFixed(1)} before and ${load.after.toFixed(1)} after.`;
  const noisy =
    load.before > machine.cores / 2
      ? ' The machine had other work: ratios of CPU time stand, with wide intervals; requests per second and quantiles are those of a busy machine.'
      : '';
  return `${escapeMarkdown(isOnly ? origin : `${works}: ${origin}`)}${noisy}`;
}

/** Work that this poolproof does not know has its name alone. */
function titleWork(name: string): string {
  const stands = servingWorks.find((work) => work.name === name)?.stands;
  return stands === undefined
    ? name
    : `${name}: a request that ${stands === 'nothing' ? 'does nothing' : stands}`;
}

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

const tabulateModes = (measured: ReadonlySet<string>): string =>
  markdownTable(
    ['mode', 'what it is'],
    servingModes
      .filter(({ name }) => measured.has(name))
      .map(({ name, stands }) => [name, escapeMarkdown(stands)]),
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
