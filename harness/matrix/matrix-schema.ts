/** A matrix file as written: one zod schema, from which the check and the editors' JSON Schema are made. */
import { z } from 'zod';
import { tiers } from '../../images/allocator/tier.ts';
import { type AxisTable, rowsOf } from '../axes/table.ts';
import { defineCase, outcomes, type CaseForm } from './case-schema.ts';
import {
  patternSchema,
  subjectForm,
  subjectName,
  defineSubject,
  type SubjectForm,
} from './subject-schema.ts';
import { boundSchema, budgetSchema, precisionSchema, workloadNames, workloadWords } from './measure.ts';
import type { Expectation } from './cell.ts';
import type { Selector } from './selector.ts';

export type Rule = Expectation & Readonly<{ where: Selector }>;

export type MatrixFile = Readonly<{
  subject?: string | SubjectForm | undefined;
  subjects?: Readonly<Record<string, SubjectForm>> | undefined;
  cases?: readonly CaseForm[] | undefined;
  title?: string | undefined;
  axes?: Selector | null | undefined;
  exclude?: readonly Selector[] | null | undefined;
  include?: readonly Selector[] | null | undefined;
  expect?: readonly Rule[] | null | undefined;
  repeat?: number | undefined;
  measure?: MeasureEntry | null | undefined;
}>;

/** `measure` as it stands in the file; what is not given has a default. */
export type MeasureEntry = Readonly<{
  overhead?: boolean | undefined;
  where?: Selector | undefined;
  workloads?: readonly string[] | undefined;
  precision?: number | undefined;
  budget?: number | undefined;
  share?: boolean | undefined;
}>;

export const maxRepeat = 1000;

/** Words for editors, kept beside the schemas they describe. */
type Note = { id?: string; description?: string; examples?: unknown[] };

export type MatrixSchema = Readonly<{ schema: z.ZodType<MatrixFile>; notes: z.core.$ZodRegistry<Note> }>;

/** Error texts are noun phrases: they are shown as `… is not <phrase>`. */
export function defineMatrixSchema(table: AxisTable): MatrixSchema {
  const notes = z.registry<Note>();
  const note = <S extends z.ZodType>(schema: S, words: Note): S => {
    notes.add(schema, words);
    return schema;
  };

  const subject = note(defineSubject(), {
    id: 'subject',
    description: `${table.subject.description}: a name, a file, or a map with \`run\``,
  });
  const shape: Record<string, z.ZodType> = {};
  for (const { name, schema, description, unit, expects } of rowsOf(table)) {
    if (name === 'subject') {
      shape[name] = z.union([subject, z.array(subject).min(1)]).optional();
      continue;
    }
    const value = note(schema, {
      id: name,
      description: `${description}${unit === null ? '' : ` (${unit})`}: ${expects}`,
    });
    shape[name] = z.union([value, z.array(value).min(1)]).optional();
  }
  const selector = (): z.ZodType<Selector> =>
    z.strictObject(shape, { error: 'a map of axes and their values' });
  const word = <const T extends readonly string[]>(values: T): z.ZodType<T[number]> =>
    z.literal([...values], { error: `one of ${values.join(', ')}` });
  const text = (max: number): z.ZodType<string> =>
    z
      .string({ error: 'a text' })
      .min(1, { error: 'a text of at least one character' })
      .max(max, {
        error: `a text of at most ${max} characters`,
      });

  const where = note(selector(), {
    id: 'where',
    description: 'Cells with one of the values of each axis named',
  });
  const rule = note(
    z
      .strictObject(
        {
          where: where.optional(),
          tier: note(
            z.union(
              [
                word(tiers),
                z.strictObject({ 'at least': word(tiers) }, { error: 'a map with `at least`' }),
                z.strictObject({ outcome: word(outcomes) }, { error: 'a map with `outcome`' }),
              ],
              { error: `one of ${tiers.join(', ')}, {at least: …} or {outcome: …}` },
            ),
            { description: 'The tier reached: exactly, `{at least: …}`, or `{outcome: …}`' },
          ).optional(),
          outcome: note(word(outcomes), { description: 'What else happens, instead of `tier`' }).optional(),
          error: note(patternSchema, {
            description: 'Pattern of a line that must be written, beside `tier` or `outcome`',
          }).optional(),
          overhead: note(boundSchema, {
            description: 'Most that the tier may cost, beside `tier` or alone: "<= 20%"',
          }).optional(),
          because: note(text(2000), { description: 'Why, in one sentence; shown in reports' }).optional(),
          link: note(
            z.string({ error: 'a link that starts with https://' }).regex(/^https?:\/\/\S+$/, {
              error: 'a link that starts with https://',
            }),
            { description: 'Where one reads more' },
          ).optional(),
        },
        { error: 'a map with `where` and `tier`, `outcome` or `overhead`' },
      )
      .transform(({ where: selected, tier, outcome, error, overhead, because, link }, context): Rule => {
        const refuse = (message: string, hint: string, path: string[] = []): void =>
          context.addIssue({ code: 'custom', message, path, params: { hint } });
        if (tier !== undefined && outcome !== undefined) {
          refuse('the rule has both `tier` and `outcome`', 'give one of `tier` and `outcome`');
        } else if (tier === undefined && outcome === undefined && overhead === undefined) {
          refuse('the rule demands nothing', 'give one of `tier` and `outcome`, or `overhead`');
        }
        const end = outcome ?? (typeof tier === 'object' && 'outcome' in tier ? tier.outcome : 'reached');
        if (overhead !== undefined && end !== 'reached') {
          refuse(`a cell that is ${end} has no tier and no overhead`, 'leave out `overhead`', ['overhead']);
        }
        if (error !== undefined && tier === undefined && outcome === undefined) {
          refuse('`error` stands beside `tier` or `outcome`', 'say what happens, too', ['error']);
        }
        const rest = {
          where: selected ?? {},
          ...(error !== undefined && { error }),
          ...(overhead !== undefined && { overhead }),
          because: because ?? null,
          link: link ?? null,
        };
        if (outcome !== undefined) return { ...rest, outcome };
        if (typeof tier === 'object') {
          return 'outcome' in tier
            ? { ...rest, outcome: tier.outcome }
            : { ...rest, atLeast: tier['at least'] };
        }
        return tier === undefined ? rest : { ...rest, tier };
      }),
    { id: 'rule', description: 'What cells are expected to do; without a rule, what the model predicts' },
  );
  const list = <S extends z.ZodType>(item: S, words: string): z.ZodOptional<z.ZodNullable<z.ZodArray<S>>> =>
    z
      .array(item, { error: `a list of ${words}` })
      .nullable()
      .optional();

  const flag = (description: string): z.ZodOptional<z.ZodType<boolean>> =>
    note(z.boolean({ error: 'true or false' }) as z.ZodType<boolean>, { description }).optional();
  const measure = note(
    z.strictObject(
      {
        overhead: flag('Measure what a cell pays for its tier; false turns it off'),
        where: where.optional(),
        workloads: note(
          z
            .array(z.literal([...workloadNames], { error: workloadWords }), {
              error: 'a list of workloads',
            })
            .min(1, { error: 'a list of at least one workload' }),
          { description: 'Workloads by name or kind; all by default' },
        ).optional(),
        precision: note(precisionSchema, {
          description: 'Widest interval that counts as stable, e.g. 1%',
        }).optional(),
        budget: note(budgetSchema, {
          description: 'Longest a measurement may take, e.g. 60s; building images is not counted',
        }).optional(),
        share: flag('Cells of one engine, tier, form and Node use one measurement'),
      },
      { error: 'a map with `overhead`' },
    ),
    { id: 'measure', description: 'What is measured in cells that reached a tier' },
  );

  const schema = z.strictObject(
    {
      title: note(text(200), { description: 'Shown above the table' }).optional(),
      axes: note(selector().nullable().optional(), {
        description: 'Values by axis; every combination is a cell. Axes not named have their default',
      }),
      exclude: note(list(where, 'maps of axes and values'), { description: 'Combinations to leave out' }),
      include: note(list(where, 'maps of axes and values'), {
        description: 'Cells beside the combinations; axes not named have their default',
      }),
      expect: note(list(rule, 'rules'), { description: 'What cells are expected to do' }),
      repeat: note(
        z
          .int({ error: `a whole number from 1 to ${maxRepeat}` })
          .min(1)
          .max(maxRepeat),
        { description: 'How often each cell runs, each time on a boot of its own' },
      ).optional(),
      measure: measure.nullable().optional(),
      subject: note(subject.optional(), { description: 'What runs where a cell names nothing else' }),
      subjects: note(z.record(subjectName, subjectForm, { error: 'a map from names to subjects' }), {
        description: 'Subjects by name, for `subject` and the axis of that name',
      }).optional(),
      cases: note(
        z.array(
          defineCase(where, subject, text, (schema, description) => note(schema, { description })),
          { error: 'a list of cases' },
        ),
        { description: 'Known failures of the field: each its own cells, beside `axes` and `include`' },
      ).optional(),
    },
    { error: 'a map with `axes`' },
  );
  return { schema: schema.superRefine(refuseUnmeasured), notes };
}

/** A bound is measured wherever it is given: the file cannot forbid it at the same time. */
function refuseUnmeasured({ measure, expect }: MatrixFile, context: z.core.$RefinementCtx<MatrixFile>): void {
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
