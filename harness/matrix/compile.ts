/** The checked form → numbers: values by axis, combinations, and rules as bits. */
import { axisNames } from './axes.ts';
import type { AxisTable } from './axes.ts';
import { formatValue } from './cell-id.ts';
import type { AxisName } from './cell.ts';
import type { Form, MeasureForm, Rule, Selector, Value } from './matrix-schema.ts';
import { defaultMeasure } from './measure.ts';
import type { Measure } from './measure.ts';
import { quote } from './diagnostics.ts';
import type { Problem } from './diagnostics.ts';
import type { Path, Source } from './source.ts';
import { bitSet, setBit } from './walk.ts';
import type { BitSet, Lists } from './walk.ts';

/** With more, matching a million cells takes longer than the second a bad file may take. */
export const maxRules = 1000;

/** More would not be read. */
const maxProblems = 200;

/** One axis that takes part, with every value some cell may have. */
export type Dimension = Readonly<{
  axis: AxisName;
  values: readonly Value[];
  texts: readonly string[];
  /** By value: the rules that accept it. Exclude rules come first, expect rules after them. */
  accepts: readonly BitSet[];
}>;

export type CompiledRule = Readonly<{
  path: Path;
  /** False when a value of it was refused already. */ sound: boolean;
}>;

export type Compiled = Readonly<{
  dimensions: readonly Dimension[];
  /** The combinations of `axes`; null without `axes`. */
  product: Lists | null;
  /** One entry per row of `include`. */
  includes: readonly Lists[];
  excludes: readonly CompiledRule[];
  expects: readonly (CompiledRule & Readonly<{ rule: Rule }>)[];
  /** The selector of `measure`, its bit after those of the rules; none when it asks for nothing. */
  measures: readonly (CompiledRule & Readonly<{ measure: Measure }>)[];
  /** How cells are measured whose rule bounds an overhead, whatever the selector says. */
  measure: Measure;
  problems: readonly Problem[];
}>;

/** Values with numbers, equal ones once. */
class Values {
  readonly values: Value[] = [];
  readonly texts: string[] = [];
  readonly numbers = new Map<string, number>();

  add(value: Value, text: string): number {
    const known = this.numbers.get(text);
    if (known !== undefined) return known;
    this.numbers.set(text, this.values.length);
    this.texts.push(text);
    return this.values.push(value) - 1;
  }
}

const listOf = (given: Value | readonly Value[]): readonly Value[] =>
  Array.isArray(given) ? (given as readonly Value[]) : [given as Value];

/** Where the nth value of an axis stands; a single value may stand without a list. */
export function valuePath(base: Path, axis: AxisName, selector: Selector, index: number): Path {
  return Array.isArray(selector[axis]) ? [...base, axis, index] : [...base, axis];
}

/** Axes in the order of the file; then those only `include` names. */
function orderOf(source: Source, form: Form): AxisName[] {
  const listed = [
    ...Object.keys((source.value as { axes?: object | null }).axes ?? {}),
    // Those that stand elsewhere in the file: `subject`.
    ...Object.keys(form.axes ?? {}),
  ] as AxisName[];
  const included = (form.include ?? []).flatMap((row) => Object.keys(row) as AxisName[]);
  return [...new Set([...listed, ...axisNames.filter((axis) => included.includes(axis))])];
}

/** Numbers values and rules, and reports what can be told without looking at combinations. */
export function compile(form: Form, source: Source, table: AxisTable): Compiled {
  const problems: Problem[] = [];
  const report = (problem: () => Problem): void => {
    if (problems.length < maxProblems) problems.push(problem());
  };
  const order = orderOf(source, form);
  const numbered = new Map(order.map((axis) => [axis, new Values()]));
  const numberOf = (axis: AxisName, value: Value): number =>
    numbered.get(axis)?.add(value, formatValue(table, axis, value)) ?? 0;

  const listed = form.axes ?? null;
  const product: Lists | null =
    listed === null || Object.keys(listed).length === 0
      ? null
      : order.map((axis) => {
          const given = listed[axis];
          if (given === undefined) return [numberOf(axis, table[axis].default)];
          return numberValues(axis, listOf(given), listed, ['axes']);
        });
  const includes = (form.include ?? []).map((row, index) =>
    order.map((axis) => {
      const given = row[axis];
      if (given === undefined) return [numberOf(axis, table[axis].default)];
      return numberValues(axis, listOf(given), row, ['include', index]);
    }),
  );

  function numberValues(axis: AxisName, values: readonly Value[], selector: Selector, base: Path): number[] {
    const first = new Map<number, number>();
    values.forEach((value, index) => {
      const number = numberOf(axis, value);
      const earlier = first.get(number);
      if (earlier === undefined) {
        first.set(number, index);
        return;
      }
      report(() => {
        const { line, column } = source.placeOf(valuePath(base, axis, selector, earlier));
        return {
          code: 'MATRIX_DUPLICATE_CELL',
          message: `${quote(formatValue(table, axis, value))} stands twice in \`${axis}\``,
          ...source.placeOf(valuePath(base, axis, selector, index)),
          hint: `first at ${line}:${column}`,
        };
      });
    });
    return [...first.keys()];
  }

  const excludeRows = form.exclude ?? [];
  const expectRows = form.expect ?? [];
  const measureRows = form.measure == null || form.measure.overhead === false ? [] : [form.measure];
  const ruleCount = excludeRows.length + expectRows.length;
  if (ruleCount > maxRules) {
    problems.push({
      code: 'MATRIX_TOO_LARGE',
      message: `${ruleCount} rules in \`exclude\` and \`expect\`; at most ${maxRules}`,
      ...source.placeOf([excludeRows.length > maxRules ? 'exclude' : 'expect'], 'key'),
    });
  }
  const selectors = [
    ...excludeRows.map((where, index) => ({
      where,
      path: ['exclude', index] as Path,
      base: ['exclude', index] as Path,
    })),
    ...expectRows.map(({ where }, index) => ({
      where,
      path: ['expect', index] as Path,
      base: ['expect', index, 'where'] as Path,
    })),
    ...measureRows.map(({ where = {} }) => ({
      where,
      path: ['measure', 'where'] as Path,
      base: ['measure', 'where'] as Path,
    })),
  ].slice(0, maxRules + 1);

  const accepts = new Map(
    order.map((axis) => [axis, (numbered.get(axis)?.values ?? []).map(() => bitSet(selectors.length))]),
  );
  const rules = selectors.map(({ where, path, base }, bit): CompiledRule => {
    let sound = true;
    for (const axis of order) {
      const given = where[axis];
      const sets = accepts.get(axis) ?? [];
      if (given === undefined) for (const set of sets) setBit(set, bit);
    }
    for (const axis of Object.keys(where) as AxisName[]) {
      const known =
        numbered.get(axis)?.numbers ?? new Map([[formatValue(table, axis, table[axis].default), -1]]);
      const given = where[axis];
      // Null is a value: `unlimited`.
      if (given === undefined) continue;
      listOf(given).forEach((value, index) => {
        const text = formatValue(table, axis, value);
        const number = known.get(text);
        const set = number === undefined ? undefined : accepts.get(axis)?.[number];
        if (set !== undefined) setBit(set, bit);
        if (number !== undefined) return;
        sound = false;
        report(() => ({
          code: 'MATRIX_NO_MATCH',
          message: `no cell has \`${axis}\` ${quote(text)}`,
          ...source.placeOf(valuePath(base, axis, where, index)),
          hint: `this matrix has ${nameSome([...known.keys()])}`,
        }));
      });
    }
    return { path, sound };
  });

  const measure = fillMeasure(form.measure ?? {});
  return {
    dimensions: order.map((axis) => {
      const { values = [], texts = [] } = numbered.get(axis) ?? {};
      return { axis, values, texts, accepts: accepts.get(axis) ?? [] };
    }),
    product,
    includes,
    excludes: rules.slice(0, excludeRows.length),
    expects: expectRows.slice(0, Math.max(0, maxRules - excludeRows.length)).map((rule, index) => ({
      ...(rules[excludeRows.length + index] ?? { path: [], sound: false }),
      rule,
    })),
    measures: rules.slice(ruleCount).map((rule) => ({ ...rule, measure })),
    measure,
    problems,
  };
}

function fillMeasure({ workloads, precision, budget, share }: MeasureForm): Measure {
  return {
    workloads: workloads ?? defaultMeasure.workloads,
    precision: precision ?? defaultMeasure.precision,
    budgetMs: budget ?? defaultMeasure.budgetMs,
    share: share ?? defaultMeasure.share,
  };
}

/** `512M, 1G, 2G and 9 more`; an empty text is shown as such. */
function nameSome(texts: readonly string[]): string {
  const shown = texts.slice(0, 8).map((text) => (text === '' ? '(empty)' : text));
  return texts.length > 8 ? `${shown.join(', ')} and ${texts.length - 8} more` : shown.join(', ');
}
