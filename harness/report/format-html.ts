/**
 * HTML: the supported-environments report. One file that asks for nothing outside itself, reads without
 * its script, and whose policy lets no other script run, whatever a guest wrote.
 */
import { createHash } from 'node:crypto';
import type { Result } from '../store/result.ts';
import type { RunRecord } from '../store/run-record.ts';
import { renderCosts } from './html/costs.ts';
import { collectPanels, embedData, renderFilters, renderList } from './html/cell-list.ts';
import { type Entry, buildEntries, findUsualOf } from './html/entries.ts';
import { type EvidenceByCell, type EvidenceTexts, evidenceKey, shareBudget } from './html/evidence.ts';
import { type Html, html, markup } from './html/html.ts';
import { renderLegend } from './html/legend.ts';
import { renderFacts, renderRuns, renderSentences, renderSources } from './html/overview.ts';
import { buildPanel } from './html/panel.ts';
import { renderRunStates } from './html/run-state.ts';
import { script } from './html/script.ts';
import { buildSections, renderSection } from './html/sections.ts';
import { styles } from './html/styles.ts';
import { renderKnownFailures } from './html/known-failures.ts';
import { listKnownFailures } from './known-failures.ts';
import { findVaried, labelAxis } from './axis-labels.ts';
import { mergeRuns } from './merge-runs.ts';

export type HtmlRun = Readonly<{
  record: RunRecord;
  results: readonly Result[];
  /** What the guests left behind, by `evidenceKey`. @default none: only links to the folders */
  evidence?: EvidenceByCell;
  /** Address of the run's folder as seen from the page, ending in `/` unless empty; null makes no links. @default null */
  base?: string | null;
}>;

export type HtmlOptions = Readonly<{
  /** Now, ISO 8601: the age of the newest run is told. @default null: dates only, so that equal results give equal bytes */
  now?: string | null;
  /** More panels than this, in characters, are put together by the script when they are opened. @default 3 000 000 */
  staticLimit?: number;
}>;

/** One run, the page in its folder. Pure: equal results give equal bytes. */
export function renderHtml(record: RunRecord, results: readonly Result[]): string {
  return renderHtmlReport([{ record, results, base: '' }]);
}

/** One run or many, of each cell the newest result. Pure. */
export function renderHtmlReport(runs: readonly HtmlRun[], options: HtmlOptions = {}): string {
  const merged = mergeRuns(runs);
  const newest = merged.runs[0] ?? runs[0];
  if (newest === undefined) throw new RangeError('a report of no run');
  const results = merged.cells.flatMap((cell) => cell.results);
  const axes = findVaried(results);
  const entries = buildEntries(merged.cells, axes, newest.record);
  const sections = buildSections(runs, entries, axes);
  const title =
    sections.length === 1
      ? `${newest.record.matrix.title}: supported environments`
      : `Supported environments, ${sections.length} matrices`;
  const gaps = sections.some(({ layout }) => layout.places.some((row) => row.includes(null)));
  const usual = [...findUsualOf(merged.cells, axes)].map(([name, label]) => labelAxis(name, label));
  const evidence = collectEvidence(entries);
  const panels = collectPanels(
    entries,
    (entry) => buildPanel(entry, evidence, entry.cell.run.base ?? null),
    options.staticLimit,
  );
  const body = html`<a class="skip" href="#list">Skip to the list of cells</a>
    <header><h1>${title}</h1></header>
    <main>
      <div class="first">
        ${renderRunStates(runs)}${renderSentences(merged, entries)}
        ${renderFacts(
          merged,
          entries,
          axes,
          sections.map(({ file }) => file),
          options.now ?? null,
        )}
      </div>
      ${renderLegend(entries, gaps)}
      ${sections.map((section, index) => renderSection(section, index, sections.length))}
      ${renderKnownFailures(
        listKnownFailures(
          merged.runs.flatMap(({ record }) => record.cases ?? []),
          results,
        ),
      )}
      ${renderCosts(entries)}${renderRuns(merged)}
      <section aria-labelledby="list">
        <h2 id="list" tabindex="-1">Cells: prediction beside observation</h2>
        ${usual.length === 0 ? null : html`<p>A line names what is not usual. As usual: ${usual.join(', ')}.</p>`}${
          panels.kind === 'pieces'
            ? html`<noscript
                ><p>
                  This report is large: the panels need the script. The deciding numbers are in each line,
                  everything else in the run's own files.
                </p></noscript
              >`
            : null
        }${renderFilters(entries, axes)}
        ${renderList(entries, panels)}
      </section>
      ${renderSources(merged.runs)}
    </main>
    <footer>
      Made by poolproof ${newest.record.tool.version} from run${merged.runs.length > 1 ? 's' : ''}
      ${merged.runs.map(({ record }) => record.id).join(', ')}.
    </footer>`;
  return renderPage(title, body, embedData(entries, axes, panels));
}

/** What needs an explanation gets its share of the page first. */
function collectEvidence(entries: readonly Entry<HtmlRun>[]): EvidenceByCell {
  const found = new Map<string, EvidenceTexts>();
  const troubled = entries.filter(({ verdict, finding }) => verdict !== 'as expected' || finding);
  for (const { cell } of [...troubled, ...entries]) {
    for (const key of cell.results.map(evidenceKey)) {
      const texts = cell.run.evidence?.get(key);
      if (texts !== undefined) found.set(key, texts);
    }
  }
  return shareBudget([...found.keys()], found);
}

function renderPage(title: string, body: Html, data: Html): string {
  const policy = `default-src 'none'; script-src '${hash(script)}'; style-src '${hash(styles)}'; base-uri 'none'; form-action 'none'`;
  const head = html`<meta charset="utf-8" />
    <meta http-equiv="Content-Security-Policy" content="${markup(policy)}" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="referrer" content="no-referrer" />
    <title>${title}</title>`;
  // By hand, since the hashes cover these texts byte for byte.
  return [
    '<!doctype html>',
    `<html lang="en"><head>${head.text}<style>${styles}</style></head>`,
    `<body>${body.text}`,
    `<script type="application/json" id="data">${data.text}</script>`,
    `<script>${script}</script></body></html>`,
    '',
  ].join('\n');
}

const hash = (text: string): string => `sha256-${createHash('sha256').update(text).digest('base64')}`;
