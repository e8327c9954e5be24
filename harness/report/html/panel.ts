/**
 * A cell's panel, as a list of pieces. Pieces are small because those of ten thousand cells
 * repeat: a large page stores each once (see `cell-list.ts`).
 */
import { describeShortfall } from '../../../images/allocator/explain.ts';
import type { TierPrediction } from '../../../images/allocator/prediction.ts';
import { formatBytes } from '../../../images/allocator/sizes.ts';
import { tiers } from '../../../images/allocator/tier.ts';
import type { Result, TierAttempt } from '../../store/result.ts';
import type { EvidenceByCell } from '../evidence.ts';
import { formatDistribution } from '../format-distribution.ts';
import { renderSpace } from './address-space.ts';
import { type Html, html, isWebLink, markup, nothing } from './html.ts';
import { drawFigures, renderSource, tabulateCosts, tabulateRequests, tabulateResources } from './overhead.ts';
import type { PageCell } from './page-view.ts';
import { renderAttempts, renderEvidence, renderReproduction, renderWarnings } from './panel-evidence.ts';
import { definitions, tabulateReadBack, tabulateSettings } from './panel-settings.ts';

/** @param evidence the part of it that the page has room for */
export function buildPanel(cell: PageCell, evidence: EvidenceByCell): readonly Html[] {
  const { results } = cell;
  const several = results.length > 1;
  return [
    ...(several ? block('wide', [renderRepetitions(cell)]) : []),
    ...results.flatMap((result, index) => [
      ...block('wide', [
        ...(several ? [html`<h3>Repetition ${result.repetition}</h3>`] : []),
        ...renderVerdict(result),
        ...(index === 0 ? renderReproduction(cell) : []),
      ]),
      ...block('wide', tabulateTiers(result)),
      ...(index === 0 ? block('wide', renderOverhead(cell)) : []),
      ...(index === 0 ? block('', renderRequests(results)) : []),
      ...block('', renderSpace(result)),
      ...block('', tabulateProof(result)),
      ...(index === 0 ? block('', tabulateSettings(cell)) : []),
      ...block('', tabulateReadBack(result)),
      ...block('', renderAttempts(result)),
      ...block('', renderWarnings(result)),
      ...block('wide', renderEvidence(result, evidence, cell.run.base)),
    ]),
  ];
}

/** Pieces that stay together when a wide screen puts them side by side. */
function block(kind: 'wide' | '', pieces: readonly Html[]): readonly Html[] {
  if (pieces.length === 0) return [];
  return [markup(kind === '' ? '<section>' : `<section class="${kind}">`), ...pieces, markup('</section>')];
}

function renderOverhead({ id, results, figures: pairs, name }: PageCell): readonly Html[] {
  const measured = results
    .flatMap(({ repetition, overheadSource: source }) =>
      source === undefined ? [] : [{ repetition, source }],
    )
    .at(-1);
  if (pairs.length === 0 && measured === undefined) return [];
  const figures =
    pairs.length === 0
      ? markup(
          measured?.source.kind === 'baseline' ? '<p>None: it is the baseline.</p>' : '<p>Not measured.</p>',
        )
      : html`${drawFigures(pairs, `Overhead in ${name}`)}${tabulateCosts(pairs)}`;
  return [
    markup('<h3>Overhead</h3>'),
    figures,
    ...(measured === undefined
      ? []
      : [
          renderSource(measured.source, `${id}#${measured.repetition}`),
          tabulateResources(measured.source) ?? nothing,
        ]),
  ];
}

function renderRequests(results: readonly Result[]): readonly Html[] {
  const serving = results.findLast((result) => result.serving !== undefined)?.serving;
  return serving === undefined ? [] : [markup('<h3>A request</h3>'), tabulateRequests(serving)];
}

function renderRepetitions(cell: PageCell): Html {
  return html`<p>
    ${cell.results.length} repetitions, each end with its 95 % interval: ${formatDistribution(cell)}.
  </p>`;
}

const judged: Readonly<Record<NonNullable<Result['verdict']>, string>> = {
  expected: 'That is what happened.',
  unexpected: '✗ That is not what happened.',
  undecided: '~ The tier is; its overhead is undecided.',
};

function renderVerdict({ expected, verdict, reason, finding, outcome, tier }: Result): readonly Html[] {
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

function linkTo(link: string | null): Html | null {
  if (link === null) return null;
  return isWebLink(link) ? html` <a href="${link}" rel="noopener noreferrer">${link}</a>` : html` ${link}`;
}

/** Prediction beside observation, one row per tier: the numbers that decide. */
function tabulateTiers({ predicted, tiers: attempts }: Result): readonly Html[] {
  const rows = tiers.flatMap((tier) => {
    const model = predicted?.tiers.find((prediction) => prediction.tier === tier);
    const attempt = attempts.find((one) => one.tier === tier);
    if (model === undefined && attempt === undefined) return [];
    return [
      markup('<tr>'),
      html`<th scope="row">${tier}</th>`,
      html`<td data-c="predicted">${formatModel(model)}</td>`,
      html`<td data-c="observed">${formatAttempt(attempt)}</td>`,
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
            '<table class="plain narrow tiers"><thead><tr><th scope="col">tier</th><th scope="col">predicted</th><th scope="col">observed</th></tr></thead><tbody>',
          ),
          ...rows,
          markup('</tbody></table>'),
        ]),
  ];
}

function formatAttempt(attempt: TierAttempt | undefined): string {
  if (attempt === undefined) return '–';
  if (attempt.ok) return 'works';
  const refused = attempt.bytes === null ? '' : `, ${formatBytes(attempt.bytes)} refused`;
  return `fails (${attempt.class ?? 'no class'}${refused}): ${attempt.message ?? 'no message'}`;
}

function formatModel(model: TierPrediction | undefined): string {
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
