/** What decides: for each axis a bar of the pairs that end differently, and the sentence that says so. */
import { type AxisEffect, describeEffect, findEffects, titleAxis } from '../axis-effects.ts';
import { type Html, html } from './html.ts';
import type { PageView } from './page-view.ts';

/** Null where nothing varies. Cells of two runs are no pair: their images may differ as well. */
export function renderEffects({ cells, axes, runs }: PageView): Html | null {
  const effects = findEffects(cells, axes, ({ run }) => run.record.id);
  if (effects.length === 0) return null;
  const alone = effects.flatMap(({ axis, pairs, open }) => (pairs + open === 0 ? [titleAxis(axis)] : []));
  const of = runs.length > 1 ? 'these runs' : 'this run';
  return html`<p>
      For each setting: the pairs of environments that differ in nothing else, and how many of them end
      differently.
    </p>
    <ul class="effects">
      ${effects.flatMap((effect) => (effect.pairs + effect.open === 0 ? [] : [renderEffect(effect, of)]))}
    </ul>
    ${alone.length === 0 ? null : html`<p>No two environments of ${of} differ in one of these alone: ${alone.join(', ')}.</p>`}`;
}

function renderEffect(effect: AxisEffect, of: string): Html {
  const { axis, pairs, changed } = effect;
  return html`<li>
    <b>${titleAxis(axis)}</b>
    <span class="of">${pairs === 0 ? 'no pair' : `${changed} of ${pairs}`}</span>
    ${drawShare(pairs === 0 ? 0 : changed / pairs)}
    <p>${describeEffect(effect, of)}</p>
  </li>`;
}

/** A bar of fixed height that is as wide as its place; the figure stands beside it. */
export function drawShare(least: number, most = least): Html {
  const width = (share: number): number => Math.round(Math.min(1, Math.max(0, share)) * 1000) / 10;
  return html`<svg class="share" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
    <rect class="whole" width="100" height="10" />
    <rect class="most" width="${width(most)}" height="10" />
    <rect class="least" width="${width(least)}" height="10" />
  </svg>`;
}
