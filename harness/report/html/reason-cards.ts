/** The cards of reasons: what happened, what the model says, a bar of what there is, the cells, and the proven cure. */
import { type Cause, type ReasonCard, buildReasonCards, describeCure, titleCard } from '../reason-cards.ts';
import { listUsual } from '../axis-labels.ts';
import { formatCount } from '../format-run.ts';
import { drawShare } from './effects.ts';
import { foldRest } from './fold-rest.ts';
import { type Html, html } from './html.ts';
import { classOf } from './legend.ts';
import type { PageCell, PageView } from './page-view.ts';

/** More are folded; a page of ten thousand cells has as many links as its list already. */
const shownCards = 12;
const shownLinks = 60;

/** Null where every cell reached its best tier. */
export function renderReasonCards({ cells, axes, usual }: PageView): Html | null {
  const cards = buildReasonCards(cells, axes, usual, ({ run }) => run.record.id).map(renderCard);
  if (cards.length === 0) return null;
  const fold = { shown: shownCards, more: (count: number) => formatCount(count, 'more reason') };
  return html`<p>
      Each bar is by the model: how much of what is needed there is, light up to the cell with the most. What
      was observed in the guests stands below it.
      ${usual.size === 0 ? null : `What a card does not name is as usual: ${listUsual(usual)}.`}
    </p>
    ${foldRest(
      cards,
      fold,
      (part) =>
        html`<ul class="cards">
          ${part}
        </ul>`,
    )}`;
}

function renderCard(card: ReasonCard<PageCell>): Html {
  const { word, where, seen, causes, cells } = card;
  const cure = describeCure(card);
  return html`<li>
    <b class="chip ${classOf[word]}">${titleCard(card)}</b> ${where === 'all cells' ? '' : where}
    ${causes.map(renderCause)}
    <p>Observed: ${seen.replace(/\.$/, '')}.</p>
    ${cure === null ? null : html`<p class="cure">Proven here: ${cure}</p>`}
    <details class="fold">
      <summary>${formatCount(cells.length, 'cell')}</summary>
      <ul class="links">
        ${cells.slice(0, shownLinks).map(({ anchor, name }) => html`<li><a href="#${anchor}">${name}</a></li>`)}
        ${cells.length > shownLinks ? html`<li>and ${cells.length - shownLinks} more</li>` : null}
      </ul>
    </details>
  </li>`;
}

const renderCause = ({ tier, text, share }: Cause): Html =>
  html`<p>${tier === null ? null : html`<b>${tier}</b>: `}${text}.</p>
    ${share === null ? null : drawShare(share.least, share.most)}`;
