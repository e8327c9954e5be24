/** A list of which a page shows the first, and folds the others. */
import { type Html, html } from './html.ts';

export type Fold = Readonly<{
  /** So many stay in sight. */
  shown: number;
  /** What is behind the fold, by its number. */
  more: (count: number) => string;
  /** @default 'fold' */
  class?: string;
}>;

/** @param render called for both parts; the second is behind the fold */
export function foldRest<Item>(
  items: readonly Item[],
  { shown, more, class: name = 'fold' }: Fold,
  render: (part: readonly Item[], isRest: boolean) => Html,
): Html {
  const rest = items.slice(shown);
  return html`${render(items.slice(0, shown), false)}${
    rest.length === 0
      ? null
      : html`<details class="${name}">
          <summary>${more(rest.length)}</summary>
          ${render(rest, true)}
        </details>`
  }`;
}
