/** The first screen: what was tested, when, on what; the three sentences a reader needs. */
import { tiers } from '../../../images/allocator/tier.ts';
import type { RunRecord } from '../../store/run-record.ts';
import { labelAxis, type VariedAxis } from '../axis-labels.ts';
import type { MergedRuns, RunResults } from '../merge-runs.ts';
import { type Entry, states } from './entries.ts';
import { type Html, html, nothing } from './html.ts';

/** `2026-11-24 00:18 UTC`; what is no date stays as it is. */
export function tellTime(iso: string): string {
  return iso.replace(/^(\d{4}-\d\d-\d\d)T(\d\d:\d\d).*Z$/, '$1 $2 UTC');
}

const tellDay = (iso: string): Html => html`<time datetime="${iso}">${tellTime(iso)}</time>`;

/** @param now ISO 8601; when given, the age of the newest run is told */
export function renderFacts(
  merged: MergedRuns,
  entries: readonly Entry[],
  axes: readonly VariedAxis[],
  files: readonly string[],
  now: string | null,
): Html {
  const [newest] = merged.runs;
  if (newest === undefined) return nothing;
  const { record } = newest;
  const others = merged.runs.length - 1;
  const rows: readonly (readonly [string, Html | string])[] = [
    ['Tested', html`${tellWhat(entries, axes)} (${files.join(', ')})`],
    [
      'When',
      html`${tellDay(record.startedAt)}${record.finishedAt === null ? ', not finished' : null}${tellAgeNow(record.startedAt, now)}${
        others === 0 ? null : html`; and ${others} older run${others === 1 ? '' : 's'}`
      }`,
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

/** More axes than this are named without their values: the grid has those. */
const toldAxes = 4;

/** `36 environments: 512M, 1G, 2G, 4G × overcommit 0, 1, 2`. */
function tellWhat(entries: readonly Entry[], axes: readonly VariedAxis[]): string {
  const count = `${entries.length} environment${entries.length === 1 ? '' : 's'}`;
  if (axes.length === 0) return count;
  if (axes.length > toldAxes) return `${count} that differ in ${axes.map(({ name }) => name).join(', ')}`;
  const varied = axes.map(({ name, values }) =>
    labelAxis(name, values.length > 8 ? `${values.length} values` : values.join(', ')),
  );
  return `${count}: ${varied.join(' × ')}`;
}

/** `Linux 6.1.0; wasmtime 38.0.0, 50.0.1 and v8; Node 20.20.2, 22.23.3`: V8's version is its Node's. */
function tellGuests(record: RunRecord, entries: readonly Entry[]): string {
  const hosts = entries.flatMap(({ cell }) => cell.results.flatMap(({ host }) => host ?? []));
  const kernels = Object.values(record.kernels);
  const engines = sortedSet(
    hosts.map(({ engine }) => (engine.kind === 'v8' ? engine.kind : `${engine.kind} ${engine.version}`)),
  );
  return [
    kernels.length === 0 ? 'kernel not recorded' : `Linux ${kernels.join(', ')}`,
    ...(hosts.length === 0
      ? ['no wasm host answered']
      : [engines.join(', '), `Node ${sortedSet(hosts.map(({ node }) => node)).join(', ')}`]),
  ].join('; ');
}

const sortedSet = (texts: readonly string[]): readonly string[] =>
  [...new Set(texts)].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));

/** What happened, what it means, and how far one may trust it. */
export function renderSentences(merged: MergedRuns, entries: readonly Entry[]): Html {
  const count = (test: (entry: Entry) => boolean) => entries.filter(test).length;
  const happened = states
    .map((state) => ({ state, cells: count((entry) => entry.state === state) }))
    .filter(({ cells }) => cells > 0)
    .map(({ state, cells }) => `${state} in ${cells}`);
  const fallen = tiers.slice(1).some((tier) => entries.some(({ state }) => state === tier));
  const costed = entries.some(({ cost }) => cost !== null);
  return html`<div class="sentences">
    <p>
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
    </p>
  </div>`;
}

function tellTrust({ superseded }: MergedRuns, entries: readonly Entry[]): string {
  const count = (test: (entry: Entry) => boolean) => entries.filter(test).length;
  const unexpected = count(({ verdict }) => verdict === 'unexpected');
  const undecided = count(({ verdict }) => verdict === 'undecided');
  const unjudged = count(({ verdict }) => verdict === 'no verdict');
  const emulated = count((entry) => entry.emulated);
  const older = count(({ old }) => old);
  return [
    `${count(({ verdict }) => verdict === 'as expected')} did what was expected`,
    ...(unexpected === 0 ? [] : [`${unexpected} did not (✗)`]),
    ...(undecided === 0 ? [] : [`${undecided} with an undecided overhead (~)`]),
    ...(unjudged === 0 ? [] : [`${unjudged} without a verdict`]),
    ...(emulated === 0
      ? []
      : [
          `${emulated === entries.length ? 'all' : emulated} were decided in emulated guests (ᵉ), whose times say nothing about speed`,
        ]),
    ...(older === 0 ? [] : [`${older} come from older runs (†)`]),
    ...(superseded === 0 ? [] : [`${superseded} older results of the same cells are left out`]),
  ].join('; ');
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

/** Everything that was inside the guests, and the matrices as they were given: to check, not to read first. */
export function renderSources(runs: readonly RunResults[]): Html {
  const components = new Map<string, Set<string>>();
  const matrices = new Map<string, RunRecord['matrix']>();
  for (const { record } of runs) {
    for (const [name, version] of Object.entries(record.images.components))
      components.set(name, (components.get(name) ?? new Set()).add(version));
    // Runs come newest first.
    if (!matrices.has(record.matrix.file)) matrices.set(record.matrix.file, record.matrix);
  }
  return html`<details class="source">
    <summary>What the guests are made of, and the matri${matrices.size === 1 ? 'x' : 'ces'}</summary>
    <div>
      <table class="plain">
        <thead>
          <tr>
            <th scope="col">component</th>
            <th scope="col">version</th>
          </tr>
        </thead>
        <tbody>
          ${[...components].map(
            ([name, versions]) =>
              html`<tr>
                <th scope="row">${name}</th>
                <td>${[...versions].sort().join(', ')}</td>
              </tr>`,
          )}
        </tbody>
      </table>
      ${[...matrices.values()].map(
        ({ file, text }) =>
          html`<h3>${file}</h3>
            <pre tabindex="0" role="region" aria-label="Matrix ${file}">${text}</pre>`,
      )}
    </div>
  </details>`;
}
