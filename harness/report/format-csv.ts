/** CSV: one row a cell. Cells come from guests, so nothing in it may become a formula. */
import { stringify } from 'csv-stringify/sync';
import type { Axis } from '../axes/axis.ts';
import { axes, type AxisTable } from '../axes/table.ts';
import { plainLine } from '../outcome/plain-text.ts';
import { pickJudged } from '../outcome/overhead.ts';
import { means, type OverheadSummary } from '../measure/figures.ts';
import { findCompleteness } from '../store/completeness.ts';
import type { Result } from '../store/result.ts';
import type { RunRecord } from '../store/run-record.ts';
import { describeMissing, describePart, listMissing } from './completeness-words.ts';
import { labelValue, orderForReports } from './axis-labels.ts';
import { type Distribution, buildDistributions } from '../outcome/repetitions.ts';
import { tellDistribution } from './distribution-words.ts';

type Column = Readonly<{
  name: string;
  of: (result: Result, run: RunRecord, cell: Distribution<Result> | undefined) => string | number | null;
}>;

/** New columns go to the end: spreadsheets refer to places. */
const listColumns = (table: AxisTable): readonly Column[] => [
  { name: 'run', of: (_, run) => run.id },
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
  { name: 'accelerator', of: (_, run) => run.accelerator.kind },
  { name: 'startedAt', of: (result) => result.startedAt },
  { name: 'evidence', of: (result) => result.evidence },
  { name: 'overhead', of: ({ overheadSource }) => overheadSource?.kind ?? null },
  { name: 'overheadClock', of: (result) => judgedFigures(result)[0]?.clock ?? null },
  ...figureColumns('Memory', means.memory),
  ...figureColumns('Programs', means.program),
  { name: 'overheadMeasuredIn', of: ({ overheadSource }) => overheadSource?.measuredIn ?? null },
  { name: 'cellVerdict', of: (_, __, cell) => cell?.verdict ?? null },
  { name: 'distribution', of: (_, __, cell) => (cell === undefined ? null : tellDistribution(cell)) },
  ...settingColumns(table, (row) => row.column === undefined),
];

const settingColumns = (table: AxisTable, isHere: (row: Axis<unknown>) => boolean): readonly Column[] =>
  orderForReports(table)
    .filter(isHere)
    .map((row) => ({ name: row.name, of: ({ settings }) => labelValue(row, settings) }));

const judgedFigures = ({ overhead = [] }: Result): readonly OverheadSummary[] => pickJudged(overhead);

/** Ratio to the baseline and the ends of its interval; empty where it is not known or not stable. */
function figureColumns(title: string, mean: string): readonly Column[] {
  return (['ratio', 'low', 'high'] as const).map((part) => ({
    name: `overhead${title}${{ ratio: '', low: 'Low', high: 'High' }[part]}`,
    of: (result) => {
      const figure = judgedFigures(result).find(({ workload, stable }) => workload === mean && stable);
      return figure?.[part] ?? null;
    },
  }));
}

export function renderCsv(run: RunRecord, results: readonly Result[], table: AxisTable = axes): string {
  const columns = listColumns(table);
  const cells = new Map(buildDistributions(results).map((cell) => [cell.id, cell]));
  const rows = results.map((result) =>
    columns.map((column) => cleanValue(column.of(result, run, cells.get(result.id)))),
  );
  return stringify([columns.map(({ name }) => name), ...rows, ...listRunRows(run, results, columns)], {
    escape_formulas: true,
  });
}

/** A row for what no cell can say: the part this run is, and what is missing; the sentence stands with the reasons. */
function listRunRows(
  run: RunRecord,
  results: readonly Result[],
  columns: readonly Column[],
): readonly (readonly (string | null)[])[] {
  const completeness = findCompleteness(run, results);
  const [part, missing] = [describePart(completeness), describeMissing(completeness)];
  const row = (outcome: string, reason: string): readonly (string | null)[] =>
    columns.map(({ name }) => ({ run: run.id, outcome, reason })[name] ?? null);
  return [
    ...(part === null ? [] : [row('part', part)]),
    ...(missing === null ? [] : [row('missing', [missing, ...listMissing(completeness)].join('; '))]),
  ];
}

function cleanValue(value: string | number | null): string | number | null {
  return typeof value === 'string' ? plainLine(value, 2000) : value;
}
