/**
 * What a cell's panel holds, as a list of pieces. Pieces are small because those of ten thousand cells
 * repeat: a large page stores each once (see `cell-list.ts`).
 */
import { describeShortfall } from '../../../images/allocator/explain.ts';
import type { TierPrediction } from '../../../images/allocator/prediction.ts';
import { formatBytes } from '../../../images/allocator/sizes.ts';
import { tiers } from '../../../images/allocator/tier.ts';
import type { Facts } from '../../../images/allocator/facts.ts';
import type { Result, TierAttempt } from '../../store/result.ts';
import { axisNames } from '../axis-labels.ts';
import { wordOf } from '../grid.ts';
import { type Entry, tellDistribution } from './entries.ts';
import { type EvidenceByCell, evidenceKey, shownTexts } from './evidence.ts';
import { type Html, html, markup, nothing, text } from './html.ts';
import { drawIntervals, tabulateCosts, tabulateResources, tellSource } from './overhead.ts';

/** The body of a panel. `base` is the address of the run's folder, for links to evidence; null makes none. */
export function buildPanel(entry: Entry, evidence: EvidenceByCell, base: string | null): readonly Html[] {
  const { cell } = entry;
  const { results } = cell;
  return [
    ...(results.length > 1 ? [tellRepetitions(results)] : []),
    ...results.flatMap((result) => [
      ...(results.length > 1 ? [html`<h3>Repetition ${result.repetition}</h3>`] : []),
      ...tellVerdict(result),
      ...tabulateTiers(result),
      ...tabulateProof(result),
      ...tabulateReadBack(result),
      ...tellAttempts(result),
      ...tellWarnings(result),
      ...tellEvidence(result, evidence, base),
    ]),
    ...tellOverhead(entry),
    ...tabulateSettings(entry),
    ...tellReproduction(entry),
  ];
}

function tellOverhead({ cell: { id, results }, pairs, name }: Entry): readonly Html[] {
  const measured = results.findLast(({ overheadSource }) => overheadSource !== undefined);
  const source = measured?.overheadSource;
  const figures =
    pairs.length === 0
      ? markup(source?.kind === 'baseline' ? '<p>None: it is the baseline.</p>' : '<p>Not measured.</p>')
      : html`${drawIntervals(pairs, `Overhead in ${name}, with its interval`)}${tabulateCosts(pairs)}`;
  return [
    markup('<h3>Overhead</h3>'),
    figures,
    ...(source === undefined
      ? []
      : [tellSource(source, `${id}#${measured?.repetition ?? 1}`), tabulateResources(source) ?? nothing]),
  ];
}

function tellRepetitions(results: readonly Result[]): Html {
  const counts = new Map<ReturnType<typeof wordOf>, number>();
  for (const result of results) counts.set(wordOf(result), (counts.get(wordOf(result)) ?? 0) + 1);
  const words = [...counts].map(([word, count]) => ({ word, count }));
  return html`<p>${results.length} repetitions, each with its 95 % interval: ${tellDistribution(words)}.</p>`;
}

const judged: Readonly<Record<NonNullable<Result['verdict']>, string>> = {
  expected: 'That is what happened.',
  unexpected: '✗ That is not what happened.',
  undecided: '~ The tier is; its overhead is undecided.',
};

function tellVerdict({ expected, verdict, reason, finding, outcome, tier }: Result): readonly Html[] {
  const because = expected?.expectation?.because ?? null;
  const source = { matrix: 'the matrix', prediction: 'the prediction' } as const;
  return [
    html`<p><b>${tier ?? outcome}</b>: ${reason}.</p>`,
    expected === null
      ? html`<p>Nothing was expected here.</p>`
      : html`<p>
          Expected by ${source[expected.source]}:
          ${expected.text}${because === null ? '' : `, because ${because}`}.
          ${verdict === null ? 'No verdict.' : judged[verdict]}${linkTo(expected.expectation?.link ?? null)}
        </p>`,
    ...(finding === null ? [] : [html`<p>* Finding: ${finding}.</p>`]),
  ];
}

/** Only to the web: a link in a matrix that comes from elsewhere may say anything. */
function linkTo(link: string | null): Html | null {
  if (link === null) return null;
  return /^https?:\/\/[^\s"'<>]+$/.test(link)
    ? html` <a href="${link}" rel="noopener noreferrer">${link}</a>`
    : html` ${link}`;
}

/** Prediction beside observation, a row a tier: the numbers that decide. */
function tabulateTiers({ predicted, tiers: attempts }: Result): readonly Html[] {
  const rows = tiers.flatMap((tier) => {
    const model = predicted?.tiers.find((prediction) => prediction.tier === tier);
    const attempt = attempts.find((one) => one.tier === tier);
    if (model === undefined && attempt === undefined) return [];
    return [
      markup('<tr>'),
      html`<th scope="row">${tier}</th>`,
      html`<td>${tellModel(model)}</td>`,
      html`<td>${tellAttempt(attempt)}</td>`,
      markup('</tr>'),
    ];
  });
  const startup = predicted?.startup ?? null;
  return [
    markup('<h3>Prediction beside observation</h3>'),
    ...(startup === null
      ? []
      : [html`<p>The process itself should not start: ${describeShortfall(startup)}.</p>`]),
    ...(rows.length === 0
      ? [markup('<p>No prediction and no attempt: the guest did not get that far.</p>')]
      : [
          markup(
            '<table class="plain"><thead><tr><th scope="col">tier</th><th scope="col">predicted</th><th scope="col">observed</th></tr></thead><tbody>',
          ),
          ...rows,
          markup('</tbody></table>'),
        ]),
  ];
}

function tellAttempt(attempt: TierAttempt | undefined): string {
  if (attempt === undefined) return '–';
  if (attempt.ok) return 'works';
  const refused = attempt.bytes === null ? '' : `, ${formatBytes(attempt.bytes)} refused`;
  return `fails (${attempt.class ?? 'no class'}${refused}): ${attempt.message ?? 'no message'}`;
}

function tellModel(model: TierPrediction | undefined): string {
  if (model === undefined) return '–';
  if (!model.fits) return `does not fit: ${describeShortfall(model.shortfall)}`;
  const scarcest = model.tightest === null ? '' : `; scarcest: ${describeShortfall(model.tightest)}`;
  return `fits, ${model.checks} bounds checks${scarcest}`;
}

function tabulateProof({ form, host }: Result): readonly Html[] {
  if (form === null) return [];
  const proof = host?.proof ?? null;
  return [
    markup('<h3>What the tier looks like</h3>'),
    ...definitions([
      ['bounds checks', form.checks],
      ['slots', form.slots === null ? 'not bounded by slots' : String(form.slots)],
      ['reserved', formatBytes(form.reservedBytes)],
      ['charged against a commit limit', formatBytes(form.chargedBytes)],
      ['resident after the proof', proof === null ? null : formatBytes(proof.residentBytes)],
      ['mappings after the proof', proof === null ? null : String(proof.maps)],
      ['engine', host === null ? null : `${host.engine.kind} ${host.engine.version}, Node ${host.node}`],
    ]),
  ];
}

function definitions(rows: readonly (readonly [name: string, value: string | null])[]): readonly Html[] {
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

function tabulateReadBack({ readBack, facts }: Result): readonly Html[] {
  return [
    markup('<h3>Settings read back in the guest</h3>'),
    ...(readBack.length === 0
      ? [markup('<p>None were read.</p>')]
      : [
          markup(
            '<table class="plain"><thead><tr><th scope="col">setting</th><th scope="col">asked</th><th scope="col">found</th></tr></thead><tbody>',
          ),
          ...readBack.map(
            ({ axis, asked, found, ok }) =>
              html`<tr>
                <th scope="row">${axis}</th>
                <td>${asked}</td>
                <td>${found}${ok ? '' : ' ✗ differs'}</td>
              </tr>`,
          ),
          markup('</tbody></table>'),
        ]),
    ...(facts === null ? [] : definitions(deciding.map(([name, of]) => [name, of(facts)]))),
  ];
}

function tellAttempts({ attempts, timings, startedAt }: Result): readonly Html[] {
  return [
    markup('<h3>Machines</h3>'),
    attempts.length === 0 ? markup('<p>No machine was started.</p>') : markup('<ol>'),
    ...attempts.map(
      ({ start, outcome, detail, machineEnd }) =>
        html`<li>
          ${start === 'clone' ? 'clone of a template' : 'boot of its own'}: ${outcome},
          ${detail}${machineEnd === null ? '' : ` (machine ${machineEnd.kind}: ${machineEnd.detail})`}
        </li>`,
    ),
    ...(attempts.length === 0 ? [] : [markup('</ol>')]),
    markup('<p>Started '),
    // In two pieces, of which one is the same for a minute and the other every minute.
    text(startedAt.slice(0, 16)),
    text(startedAt.slice(16).replace(/\.\d+(?=Z$)/, '')),
    markup("; by the test machine's clock: "),
    ...Object.entries(timings)
      .filter(([phase]) => !phase.includes('.'))
      .map(([phase, ms]) => text(` ${phase} ${tellDuration(ms)}`)),
    markup('</p>'),
  ];
}

const tellDuration = (ms: number): string =>
  ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;

function tellWarnings({ host }: Result): readonly Html[] {
  const warnings = host?.warnings ?? [];
  if (warnings.length === 0) return [];
  return [
    markup('<h3>What the wasm host tells its operator</h3><ul>'),
    ...warnings.map((warning) => html`<li>${warning}</li>`),
    markup('</ul>'),
  ];
}

function tellEvidence(result: Result, evidence: EvidenceByCell, base: string | null): readonly Html[] {
  const texts = evidence.get(evidenceKey(result)) ?? {};
  // A stored path is only linked when it looks like one the store made: results may come from others.
  const folder =
    result.evidence !== null && /^evidence\/[\w.-]+$/.test(result.evidence) ? result.evidence : null;
  return [
    ...(folder === null || base === null
      ? []
      : [
          markup('<p>Everything it left behind: <a href="'),
          // The end is a digest and no two cells share it; the rest is the cell's id.
          text(`${base}${folder.slice(0, -10)}`),
          text(folder.slice(-10)),
          markup('/">folder of evidence</a></p>'),
        ]),
    ...shownTexts.flatMap(({ name, title }) => {
      const content = texts[name];
      if (content === undefined) return [];
      const shown = name === 'qemuCommand' ? wrapCommand(content) : content;
      return [html`<h3>${title}</h3>`, ...showText(shown, title)];
    }),
  ];
}

/** Line by line, since most lines of most cells are the same. */
function showText(content: string, title: string): readonly Html[] {
  return [
    markup(`<pre tabindex="0" role="group" aria-label="${title}">`),
    ...content.split('\n').map((line) => text(`${line}\n`)),
    markup('</pre>'),
  ];
}

/** An option a line, still ready to paste; as it is where the words cannot be told for sure. */
export function wrapCommand(command: string): string {
  const words = command.match(/(?:[^\s'"\\]|'[^']*')+/g) ?? [];
  if (words.join(' ') !== command.trim()) return command;
  return words
    .map((word, index) => (index === 0 ? '' : /^-[a-z]/.test(word) ? ' \\\n  ' : ' ') + word)
    .join('');
}

function tabulateSettings({ labels, cell }: Entry): readonly Html[] {
  return [
    markup('<h3>All settings</h3>'),
    ...definitions(axisNames.map((name) => [name, labels[name]])),
    html`<p>
      Run ${cell.run.record.id},
      ${cell.run.record.accelerator.kind === 'tcg' ? 'emulated (TCG)' : 'hardware virtualisation (KVM)'}, QEMU
      ${cell.run.record.qemu.version}.
    </p>`,
  ];
}

function tellReproduction({ cell }: Entry): readonly Html[] {
  const id = text(quoteShell(cell.id));
  return [
    markup('<h3>Reproduce</h3>'),
    markup('<pre tabindex="0" role="group" aria-label="Commands to reproduce">'),
    text(`poolproof run ${quoteShell(cell.run.record.matrix.file)} --only `),
    id,
    markup('\npoolproof shell '),
    id,
    markup('</pre>'),
  ];
}

/** Ready to paste: a shell reads the text as one word, whatever is in it. */
export function quoteShell(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
