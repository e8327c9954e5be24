/** The table of formats. One row a format: how it is made and what its file is called. */
import type { Result } from '../store/result.ts';
import type { RunRecord } from '../store/run-record.ts';
import { renderCsv } from './format-csv.ts';
import { renderAnnotations, renderGithub } from './format-github.ts';
import { renderHtml } from './format-html.ts';
import { renderJson } from './format-json.ts';
import { renderJunit } from './format-junit.ts';
import { renderMarkdown } from './format-markdown.ts';
import type { FormatStream } from './format-reporter.ts';
import { renderTap, streamTap } from './format-tap.ts';

export type Format = Readonly<{
  /** File name in the run's folder. */
  file: string;
  description: string;
  /** Pure: equal results give equal bytes. */
  render(run: RunRecord, results: readonly Result[]): string;
  /** For what can be written before the last cell has ended. */
  stream?(run: RunRecord): FormatStream;
}>;

export const formats = {
  json: { file: 'report.json', description: 'run, summary and every cell', render: renderJson },
  csv: {
    file: 'report.csv',
    description: 'one row a cell, safe to open in a spreadsheet',
    render: renderCsv,
  },
  tap: {
    file: 'report.tap',
    description: 'TAP 14 with YAML diagnostics, written while cells end',
    render: renderTap,
    stream: streamTap,
  },
  junit: { file: 'report.xml', description: 'JUnit XML, one suite per memory size', render: renderJunit },
  md: { file: 'report.md', description: 'grid and reasons for a repository', render: renderMarkdown },
  html: {
    file: 'report.html',
    description: 'the supported-environments page: one file, opens from disk',
    render: renderHtml,
  },
  github: { file: 'job-summary.md', description: 'job summary of GitHub Actions', render: renderGithub },
  annotations: {
    file: 'annotations.txt',
    description: 'annotations of GitHub Actions: workflow commands, for standard output',
    render: renderAnnotations,
  },
} as const satisfies Readonly<Record<string, Format>>;

export type FormatName = keyof typeof formats;
