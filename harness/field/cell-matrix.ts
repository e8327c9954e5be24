/** Makes a matrix of found cells: to run them, and to save them for the nightly run. */
import { stringify } from 'yaml';
import { axes, axisNames, formatValue } from '../axes/table.ts';
import type { AxisName, Settings } from '../axes/table.ts';
import type { Matrix } from '../matrix/cell.ts';
import { parseMatrix } from '../matrix/load.ts';

/** The expectation of a case, as in a matrix. */
export type CaseExpectation = Readonly<{
  tier?: string;
  outcome?: string;
  because?: string;
  link?: string;
}>;

export type MatrixCase = Readonly<{ settings: Settings; expect: CaseExpectation | null }>;

/** A value as one writes it in a matrix: numbers as numbers, sizes with a unit. */
function writeValue(axis: AxisName, settings: Settings): unknown {
  if (axis === 'env') return settings.env;
  const text = formatValue(axes, axis, settings[axis]);
  return /^\d{1,15}$/.test(text) ? Number(text) : text;
}

/** Every axis that differs from its default, and the core ones. */
function writeSettings(settings: Settings): Record<string, unknown> {
  return Object.fromEntries(
    axisNames.flatMap((axis) => {
      const value = formatValue(axes, axis, settings[axis]);
      const plain = value === formatValue(axes, axis, axes[axis].default);
      return plain && !axes[axis].core ? [] : [[axis, writeValue(axis, settings)] as const];
    }),
  );
}

/** The text of a matrix with just these cells. */
export function renderCases(title: string, cases: readonly MatrixCase[]): string {
  const rows = cases.map(({ settings }) => writeSettings(settings));
  const expect = cases.flatMap((one, index) =>
    one.expect === null ? [] : [{ where: rows[index], ...one.expect }],
  );
  const options = { lineWidth: 110, aliasDuplicateObjects: false };
  return stringify({ title, include: rows, ...(expect.length > 0 && { expect }) }, options);
}

/** @throws MatrixErrors when an axis does not allow a value: a report can require settings that no guest has. */
export function buildCases(title: string, cases: readonly MatrixCase[]): Matrix {
  return parseMatrix(renderCases(title, cases), title);
}
