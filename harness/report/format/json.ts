/** JSON: the run, the summary and every cell, for programs. The format is results/report.schema.json. */
import { findEffects } from '../axis-effects.ts';
import type { Format } from '../format.ts';
import { buildReasonCards } from '../reason-cards.ts';
import { type Report, reportSchemaNumber } from '../report-schema.ts';
import type { RunView } from '../run-view.ts';

function render(view: RunView): string {
  const { record, results, cells: views, axes, reasons, counts, flaky, exitCode, state } = view;
  const { sentences: _, missingNames: __, missingSentence, partSentence, ...completeness } = state;
  const report: Report = {
    poolproof: 'report',
    schema: reportSchemaNumber,
    run: record,
    summary: { ...counts, flaky: flaky.length, exitCode },
    completeness: { ...completeness, missingSentence, partSentence },
    axes: axes.map(({ name, values, ordered }) => ({ name, values, ordered })),
    effects: findEffects(views, axes),
    why: buildReasonCards(views, axes).map(({ cells, ...card }) => ({
      ...card,
      cells: cells.map(({ id }) => id),
    })),
    reasons,
    distributions: views
      .filter(({ results: repeated }) => repeated.length > 1)
      .map(({ id, judged, silent, shares, verdict }) => ({ id, judged, silent, shares, verdict })),
    cells: results,
  };
  // One line per cell: ten thousand cells are 43 MB instead of 69, and what changed is one line.
  const { cells, ...rest } = report;
  // Added to one text as they are made: a list of them beside the text would hold them twice.
  let text = `${JSON.stringify(rest, null, 2).slice(0, -2)},\n  "cells": [`;
  for (const [index, cell] of cells.entries())
    text += `${index === 0 ? '' : ','}\n    ${JSON.stringify(cell)}`;
  return `${text}${cells.length === 0 ? '' : '\n  '}]\n}\n`;
}

export const json = {
  file: 'report.json',
  description: 'run, summary and every cell',
  render,
} satisfies Format;
