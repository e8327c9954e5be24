/** What the page says first of a run: which part of its matrix it is, and which cells are missing. */
import { findCompleteness } from '../../store/completeness.ts';
import type { Result } from '../../store/result.ts';
import { describeMissing, describePart, listMissing } from '../completeness-words.ts';
import type { RunResults } from '../merge-runs.ts';
import { type Html, html } from './html.ts';

/** Nothing for whole runs. Of several runs each is named. */
export function renderRunStates(runs: readonly RunResults[]): readonly Html[] {
  const newestFirst = [...groupByRun(runs)].sort(
    ([a, { record: one }], [b, { record: other }]) =>
      other.startedAt.localeCompare(one.startedAt) || a.localeCompare(b),
  );
  return newestFirst.flatMap(([id, { record, results }], _, all) => {
    const completeness = findCompleteness(record, results);
    const [part, missing] = [describePart(completeness), describeMissing(completeness)];
    const name = all.length === 1 ? '' : ` (run ${id})`;
    const cells = listMissing(completeness).map((cell) => html`<li>${cell}</li>`);
    return [
      ...(part === null ? [] : [html`<p>This is ${part}${name}.</p>`]),
      ...(missing === null ? [] : [html`<p><strong>? ${missing}${name}</strong></p>`]),
      ...(cells.length === 0
        ? []
        : [
            html`<details class="fold">
              <summary>Missing cells${name}</summary>
              <ul>
                ${cells}
              </ul>
            </details>`,
          ]),
    ];
  });
}

/** Copies and parts of one run have one id: together they are the run. */
function groupByRun(
  runs: readonly RunResults[],
): ReadonlyMap<string, Readonly<{ record: RunResults['record']; results: readonly Result[] }>> {
  const byId = new Map<string, { record: RunResults['record']; results: readonly Result[] }>();
  for (const { record, results } of runs) {
    const known = byId.get(record.id);
    byId.set(record.id, {
      record: known?.record ?? record,
      results: [...(known?.results ?? []), ...results],
    });
  }
  return byId;
}
