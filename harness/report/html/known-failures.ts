/** The section about known failures of the field: a row a case. */
import type { KnownFailure } from '../known-failures.ts';
import { tellGone, tellKnownFailures } from '../known-failures.ts';
import { type Html, html } from './html.ts';

const isLink = (link: string | null): link is string => link !== null && /^https?:\/\/[^\s"'<>]+$/.test(link);

/** Null where the matrix has no cases. */
export function renderKnownFailures(known: readonly KnownFailure[]): Html | null {
  if (known.length === 0) return null;
  return html`<section aria-labelledby="known">
    <h2 id="known">Known field failures</h2>
    <p>${tellKnownFailures(known)}.</p>
    <div class="scroll" tabindex="0" role="region" aria-label="Table of known failures">
      <table class="plain">
        <thead>
          <tr>
            <th scope="col">case</th>
            <th scope="col">here</th>
            <th scope="col">what was seen</th>
            <th scope="col">gone</th>
          </tr>
        </thead>
        <tbody>
          ${known.map(renderRow)}
        </tbody>
      </table>
    </div>
  </section>`;
}

function renderRow({ id, title, link, end, because, gone, standIn, contradicts }: KnownFailure): Html {
  return html`<tr>
    <th scope="row">
      ${isLink(link) ? html`<a href="${link}" rel="noreferrer">${id}</a>` : id}${title === null ? null : html`<br />${title}`}
    </th>
    <td>${end}</td>
    <td>
      ${because.join('; ')}${standIn === null ? null : html`<br />stand-in: ${standIn}`}${contradicts === null ? null : html`<br />contradicts the thread: ${contradicts}`}
    </td>
    <td>${gone.map(tellGone).join('; ')}</td>
  </tr>`;
}
