/** The section about known failures of the field: one row per case. */
import { type KnownFailure, formatGone, formatKnownFailures } from '../known-failures.ts';
import { type Html, html, isWebLink, table } from './html.ts';

/** Null where the matrix has no cases. */
export function renderKnownFailures(known: readonly KnownFailure[]): Html | null {
  if (known.length === 0) return null;
  return html`<p>${formatKnownFailures(known)}.</p>
    ${table(['case', 'here', 'what was seen', 'gone'], known.map(listCells))}`;
}

function listCells(failure: KnownFailure): readonly [Html, string, Html, string] {
  const { id, title, link, end, because, gone, standIn, contradicts } = failure;
  return [
    html` ${isWebLink(link) ? html`<a href="${link}" rel="noreferrer">${id}</a>` : id}${title === null ? null : html`<br />${title}`}`,
    end,
    html`${because.join('; ')}${standIn === null ? null : html`<br />stand-in: ${standIn}`}${contradicts === null ? null : html`<br />contradicts the thread: ${contradicts}`}`,
    gone.map(formatGone).join('; '),
  ];
}
