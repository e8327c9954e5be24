/** What was tested, when, on what, and how far one may trust it; the runs; and the sources at the end. */
import { findCompleteness } from '../../store/completeness.ts';
import type { RunRecord } from '../../store/run-record.ts';
import { labelAxis } from '../axis-labels.ts';
import { formatCompleteness } from '../format-completeness.ts';
import { formatCount, formatTime } from '../format-run.ts';
import { groupBy } from '../group-by.ts';
import { basisOf } from '../host-table.ts';
import type { RunView } from '../run-view.ts';
import { type Html, html, nothing, table } from './html.ts';
import { type PageCell, type PageVerdict, type PageView, dayMs } from './page-view.ts';

/**
 * Which part of its matrix each run is, and which cells are missing. Nothing for whole runs; of several each is named.
 */
export function renderRunStates({ given }: PageView): readonly Html[] {
  // Copies and parts of one run have one id: together they are the run.
  const newestFirst = [...groupBy(given, ({ record }) => record.id)].sort(
    ([a, [one]], [b, [other]]) =>
      other.record.startedAt.localeCompare(one.record.startedAt) || a.localeCompare(b),
  );
  return newestFirst.flatMap(([id, parts], _, all) => {
    const [first] = parts;
    const whole =
      parts.length === 1
        ? first.state
        : formatCompleteness(
            findCompleteness(
              first.record,
              parts.flatMap(({ results }) => results),
            ),
          );
    const { partSentence: part, missingSentence: missing, missingNames } = whole;
    const name = all.length === 1 ? '' : ` (run ${id})`;
    return [
      ...(part === null ? [] : [html`<p>This is ${part}${name}.</p>`]),
      ...(missing === null ? [] : [html`<p><strong>? ${missing}${name}</strong></p>`]),
      ...(missingNames.length === 0
        ? []
        : [
            html`<details class="fold">
              <summary>Missing cells${name}</summary>
              <ul>
                ${missingNames.map((cell) => html`<li>${cell}</li>`)}
              </ul>
            </details>`,
          ]),
    ];
  });
}

const renderTime = (iso: string): Html => html`<time datetime="${iso}">${formatTime(iso)}</time>`;

/** @param now ISO 8601; with it the age of the newest run is shown */
function renderFacts(page: PageView, now: string | null): Html {
  const [newest] = page.runs;
  if (newest === undefined) return nothing;
  const { record } = newest;
  const others = page.runs.length - 1;
  const files = page.sections.map(({ file }) => file).join(', ');
  const rows: readonly (readonly [string, Html | string])[] = [
    ['Tested', html`${formatTested(page)} (${files})`],
    [
      'When',
      html`${renderWhen(record, now)}${others === 0 ? null : `; and ${formatCount(others, 'older run')}`}`,
    ],
    [
      'On',
      html`QEMU ${record.qemu.version},
      ${record.accelerator.kind === 'kvm' ? 'hardware virtualisation (KVM)' : 'emulation (TCG)'}:
      ${record.accelerator.reason}; ${nameCpu(record)}, ${record.machine.cores} cores, ${record.machine.os}`,
    ],
    ['In the guests', formatGuests(record, page.cells)],
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

const nameCpu = ({ machine }: RunRecord): string => machine.cpuModel ?? 'unknown CPU';

const renderWhen = ({ startedAt, finishedAt }: RunRecord, now: string | null): Html =>
  html`${renderTime(startedAt)}${finishedAt === null ? ', not finished' : null}${formatAge(startedAt, now)}`;

function formatAge(iso: string, now: string | null): string {
  if (now === null) return '';
  const days = Math.floor((Date.parse(now) - Date.parse(iso)) / dayMs);
  if (Number.isNaN(days) || days < 0) return '';
  return days === 0 ? ', today' : `, ${formatCount(days, 'day')} ago`;
}

/** More axes than this are named without their values: the grid has those. */
const shownAxes = 4;

/** `36 environments: 512M, 1G, 2G, 4G × overcommit 0, 1, 2`. */
function formatTested({ cells, axes }: PageView): string {
  const count = formatCount(cells.length, 'environment');
  if (axes.length === 0) return count;
  if (axes.length > shownAxes) return `${count} that differ in ${axes.map(({ name }) => name).join(', ')}`;
  const varied = axes.map(({ name, values }) =>
    labelAxis(name, values.length > 8 ? `${values.length} values` : values.join(', ')),
  );
  return `${count}: ${varied.join(' × ')}`;
}

/** `Linux 6.1.0; wasmtime 38.0.0, 50.0.1 and v8; Node 20.20.2, 22.23.3`: V8's version is its Node's. */
function formatGuests(record: RunRecord, cells: readonly PageCell[]): string {
  const hosts = cells.flatMap(({ results }) => results.flatMap(({ host }) => host ?? []));
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

/** How the result came about, and how far one may trust it. */
export function renderHow(page: PageView, now: string | null): Html {
  return html`<p>${describeProof(page)}, with all settings read back: ${formatTrust(page)}.</p>
    ${renderFacts(page, now)}`;
}

/** `QEMU 7.2.22, emulated guests` */
export const describeEmulator = ({ accelerator, qemu }: RunRecord): string =>
  `QEMU ${qemu.version}, ${accelerator.kind === 'kvm' ? 'hardware virtualisation' : 'emulated guests'}`;

/** Below the title: when, on what, by what. */
export const renderDate = ({ newest: { record } }: PageView, now: string | null): Html =>
  html`<p class="date">
    ${renderWhen(record, now)} · ${describeEmulator(record)} · poolproof ${record.tool.version}
  </p>`;

/** The source of each tier: proven, seen or told. */
function describeProof({ cells }: PageView): string {
  const bases = cells.flatMap(({ results }) => results.flatMap((result) => basisOf(result) ?? []));
  const isProven = bases.every((basis) => basis === 'proven');
  if (isProven) return 'Each tier was proven in a real guest by running a module in it';
  const words = (
    [
      ['proven', 'proven in a real guest by running a module in it'],
      ['seen', 'seen in the mappings of the process'],
      ['told', 'told by the program itself'],
    ] as const
  ).map(([basis, text]) => ({ count: bases.filter((one) => one === basis).length, text }));
  const found = words.filter(({ count }) => count > 0).map(({ count, text }) => `${count} ${text}`);
  return `Tiers: ${found.join(', ')}`;
}

function formatTrust({ superseded, cells }: PageView): string {
  const count = (test: (cell: PageCell) => boolean) => cells.filter(test).length;
  const judged = (verdict: PageVerdict) => count(({ pageVerdict }) => pageVerdict === verdict);
  const emulated = count((cell) => cell.emulated);
  const shares: readonly (readonly [count: number, text: string])[] = [
    [judged('unexpected'), `${judged('unexpected')} did not (✗)`],
    [judged('undecided'), `${judged('undecided')} with an undecided overhead (~)`],
    [judged('no verdict'), `${judged('no verdict')} without a verdict`],
    [
      emulated,
      `${emulated === cells.length ? 'all' : emulated} were decided in emulated guests${emulated === cells.length ? '' : ' (ᵉ)'}, whose times say nothing about speed`,
    ],
    [count(({ old }) => old), `${count(({ old }) => old)} come from older runs (†)`],
    [superseded, `${superseded} older results of the same cells are left out`],
  ];
  return [
    `${judged('as expected')} did what was expected`,
    ...shares.flatMap(([number, text]) => (number === 0 ? [] : [text])),
  ].join('; ');
}

/** The runs this page is made of, where there are several. */
export function renderRuns({ runs, cells }: PageView): Html | null {
  if (runs.length < 2) return null;
  const formatComputer = ({ record }: RunView): string =>
    `QEMU ${record.qemu.version}, ${record.accelerator.kind}, ${nameCpu(record)}`;
  const rows = runs.map((run) => {
    const { id, startedAt, images } = run.record;
    const count = cells.filter((cell) => cell.run === run).length;
    return [id, renderTime(startedAt), count, formatComputer(run), images.digest.slice(0, 19)] as const;
  });
  return html`<p>
      Of each cell the newest result counts. Runs differ in what they ran on: compare cells of one run only.
    </p>
    ${table(['run', 'started', 'cells', 'on', 'images'], rows)}`;
}

/** Everything that was inside the guests, and the matrices as they were given: to check, not to read first. */
export function renderSources({ runs }: PageView): Html {
  const components = groupBy(
    runs.flatMap(({ record }) => Object.entries(record.images.components)),
    ([name]) => name,
  );
  // Runs come newest first.
  const matrices = [...groupBy(runs, ({ record }) => record.matrix.file).values()].map(
    ([newest]) => newest.record.matrix,
  );
  const rows = [...components].map(
    ([name, entries]) =>
      [name, [...new Set(entries.map(([, version]) => version))].sort().join(', ')] as const,
  );
  const texts = matrices.map(
    ({ file, text }) =>
      html`<h3>${file}</h3>
        <pre>${text}</pre>`,
  );
  return html`<details class="source sources">
    <summary>What the guests are made of, and the matri${matrices.length === 1 ? 'x' : 'ces'}</summary>
    <div>${table(['component', 'version'], rows)}${texts}</div>
  </details>`;
}
