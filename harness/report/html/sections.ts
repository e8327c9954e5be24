/** The sections of the page in the order of reading, one row each. The page's contents follow from the table. */
import { listUsual } from '../axis-labels.ts';
import { listKnownFailures } from '../known-failures.ts';
import { type Panels, renderFilters, renderList } from './cell-list.ts';
import { renderChanges } from './changes.ts';
import { renderDownloads } from './downloads.ts';
import { renderEffects } from './effects.ts';
import { renderSection } from './grid-table.ts';
import { renderTexts } from './host-texts.ts';
import { type Html, html } from './html.ts';
import { renderKnownFailures } from './known-failures.ts';
import { renderLegend } from './legend.ts';
import { renderCosts } from './overhead.ts';
import { renderHow, renderRuns, renderSources } from './overview.ts';
import type { PageView } from './page-view.ts';
import { renderReasonCards } from './reason-cards.ts';

type PageContent = Readonly<{
  page: PageView;
  panels: Panels;
  /** ISO 8601; null: no ages. */
  now: string | null;
}>;

type PageSection = Readonly<{
  /** Lasts: readers link to it. */
  id: string;
  title: string;
  /** What stands below the title; null where the page has nothing to say about it, and no entry in its contents. */
  render: (content: PageContent) => Html | null;
}>;

/** The verdict stands before all of them. */
const pageSections: readonly PageSection[] = [
  { id: 'changes', title: 'Since last time', render: ({ page }) => renderChanges(page) },
  { id: 'why', title: 'Why', render: ({ page }) => renderReasonCards(page) },
  { id: 'decides', title: 'What decides', render: ({ page }) => renderEffects(page) },
  {
    id: 'tiers',
    title: 'Tiers',
    render: ({ page }) =>
      html`${renderLegend(page)}${page.sections.map((section, index) =>
        renderSection(section, index, page.sections.length),
      )}`,
  },
  { id: 'printed', title: 'What hosts print', render: ({ page: { sections } }) => renderTexts(sections) },
  { id: 'known', title: 'Known field failures', render: ({ page }) => renderKnown(page) },
  { id: 'costs', title: 'What a lower tier costs', render: ({ page: { cells } }) => renderCosts(cells) },
  { id: 'list', title: 'Every cell', render: renderCells },
  { id: 'runs', title: 'Runs on this page', render: ({ page }) => renderRuns(page) },
  { id: 'how', title: 'How this was tested', render: ({ page, now }) => renderHow(page, now) },
  { id: 'files', title: 'The results as files', render: ({ page: { runs } }) => renderDownloads(runs) },
  { id: 'sources', title: 'What is inside the guests', render: ({ page }) => renderSources(page) },
];

function renderKnown({ runs, cells }: PageView): Html | null {
  return renderKnownFailures(
    listKnownFailures(
      runs.flatMap(({ record }) => record.cases ?? []),
      cells.flatMap(({ results }) => results),
    ),
  );
}

function renderCells({ page, panels }: PageContent): Html {
  return html`${
    page.usual.size === 0
      ? null
      : html`<p>A line names what is not usual. As usual: ${listUsual(page.usual)}.</p>`
  }${
    panels.kind === 'pieces'
      ? html`<noscript
          ><p>
            This report is large: the panels need the script. The deciding numbers are in each line,
            everything else in the run's own files.
          </p></noscript
        >`
      : null
  }${renderFilters(page)}${renderList(page.cells, panels)}`;
}

/** The sections that have something to say, and a table of contents that links to them. */
export function renderSections(content: PageContent): Readonly<{ contents: Html; sections: Html }> {
  const shown = pageSections.flatMap(({ id, title, render }) => {
    const body = render(content);
    return body === null ? [] : [{ id, title, body }];
  });
  return {
    contents: html`<nav class="contents" aria-label="Contents">
      <ul>
        ${shown.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`)}
      </ul>
    </nav>`,
    sections: html`${shown.map(
      ({ id, title, body }) =>
        html`<section aria-labelledby="${id}">
          <h2 id="${id}" tabindex="-1">${title}</h2>
          ${body}
        </section>`,
    )}`,
  };
}
