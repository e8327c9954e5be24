/** The first screen: what was tested, when, on what; the three sentences a reader needs; the reasons. */
import { tiers } from '../../../images/allocator/tier.ts';
import type { RunRecord } from '../../store/run-record.ts';
import { axisNames } from '../axis-labels.ts';
import type { MergedRuns, RunResults } from '../merge-runs.ts';
import type { Summary } from '../summarize.ts';
import { type Entry, states, tellSetting } from './entries.ts';
import { type Html, html, nothing } from './html.ts';

/** `2026-11-24 00:18 UTC`; what is no date stays as it is. */
export function tellTime(iso: string): string {
  return iso.replace(/^(\d{4}-\d\d-\d\d)T(\d\d:\d\d).*Z$/, '$1 $2 UTC');
}

const tellDay = (iso: string): Html => html`<time datetime="${iso}">${tellTime(iso)}</time>`;

/** @param now ISO 8601; when given, the age of the newest run is told */
export function renderFacts(merged: MergedRuns, entries: readonly Entry[], now: string | null): Html {
  const [newest] = merged.runs;
  if (newest === undefined) return nothing;
  const { record } = newest;
  const rows: readonly (readonly [string, Html | string])[] = [
    ['Tested', html`${tellWhat(entries)} (${record.matrix.file})`],
    [
      'When',
      html`${tellDay(record.startedAt)}${record.finishedAt === null ? ', not finished' : null}${tellAgeNow(record.startedAt, now)}`,
    ],
    [
      'On',
      html`QEMU ${record.qemu.version},
      ${record.accelerator.kind === 'kvm' ? 'hardware virtualisation (KVM)' : 'emulation (TCG)'}:
      ${record.accelerator.reason}; ${record.machine.cpuModel ?? 'unknown CPU'}, ${record.machine.cores}
      cores, ${record.machine.os}`,
    ],
    ['In the guests', tellGuests(record, entries)],
    [
      'By',
      html`poolproof ${record.tool.version}, run ${record.id}, images ${record.images.digest.slice(0, 19)}`,
    ],
  ];
  return html`<dl class="facts">
    ${rows.map(
      ([name, value]) =>
        html`<dt>${name}</dt>
          <dd>${value}</dd>`,
    )}
  </dl>`;
}

function tellAgeNow(iso: string, now: string | null): string {
  if (now === null) return '';
  const days = Math.floor((Date.parse(now) - Date.parse(iso)) / 86_400_000);
  return Number.isNaN(days) || days < 0
    ? ''
    : days === 0
      ? ', today'
      : `, ${days} day${days === 1 ? '' : 's'} ago`;
}

/** `36 environments: 512M, 1G, 2G, 4G × overcommit 0, 1, 2`. */
function tellWhat(entries: readonly Entry[]): string {
  const varied = axisNames.flatMap((name) => {
    const values = [...new Set(entries.map(({ labels }) => labels[name]))];
    if (values.length < 2) return [];
    const shown = values.length > 8 ? `${values.length} values` : values.join(', ');
    return [tellSetting(name, shown)];
  });
  const count = `${entries.length} environment${entries.length === 1 ? '' : 's'}`;
  return varied.length === 0 ? count : `${count}: ${varied.join(' × ')}`;
}

function tellGuests(record: RunRecord, entries: readonly Entry[]): string {
  const hosts = [
    ...new Set(
      entries.flatMap(({ cell }) =>
        cell.results.flatMap(({ host }) =>
          host === null ? [] : [`${host.engine.kind} ${host.engine.version} on Node ${host.node}`],
        ),
      ),
    ),
  ].sort();
  const shown =
    hosts.length > 6 ? `${hosts.slice(0, 6).join(', ')} and ${hosts.length - 6} more` : hosts.join(', ');
  const kernels = Object.values(record.kernels);
  return `${kernels.length === 0 ? 'kernel not recorded' : `Linux ${kernels.join(', ')}`}; ${shown === '' ? 'no wasm host answered' : shown}`;
}

/** What happened, what it means, and how far one may trust it. */
export function renderSentences(merged: MergedRuns, entries: readonly Entry[]): Html {
  const count = (test: (entry: Entry) => boolean) => entries.filter(test).length;
  const happened = states
    .map((state) => ({ state, cells: count((entry) => entry.state === state) }))
    .filter(({ cells }) => cells > 0)
    .map(({ state, cells }) => `${state} in ${cells}`);
  const fallen = tiers.slice(1).some((tier) => entries.some(({ state }) => state === tier));
  const costed = entries.some(({ cost }) => cost !== null);
  return html`<p>
      Which allocator tier does the wasm host get there? Of ${entries.length} environments:
      <strong>${happened.join(', ') || 'nothing yet'}</strong>.
    </p>
    <p>
      ${
        fallen
          ? 'A lower tier changes no function: conservative has room for fewer instances at once, on-demand has no pool'
          : 'Standard is the whole pool, reserved ahead; a lower tier would change no function'
      };
      what a tier costs in speed ${costed ? 'is shown with its interval' : 'was not measured here'}.
    </p>
    <p>
      Each tier was proven in a real guest by running a module in it, with all settings read back:
      ${tellTrust(merged, entries)}.
    </p>`;
}

function tellTrust({ runs, superseded }: MergedRuns, entries: readonly Entry[]): string {
  const count = (test: (entry: Entry) => boolean) => entries.filter(test).length;
  const unexpected = count(({ verdict }) => verdict === 'unexpected');
  const undecided = count(({ verdict }) => verdict === 'undecided');
  const unjudged = count(({ verdict }) => verdict === 'no verdict');
  const emulated = count((entry) => entry.emulated);
  const older = count(({ olderMs }) => olderMs > 0);
  const missing =
    runs.length === 1 ? Math.max(0, (runs[0]?.record.matrix.size ?? 0) - (runs[0]?.results.length ?? 0)) : 0;
  return [
    `${count(({ verdict }) => verdict === 'as expected')} did what was expected`,
    ...(unexpected === 0 ? [] : [`${unexpected} did not (✗)`]),
    ...(undecided === 0 ? [] : [`${undecided} with an undecided overhead (~)`]),
    ...(unjudged === 0 ? [] : [`${unjudged} without a verdict`]),
    ...(missing === 0 ? [] : [`${missing} cells of the matrix are not in this run`]),
    ...(emulated === 0
      ? []
      : [
          `${emulated === entries.length ? 'all' : emulated} were decided in emulated guests (ᵉ), whose times say nothing about speed`,
        ]),
    ...(older === 0 ? [] : [`${older} come from older runs (†)`]),
    ...(superseded === 0 ? [] : [`${superseded} older results of the same cells are left out`]),
  ].join('; ');
}

/** A hundred reasons explain nothing any more; the cells themselves have theirs. */
const reasonLimit = 100;

export function renderReasons(reasons: Summary['reasons']): Html {
  if (reasons.length === 0) return nothing;
  const more = reasons.length - reasonLimit;
  return html`<section aria-labelledby="why">
    <h2 id="why">Why not the best tier</h2>
    <ul class="reasons">
      ${reasons
        .slice(0, reasonLimit)
        .map(
          ({ where, reason, cells }) =>
            html`<li><b>${where}</b>: ${reason}${cells > 1 ? ` (${cells} cells)` : ''}</li>`,
        )}${more > 0 ? html`<li>and ${more} more: see the cells</li>` : null}
    </ul>
  </section>`;
}

/** The runs this page is made of, where there are several. */
export function renderRuns<Run extends RunResults>({ runs, cells }: MergedRuns<Run>): Html {
  if (runs.length < 2) return nothing;
  const counts = new Map<Run, number>();
  for (const { run } of cells) counts.set(run, (counts.get(run) ?? 0) + 1);
  return html`<section aria-labelledby="runs">
    <h2 id="runs">Runs on this page</h2>
    <p>
      Of each cell the newest result counts. Runs differ in what they ran on: compare cells of one run only.
    </p>
    <div class="scroll" tabindex="0" role="region" aria-label="Table of runs">
      <table class="plain">
        <thead>
          <tr>
            <th scope="col">run</th>
            <th scope="col">started</th>
            <th scope="col">cells</th>
            <th scope="col">on</th>
            <th scope="col">images</th>
          </tr>
        </thead>
        <tbody>
          ${runs.map(
            (run) =>
              html`<tr>
                <th scope="row">${run.record.id}</th>
                <td>${tellDay(run.record.startedAt)}</td>
                <td>${counts.get(run) ?? 0}</td>
                <td>
                  QEMU ${run.record.qemu.version}, ${run.record.accelerator.kind},
                  ${run.record.machine.cpuModel ?? 'unknown CPU'}
                </td>
                <td>${run.record.images.digest.slice(0, 19)}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}

/** Everything that was inside the guests, and the matrix as it was given: to check, not to read first. */
export function renderSources(record: RunRecord): Html {
  const components = Object.entries(record.images.components);
  return html`<details class="source">
    <summary>What the guests are made of, and the matrix</summary>
    <div>
      <table class="plain">
        <thead>
          <tr>
            <th scope="col">component</th>
            <th scope="col">version</th>
          </tr>
        </thead>
        <tbody>
          ${components.map(
            ([name, version]) =>
              html`<tr>
                <th scope="row">${name}</th>
                <td>${version}</td>
              </tr>`,
          )}
        </tbody>
      </table>
      <h3>${record.matrix.file}</h3>
      <pre tabindex="0" role="region" aria-label="Matrix">${record.matrix.text}</pre>
    </div>
  </details>`;
}
