/** The table of a serving benchmark in a terminal. */
import { formatFactor, formatFactorInterval } from '../outcome/format-figure.ts';
import type { ServingRecord } from '../store/serving-record.ts';
import { formatMachine } from './format-run.ts';
import { groupBy } from './group-by.ts';
import { createPlainTable, renderLines } from './plain-table.ts';

type Figure = ServingRecord['figures'][number];

export function renderServing({ server, host, machine, load, figures }: ServingRecord): string {
  const head = ['CPU per request', 'CPU µs', 'requests/s', 'p50 ms', 'p99 ms', 'of requests'];
  const groups = groupBy(figures, ({ work, connections }) => `${work}, connections: ${connections}`);
  const tables = [...groups].map(([title, rows]) => {
    const table = createPlainTable({
      head: [title, ...head],
      colAligns: ['left', 'left', 'right', 'right', 'right', 'right', 'right'],
    });
    for (const row of rows) table.push(renderRow(row));
    return renderLines(table).join('\n');
  });
  const servers = [server.version, ...(host === null ? [] : [host])].join('; ');
  return `${servers} on ${formatMachine(machine)}
load average before: ${load.before.toFixed(1)}, after: ${load.after.toFixed(1)}

${tables.join('\n\n')}

CPU per request: ratio to spin unless another is named, 95 % interval over rounds; requests/s and quantiles are medians over samples.
`;
}

function renderRow(figure: Figure): string[] {
  const { mode, cpuNs, requestsPerSecond, p50Ms, p99Ms, requests } = figure;
  return [
    mode,
    describeCpu(figure),
    (cpuNs / 1000).toFixed(1),
    requestsPerSecond.toFixed(0),
    p50Ms.toFixed(2),
    p99Ms.toFixed(2),
    String(requests),
  ];
}

/** `× 1.91 [1.85, 1.97]`, or why there is none. */
export function describeCpu({ cpu, to, mode, invalid, stable }: Figure): string {
  if (invalid !== null) return `invalid: ${invalid}`;
  if (cpu === null) return formatFactor(1);
  // A baseline of another server, or what is compared with that.
  const named = to === null || (to === 'spin' && !mode.startsWith('host-')) ? '' : ` of ${to}`;
  return `${formatFactorInterval(cpu)}${named}${stable ? '' : ' unstable'}`;
}
