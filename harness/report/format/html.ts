/**
 * HTML: the supported-environments report. One file that asks for nothing outside itself, reads without
 * its script, and whose policy lets no other script run, whatever a guest wrote.
 */
import { createHash } from 'node:crypto';
import { type EvidenceByCell, type EvidenceTexts, evidenceKey, shareBudget } from '../evidence.ts';
import type { Format } from '../format.ts';
import { type Panels, collectPanels, embedData } from '../html/cell-list.ts';
import { type Html, html, isWebLink, markup } from '../html/html.ts';
import { renderDate, renderRunStates } from '../html/overview.ts';
import { type PageView, buildPageView } from '../html/page-view.ts';
import { buildPanel } from '../html/panel.ts';
import { script } from '../html/script.ts';
import { renderSections } from '../html/sections.ts';
import { dataStyles } from '../html/data-styles.ts';
import { styles } from '../html/styles.ts';
import { pictureSize } from '../html/picture.ts';
import { renderSummary, renderVerdict, titlePage } from '../html/verdict.ts';
import type { RunView } from '../run-view.ts';

/** Absolute addresses of the page and of its picture, null without one. */
type Published = Readonly<{ page: string; picture: string | null }>;

export type HtmlOptions = Readonly<{
  /** Where it can be read. @default nowhere: it says nothing of addresses */
  published?: Published;
  /**
   * Now, ISO 8601: the age of the newest run is shown. @default null: dates only, so that equal results give equal
   * bytes
   */
  now?: string | null;
  /** More panels than this, in characters, are put together by the script when they are opened. @default 3 000 000 */
  staticLimit?: number;
}>;

/** One run or many, of each cell the newest result. Pure. */
export function renderHtml(runs: readonly RunView[], options: HtmlOptions = {}): string {
  const page = buildPageView(runs);
  const { cells } = page;
  const title = titlePage(page);
  const evidence = collectEvidence(page);
  const panels = collectPanels(cells, (cell) => buildPanel(cell, evidence), options.staticLimit);
  const body = renderBody(page, title, panels, options.now ?? null);
  const head = { title, summary: renderSummary(page), published: options.published ?? null };
  return renderPage(head, body, embedData(page, panels));
}

function renderBody(page: PageView, title: string, panels: Panels, now: string | null): Html {
  const { runs, newest } = page;
  const { version, homepage } = newest.record.tool;
  // Behind one table, which fits a screen, and before several.
  const several = page.sections.length > 1;
  const { contents, sections } = renderSections({ page, panels, now });
  return html`<a class="skip" href="#list">Skip to the list of cells</a>
    <header>
      <h1>${title}</h1>
      ${renderDate(page, now)}
    </header>
    <main>
      <p class="lead">${renderSummary(page)}</p>
      ${renderRunStates(page)}${several ? contents : null}${renderVerdict(page)}${several ? null : contents}${sections}
    </main>
    <footer>
      Made by
      ${isWebLink(homepage) ? html`<a href="${homepage}" rel="noreferrer">poolproof</a>` : 'poolproof'}
      ${version} from run${runs.length > 1 ? 's' : ''} ${runs.map(({ record }) => record.id).join(', ')}.
    </footer>`;
}

/** The texts of evidence for the page: cells that need an explanation get their share of it first. */
function collectEvidence({ cells }: PageView): EvidenceByCell {
  const found = new Map<string, EvidenceTexts>();
  const troubled = cells.filter(
    ({ pageVerdict, results }) =>
      pageVerdict !== 'as expected' || results.some(({ finding }) => finding !== null),
  );
  for (const { run, results } of [...troubled, ...cells]) {
    if (run.evidence.size === 0) continue;
    for (const key of results.map(evidenceKey)) {
      const texts = run.evidence.get(key);
      if (texts !== undefined) found.set(key, texts);
    }
  }
  return shareBudget([...found.keys()], found);
}

const sheet = `${styles}\n${dataStyles}`;

type Head = Readonly<{ title: string; summary: string; published: Published | null }>;

/** Only absolute addresses: those who read them have none to start from. */
const renderPublished = ({ page, picture }: Published, summary: string): Html =>
  html`<meta property="og:url" content="${page}" />${
      picture === null
        ? null
        : html`<meta property="og:image" content="${picture}" />
            <meta property="og:image:alt" content="${summary}" />
            <meta property="og:image:width" content="${pictureSize.width}" />
            <meta property="og:image:height" content="${pictureSize.height}" />
            <meta name="twitter:card" content="summary_large_image" />`
    }`;

/** A cell of a grid, filled to the half: what the page is about, and no request. */
const icon = `data:image/svg+xml,${encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3" fill="#0b4f8a"/><path d="M8 3a5 5 0 0 0 0 10z" fill="#fff"/><circle cx="8" cy="8" r="5" fill="none" stroke="#fff" stroke-width="1.5"/></svg>',
)}`;

function renderPage({ title, summary, published }: Head, body: Html, data: Html): string {
  const policy = `default-src 'none'; img-src data:; script-src '${hash(script)}'; style-src '${hash(sheet)}'; base-uri 'none'; form-action 'none'`;
  const head = html`<meta charset="utf-8" />
    <meta http-equiv="Content-Security-Policy" content="${markup(policy)}" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="referrer" content="no-referrer" />
    <title>${title}</title>
    <meta name="description" content="${summary}" />
    <meta property="og:type" content="article" />
    <meta property="og:title" content="${title}" />
    <meta
      property="og:description"
      content="${summary}"
    />${published === null ? null : renderPublished(published, summary)}
    <link rel="icon" href="${markup(icon)}" />`;
  // By hand, since the hashes cover these texts byte for byte.
  return [
    '<!doctype html>',
    `<html lang="en"><head>${head.text}<style>${sheet}</style></head>`,
    `<body>${body.text}`,
    `<script type="application/json" id="data">${data.text}</script>`,
    `<script>${script}</script></body></html>`,
    '',
  ].join('\n');
}

const hash = (text: string): string => `sha256-${createHash('sha256').update(text).digest('base64')}`;

const format = {
  file: 'report.html',
  description: 'the supported-environments page: one file, opens from disk',
  render: (view: RunView) => renderHtml([view]),
  renderTogether: (views: readonly RunView[]) => renderHtml(views),
  showsEvidence: true,
} satisfies Format;

export { format as html };
