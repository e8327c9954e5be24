/** The table of formats. A format is one file in `format/` and its row here. */
import type { Format } from './format.ts';
import { annotations } from './format/annotations.ts';
import { csv } from './format/csv.ts';
import { github } from './format/github.ts';
import { html } from './format/html.ts';
import { json } from './format/json.ts';
import { junit } from './format/junit.ts';
import { md } from './format/md.ts';
import { overhead } from './format/overhead.ts';
import { table } from './format/table.ts';
import { tap } from './format/tap.ts';

export const formats = {
  table,
  json,
  csv,
  tap,
  junit,
  md,
  html,
  github,
  annotations,
  overhead,
} satisfies Readonly<Record<string, Format>>;

export type FormatTable = Readonly<Record<string, Format>>;
