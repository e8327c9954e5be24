/** What hosts print where they do not run fully, each text once. */
import type { HostTable } from '../host-table.ts';
import { foldRest } from './fold-rest.ts';
import { type Html, html } from './html.ts';
import type { Section } from './page-view.ts';

/** More texts than these are folded. */
const shownTexts = 12;

/** Null where one host ran, or all of them run fully. */
export function renderTexts(sections: readonly Section[]): Html | null {
  const texts: HostTable['texts'] = sections.flatMap(({ hosts }) => hosts?.texts ?? []);
  if (texts.length === 0) return null;
  const items = texts.map(
    ({ start, where, text, cells }) =>
      html`<li><b>${where}</b> ${start}: <q>${text}</q>${cells > 1 ? ` (${cells} cells)` : null}</li>`,
  );
  return foldRest(
    items,
    { shown: shownTexts, more: (count) => `${count} more texts` },
    (part) =>
      html`<ul class="reasons">
        ${part}
      </ul>`,
  );
}
