/** JSON: the run, the summary and every cell, for programs. The format is results/report.schema.json. */
import { findCompleteness } from '../store/completeness.ts';
import type { Result } from '../store/result.ts';
import type { RunRecord } from '../store/run-record.ts';
import { buildDistributions } from '../outcome/repetitions.ts';
import { describeMissing, describePart } from './completeness-words.ts';
import { type Report, reportSchemaNumber } from './report-schema.ts';
import { summarizeRun } from './summarize.ts';

export function renderJson(run: RunRecord, results: readonly Result[]): string {
  const { axes, reasons, exitCode, flaky, completeness: _, ...counts } = summarizeRun(run, results);
  const completeness = findCompleteness(run, results);
  const distributions = buildDistributions(results);
  const report: Report = {
    poolproof: 'report',
    schema: reportSchemaNumber,
    run,
    summary: { ...counts, flaky: flaky.length, exitCode },
    completeness: {
      ...completeness,
      missingSentence: describeMissing(completeness),
      partSentence: describePart(completeness),
    },
    axes: axes.map(({ name, values, ordered }) => ({ name, values, ordered })),
    reasons,
    distributions: distributions
      .filter(({ results: repeated }) => repeated.length > 1)
      .map(({ id, judged, silent, shares, verdict }) => ({ id, judged, silent, shares, verdict })),
    cells: results,
  };
  // A line a cell: ten thousand cells are 43 MB instead of 69, and what changed is one line.
  const { cells, ...rest } = report;
  // Added to one text as they are made: a list of them beside the text would hold them twice.
  let text = `${JSON.stringify(rest, null, 2).slice(0, -2)},\n  "cells": [`;
  for (const [index, cell] of cells.entries())
    text += `${index === 0 ? '' : ','}\n    ${JSON.stringify(cell)}`;
  return `${text}${cells.length === 0 ? '' : '\n  '}]\n}\n`;
}
