/** A matrix file as written: one zod schema, from which the check and the editors' JSON Schema are made. */
import { z } from 'zod';
import { tiers } from '../../images/allocator/tier.ts';
import { type AxisTable, rowsOf } from '../axes/table.ts';
import { defineCase } from './case-schema.ts';
import type { Expectation } from './cell.ts';
import { boundSchema, budgetSchema, precisionSchema, workloadNames, workloadWords } from './measure.ts';
import { link, optionalList, outcomes, refuse, text, whole, word } from './schema-parts.ts';
import type { Selector } from './selector.ts';
import {
  defineSubject,
  patternSchema,
  type SubjectForm,
  subjectForm,
  subjectName,
} from './subject-schema.ts';

export type Rule = Expectation & Readonly<{ where: Selector }>;

export const maxRepeat = 1000;

/** Axes that `cover` lets meet; four of 20 axes with four values each are a million combinations. */
const maxWays = 4;

const described = <S extends z.ZodType>(schema: S, description: string): z.ZodOptional<S> =>
  schema.meta({ description }).optional();

const tierSchema = z.union(
  [
    word(tiers),
    z.strictObject({ 'at least': word(tiers) }, { error: 'a map with `at least`' }),
    z.strictObject({ outcome: word(outcomes) }, { error: 'a map with `outcome`' }),
  ],
  { error: `one of ${tiers.join(', ')}, {at least: …} or {outcome: …}` },
);

const coverSchema = z
  .union(
    [
      word(['pairwise', '3-way']),
      z.strictObject(
        {
          ways: described(whole(2, maxWays, `a whole number from 2 to ${maxWays}`), 'Axes whose values meet'),
          cells: described(
            whole(1, 100_000, 'a whole number from 1 to 100000'),
            'Most cells, with those of `include` not counted',
          ),
        },
        { error: 'a map with `ways` and `cells`' },
      ),
    ],
    { error: 'pairwise, 3-way, or a map with `ways` and `cells`' },
  )
  .transform((given) =>
    typeof given === 'string'
      ? { ways: given === '3-way' ? 3 : 2, cells: null }
      : { ways: given.ways ?? 2, cells: given.cells ?? null },
  );

const defineRule = (where: z.ZodType<Selector>) =>
  z.strictObject(
    {
      where: where.optional(),
      tier: described(tierSchema, 'The tier reached: exactly, `{at least: …}`, or `{outcome: …}`'),
      outcome: described(word(outcomes), 'What else happens, instead of `tier`'),
      error: described(patternSchema, 'Pattern of a line that must be written, beside `tier` or `outcome`'),
      overhead: described(boundSchema, 'Most that the tier may cost, beside `tier` or alone: "<= 20%"'),
      because: described(text(2000), 'Why, in one sentence; shown in reports'),
      link: described(link, 'Where one reads more'),
    },
    { error: 'a map with `where` and `tier`, `outcome` or `overhead`' },
  );

type WrittenRule = z.infer<ReturnType<typeof defineRule>>;

/** A rule as written → what it demands. */
function toRule(
  { where, tier, outcome, error, overhead, because, link: url }: WrittenRule,
  context: z.core.$RefinementCtx,
): Rule {
  if (tier !== undefined && outcome !== undefined) {
    refuse(context, 'the rule has both `tier` and `outcome`', 'give one of `tier` and `outcome`');
  } else if (tier === undefined && outcome === undefined && overhead === undefined) {
    refuse(context, 'the rule demands nothing', 'give one of `tier` and `outcome`, or `overhead`');
  }
  const end = outcome ?? (typeof tier === 'object' && 'outcome' in tier ? tier.outcome : 'reached');
  if (overhead !== undefined && end !== 'reached') {
    refuse(context, `a cell that is ${end} has no tier and no overhead`, 'leave out `overhead`', [
      'overhead',
    ]);
  }
  if (error !== undefined && tier === undefined && outcome === undefined) {
    refuse(context, '`error` stands beside `tier` or `outcome`', 'say what happens, too', ['error']);
  }
  const rest = {
    where: where ?? {},
    ...(error !== undefined && { error }),
    ...(overhead !== undefined && { overhead }),
    because: because ?? null,
    link: url ?? null,
  };
  if (outcome !== undefined) return { ...rest, outcome };
  if (typeof tier === 'object') {
    return 'outcome' in tier ? { ...rest, outcome: tier.outcome } : { ...rest, atLeast: tier['at least'] };
  }
  return tier === undefined ? rest : { ...rest, tier };
}

const defineMeasure = (where: z.ZodType<Selector>) =>
  z
    .strictObject(
      {
        overhead: described(
          z.boolean({ error: 'true or false' }),
          'Measure what memory accesses cost in its tier; false turns it off. On, unless `serving` is requested',
        ),
        serving: described(
          z.boolean({ error: 'true or false' }),
          'Measure what a request costs a server in its tier, an instance included',
        ),
        where: where.optional(),
        workloads: described(
          z
            .array(z.literal([...workloadNames], { error: workloadWords }), { error: 'a list of workloads' })
            .min(1, { error: 'a list of at least one workload' }),
          'Workloads by name or kind; all by default',
        ),
        precision: described(precisionSchema, 'Widest interval that counts as stable, e.g. 1%'),
        budget: described(
          budgetSchema,
          'Longest a measurement may take, e.g. 60s; building images is not counted',
        ),
        share: described(
          z.boolean({ error: 'true or false' }),
          'Cells of one engine, tier, form and Node use one measurement',
        ),
      },
      { error: 'a map with `overhead` or `serving`' },
    )
    .meta({ id: 'measure', description: 'What is measured in cells that reached a tier' });

/** `measure` as it stands in the file; what is not given has a default. */
export type MeasureEntry = z.infer<ReturnType<typeof defineMeasure>>;

/** Maps from axes to one value or several. `subject`: values of the axis of that name. */
function defineSelector(
  table: AxisTable,
  subject: z.ZodType<string | SubjectForm>,
): () => z.ZodType<Selector> {
  const shape: Record<string, z.ZodType> = {};
  for (const { name, schema, description, unit, expects } of rowsOf(table)) {
    const value =
      name === 'subject'
        ? subject
        : schema.meta({
            id: name,
            description: `${description}${unit === null ? '' : ` (${unit})`}: ${expects}`,
          });
    shape[name] = z.union([value, z.array(value).min(1)]).optional();
  }
  return () => z.strictObject(shape, { error: 'a map of axes and their values' });
}

const defineMatrixSchema = (table: AxisTable) => {
  const subject = defineSubject().meta({
    id: 'subject',
    description: `${table.subject.description}: a name, a file, or a map with \`run\``,
  });
  const selector = defineSelector(table, subject);
  const where = selector().meta({
    id: 'where',
    description: 'Cells with one of the values of each axis named',
  });
  const rule = defineRule(where).transform(toRule).meta({
    id: 'rule',
    description: 'What cells are expected to do; without a rule, what the model predicts',
  });
  return z
    .strictObject(
      {
        title: described(text(200), 'Shown above the table'),
        axes: selector().nullable().optional().meta({
          description: 'Values by axis; every combination is a cell. Axes not named have their default',
        }),
        exclude: optionalList(where, 'maps of axes and values').meta({
          description: 'Combinations to leave out',
        }),
        include: optionalList(where, 'maps of axes and values').meta({
          description: 'Cells beside the combinations; axes not named have their default',
        }),
        expect: optionalList(rule, 'rules').meta({ description: 'What cells are expected to do' }),
        repeat: described(
          whole(1, maxRepeat, `a whole number from 1 to ${maxRepeat}`),
          'How often each cell runs, each time on a boot of its own',
        ),
        cover: described(
          coverSchema,
          'Of the combinations of `axes`, only so many that every two values of two axes meet (`pairwise`), or every three of three (`3-way`); `{ways, cells}`: as many as `cells` allow',
        ),
        measure: defineMeasure(where).nullable().optional(),
        subject: subject.optional().meta({ description: 'What runs where a cell names nothing else' }),
        subjects: described(
          z.record(subjectName, subjectForm, { error: 'a map from names to subjects' }),
          'Subjects by name, for `subject` and the axis of that name',
        ),
        cases: described(
          z.array(defineCase(where, subject), { error: 'a list of cases' }),
          'Known failures of the field: each its own cells, beside `axes` and `include`',
        ),
      },
      { error: 'a map with `axes`' },
    )
    .superRefine(refuseUnmeasured);
};

/** A bound is measured wherever it is given: the file cannot forbid it at the same time. */
function refuseUnmeasured(
  {
    measure,
    expect,
  }: { measure?: MeasureEntry | null | undefined; expect?: readonly Rule[] | null | undefined },
  context: z.core.$RefinementCtx,
): void {
  if (measure?.overhead !== false) return;
  expect?.forEach(({ overhead }, index) => {
    if (overhead === undefined) return;
    context.addIssue({
      code: 'custom',
      message: 'the rule bounds an overhead that `measure` turns off',
      path: ['expect', index, 'overhead'],
      input: overhead,
      params: { hint: 'leave out `overhead: false`: what a rule bounds is measured' },
    });
  });
}

export type MatrixSchema = ReturnType<typeof defineMatrixSchema>;

export type MatrixFile = z.infer<MatrixSchema>;

const schemas = new WeakMap<AxisTable, MatrixSchema>();

/** The schema of a matrix file, made once per table: it takes some milliseconds. */
export function schemaOf(table: AxisTable): MatrixSchema {
  const known = schemas.get(table);
  if (known !== undefined) return known;
  const made = defineMatrixSchema(table);
  schemas.set(table, made);
  return made;
}
