/** A cell's settings: as requested, and as the guest reads them back. */
import { formatBytes } from '../../../images/allocator/sizes.ts';
import type { Facts } from '../../../images/allocator/facts.ts';
import type { Axis } from '../../axes/axis.ts';
import { defaultSettings } from '../../axes/table.ts';
import type { Result } from '../../store/result.ts';
import { labelValue, orderForReports } from '../axis-labels.ts';
import { type Html, html, keepMarkup, markup } from './html.ts';
import type { PageCell } from './page-view.ts';

export function definitions(
  rows: readonly (readonly [name: string, value: string | null])[],
): readonly Html[] {
  return [
    markup('<dl>'),
    ...rows.flatMap(([name, value]) =>
      value === null
        ? []
        : [
            html`<dt>${name}</dt>
              <dd>${value}</dd>`,
          ],
    ),
    markup('</dl>'),
  ];
}

const rows = orderForReports();
const defaults = defaultSettings();

/** The settings that every id names, and those not at their default; the others are folded. */
export function tabulateSettings({ settings, run: { record } }: PageCell): readonly Html[] {
  const isShown = (row: Axis<unknown>): boolean =>
    row.core || labelValue(row, settings) !== labelValue(row, defaults);
  const rest = rows.filter((row) => !isShown(row));
  return [
    markup('<h3>Settings</h3>'),
    ...definitions(rows.filter(isShown).map((row) => [row.name, labelValue(row, settings)])),
    foldDefaults(rest),
    html`<p>
      Run ${record.id},
      ${record.accelerator.kind === 'tcg' ? 'emulated (TCG)' : 'hardware virtualisation (KVM)'}, QEMU
      ${record.qemu.version}.
    </p>`,
  ];
}

const keepFold = keepMarkup();

const foldDefaults = (rest: readonly Axis<unknown>[]): Html =>
  keepFold(
    rest.map(({ name }) => name).join(' '),
    () =>
      html`<details class="fold">
        <summary>${rest.length} more, at their defaults</summary>
        ${definitions(rest.map((row) => [row.name, labelValue(row, defaults)]))}
      </details>`,
  );

const bytesOf = (bytes: number | null): string | null => (bytes === null ? null : formatBytes(bytes));

/** The facts that decide a tier. */
const deciding: readonly (readonly [name: string, of: (facts: Facts) => string | null])[] = [
  ['MemTotal', ({ memTotal }) => bytesOf(memTotal)],
  ['MemAvailable', ({ memAvailable }) => bytesOf(memAvailable)],
  ['CommitLimit', ({ commitLimit }) => bytesOf(commitLimit)],
  ['Committed_AS', ({ committedAs }) => bytesOf(committedAs)],
  ['address width', ({ addressBits }) => (addressBits === null ? null : `${addressBits} bits`)],
  ['vm.max_map_count', ({ maxMapCount }) => (maxMapCount === null ? null : String(maxMapCount))],
  ['kernel', ({ kernelRelease }) => kernelRelease],
  [
    'CPU',
    ({ cpuModel, emulated }) => (cpuModel === null ? null : `${cpuModel}${emulated ? ' (emulated)' : ''}`),
  ],
];

export function tabulateReadBack({ readBack, facts }: Result): readonly Html[] {
  return [
    markup('<h3>Settings read back in the guest</h3>'),
    ...(readBack.length === 0
      ? [markup('<p>None were read.</p>')]
      : [
          markup(
            '<table class="plain narrow"><thead><tr><th scope="col">setting</th><th scope="col">asked</th><th scope="col">found</th></tr></thead><tbody>',
          ),
          ...readBack.map(
            ({ axis, asked, found, ok }) =>
              html`<tr>
                <th scope="row">${axis}</th>
                <td data-c="asked">${asked}</td>
                <td data-c="found">${found}${ok ? '' : ' ✗ differs'}</td>
              </tr>`,
          ),
          markup('</tbody></table>'),
        ]),
    ...(facts === null ? [] : definitions(deciding.map(([name, of]) => [name, of(facts)]))),
  ];
}
