/** CSV: one row per cell and repetition. Cells come from guests, so nothing in it may become a formula. */
import { stringify } from 'csv-stringify/sync';
import type { Axis } from '../../axes/axis.ts';
import { axes, type AxisTable } from '../../axes/table.ts';
import { plainLine } from '../../outcome/plain-text.ts';
import { pickJudged } from '../../outcome/overhead.ts';
import { means } from '../../measure/figures.ts';
import { servingWorks } from '../../measure/serving-plan.ts';
import type { Result } from '../../store/result.ts';
import { labelValue, orderForReports } from '../axis-labels.ts';
import type { CellView } from '../cell-view.ts';
import type { Format } from '../format.ts';
import { formatDistribution } from '../format-distribution.ts';
import { basisOf } from '../host-table.ts';
import type { RunView } from '../run-view.ts';

type Value = string | number | null;

type Column = Readonly<{ name: string; of: (result: Result, cell: CellView, view: RunView) => Value }>;

/** Versions of results whose axes are the last before the columns of the process, and before those of requests. */
const lastBefore = { process: 2, requests: 3 } as const;

/** New columns go to the end: spreadsheets refer to places. */
const listColumns = (table: AxisTable): readonly Column[] => [
  { name: 'run', of: (_, __, { record }) => record.id },
  { name: 'id', of: (result) => result.id },
  { name: 'repetition', of: (result) => result.repetition },
  ...settingColumns(table, (row) => row.column !== undefined),
  { name: 'outcome', of: (result) => result.outcome },
  { name: 'tier', of: (result) => result.tier },
  { name: 'verdict', of: (result) => result.verdict },
  { name: 'expected', of: ({ expected }) => expected?.text ?? null },
  { name: 'expectedBy', of: ({ expected }) => expected?.source ?? null },
  { name: 'predicted', of: ({ predicted }) => predicted?.tier ?? predicted?.outcome ?? null },
  { name: 'reason', of: (result) => result.reason },
  { name: 'finding', of: (result) => result.finding },
  { name: 'checks', of: ({ form }) => form?.checks ?? null },
  { name: 'slots', of: ({ form }) => form?.slots ?? null },
  { name: 'reservedBytes', of: ({ form }) => form?.reservedBytes ?? null },
  { name: 'chargedBytes', of: ({ form }) => form?.chargedBytes ?? null },
  { name: 'machines', of: ({ attempts }) => attempts.length },
  { name: 'accelerator', of: (_, __, { record }) => record.accelerator.kind },
  { name: 'startedAt', of: (result) => result.startedAt },
  { name: 'evidence', of: (result) => result.evidence },
  { name: 'overhead', of: ({ overheadSource }) => overheadSource?.kind ?? null },
  { name: 'overheadClock', of: ({ overhead = [] }) => pickJudged(overhead)[0]?.clock ?? null },
  ...figureColumns('Memory', means.memory),
  ...figureColumns('Programs', means.program),
  { name: 'overheadMeasuredIn', of: ({ overheadSource }) => overheadSource?.measuredIn ?? null },
  { name: 'cellVerdict', of: (_, { verdict }) => verdict },
  { name: 'distribution', of: (_, cell) => formatDistribution(cell) },
  ...settingColumns(table, (row) => row.column === undefined && row.since <= lastBefore.process),
  { name: 'virtualBytes', of: (result) => processOf(result)?.virtualBytes ?? null },
  { name: 'residentBytes', of: (result) => processOf(result)?.residentBytes ?? null },
  {
    name: 'peakResidentBytes',
    of: ({ host, subject }) => (subject ?? host)?.process?.end?.peakResidentBytes ?? null,
  },
  { name: 'maps', of: (result) => processOf(result)?.maps ?? null },
  { name: 'minorFaults', of: ({ host, subject }) => (subject ?? host)?.process?.end?.minorFaults ?? null },
  { name: 'tierBasis', of: basisOf },
  { name: 'committedBytes', of: (result) => processOf(result)?.committedBytes ?? null },
  ...settingColumns(
    table,
    ({ column, since }) => column === undefined && since > lastBefore.process && since <= lastBefore.requests,
  ),
  { name: 'request', of: ({ serving }) => serving?.kind ?? null },
  ...servingWorks.flatMap(({ name }) => priceColumns(name)),
  ...settingColumns(table, ({ column, since }) => column === undefined && since > lastBefore.requests),
];

/** Instructions of a request, and how many times those of the host's own pool. */
const priceColumns = (work: string): readonly Column[] => {
  const find = ({ serving }: Result) => serving?.prices.find((price) => price.work === work);
  // `requestTouch16`, as the other columns are written.
  const start = `request${work.replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase())}`;
  return [
    { name: `${start}Instructions`, of: (result) => find(result)?.instructions ?? null },
    { name: `${start}Ratio`, of: (result) => find(result)?.ratio.ratio ?? null },
  ];
};

/** The process that was up: that of a foreign subject, or the one that proved the wasm host's tier. */
function processOf({ host, subject }: Result): Readonly<{
  virtualBytes: number;
  residentBytes: number;
  maps: number;
  committedBytes: number | null;
}> | null {
  if (subject !== undefined) return subject.process?.up ?? null;
  const proof = host?.proof ?? null;
  return proof === null ? null : { ...proof, committedBytes: proof.kernel?.committedAfter ?? null };
}

const settingColumns = (table: AxisTable, isHere: (row: Axis<unknown>) => boolean): readonly Column[] =>
  orderForReports(table)
    .filter(isHere)
    .map((row) => ({ name: row.name, of: ({ settings }) => labelValue(row, settings) }));

/** Ratio to the baseline and the ends of its interval; empty where it is not known or not stable. */
function figureColumns(title: string, mean: string): readonly Column[] {
  return (['ratio', 'low', 'high'] as const).map((part) => ({
    name: `overhead${title}${{ ratio: '', low: 'Low', high: 'High' }[part]}`,
    of: ({ overhead = [] }) => {
      const figure = pickJudged(overhead).find(({ workload, stable }) => workload === mean && stable);
      return figure?.[part] ?? null;
    },
  }));
}

/** @param table the axes, of which each is a column */
export function renderCsv(view: RunView, table: AxisTable = axes): string {
  const columns = listColumns(table);
  const byId = new Map(view.cells.map((cell) => [cell.id, cell]));
  const rows = view.results.flatMap((result) => {
    const cell = byId.get(result.id);
    return cell === undefined ? [] : [columns.map(({ of }) => cleanValue(of(result, cell, view)))];
  });
  return stringify([columns.map(({ name }) => name), ...rows, ...listRunRows(view, columns)], {
    escape_formulas: true,
  });
}

/** Rows for the part that this run is and for missing cells; the sentence is in the column of reasons. */
function listRunRows({ record, state }: RunView, columns: readonly Column[]): readonly (readonly Value[])[] {
  const { partSentence: part, missingSentence: missing, missingNames } = state;
  const row = (outcome: string, reason: string): readonly Value[] =>
    columns.map(({ name }) => ({ run: record.id, outcome, reason })[name] ?? null);
  return [
    ...(part === null ? [] : [row('part', part)]),
    ...(missing === null ? [] : [row('missing', [missing, ...missingNames].join('; '))]),
  ];
}

const cleanValue = (value: Value): Value => (typeof value === 'string' ? plainLine(value, 2000) : value);

export const csv = {
  file: 'report.csv',
  description: 'one row a cell, safe to open in a spreadsheet',
  render: (view: RunView) => renderCsv(view),
} satisfies Format;
