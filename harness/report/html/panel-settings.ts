/** A cell's settings: as requested, and as the guest reads them back. */
import { formatBytes } from '../../../images/allocator/sizes.ts';
import type { Facts } from '../../../images/allocator/facts.ts';
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
const defaults = new Map(rows.map((row) => [row.name, labelValue(row, defaultSettings())]));

/** The settings that every id names, and those not at their default; the others are folded. */
export function tabulateSettings({ labels, run: { record } }: PageCell): readonly Html[] {
  const shown = rows
    .filter(({ name, core }) => core || labels[name] !== defaults.get(name))
    .map(({ name }) => name);
  return [
    markup('<h3>Settings</h3>'),
    ...definitions(shown.map((name) => [name, labels[name] ?? ''])),
    foldDefaults(shown),
    html`<p>
      Run ${record.id},
      ${record.accelerator.kind === 'tcg' ? 'emulated (TCG)' : 'hardware virtualisation (KVM)'}, QEMU
      ${record.qemu.version}.
    </p>`,
  ];
}

const keepFold = keepMarkup();

const foldDefaults = (shown: readonly string[]): Html =>
  keepFold(shown.join(' '), () => {
    const rest = rows.map(({ name }) => name).filter((name) => !shown.includes(name));
    return html`<details class="fold">
      <summary>${rest.length} more, at their defaults</summary>
      ${definitions(rest.map((name) => [name, defaults.get(name) ?? null]))}
    </details>`;
  });

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
