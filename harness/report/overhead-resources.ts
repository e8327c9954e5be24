/** The table of what a process takes before it has done any work. */
import { formatBytes } from '../../images/allocator/sizes.ts';
import { createPlainTable } from './plain-table.ts';
import { formatStart } from '../outcome/format-figure.ts';
import type { TierResources } from '../measure/figures.ts';

/** A table with one line per configuration. */
export function renderResources(all: readonly TierResources[]): string {
  const table = createPlainTable({
    head: ['form', 'start to first call', 'resident', 'committed', 'reserved'],
    colAligns: ['left', 'right', 'right', 'right', 'right'],
  });
  for (const { tier, form, startToFirstCall: start, ...held } of all) {
    table.push([
      `${tier}/${form}`,
      formatStart(start),
      formatBytes(held.residentBytes),
      formatBytes(held.committedBytes),
      formatBytes(held.reservedBytes),
    ]);
  }
  const lines = table.toString().split('\n');
  return `A process with one small module, after its first call\n${lines.map((line) => `  ${line.trimEnd()}`).join('\n')}\n`;
}
