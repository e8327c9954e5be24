/** The form of a matrix file: one zod schema, from which the check and the editors' JSON Schema are made. */
import { z } from 'zod';
import { tiers } from '../../images/allocator/tier.ts';
import { axisNames } from './axes.ts';
import type { AxisTable } from './axes.ts';
import type { AxisName, Expectation, Settings } from './cell.ts';

export type Value = Settings[AxisName];

/** Values an axis may have, by axis; an axis that is not named is free. */
export type Selector = Readonly<Partial<Record<AxisName, Value | readonly Value[]>>>;

export type Rule = Expectation & Readonly<{ where: Selector }>;

export type Form = Readonly<{
  title?: string | undefined;
  axes?: Selector | null | undefined;
  exclude?: readonly Selector[] | null | undefined;
  include?: readonly Selector[] | null | undefined;
  expect?: readonly Rule[] | null | undefined;
  repeat?: number | undefined;
}>;

export const outcomes = ['reached', 'exhausted', 'crashed', 'timeout', 'guest-died'] as const;

export const maxRepeat = 1000;

/** Words for editors, kept beside the schemas they describe. */
type Note = { id?: string; description?: string; examples?: unknown[] };

export type FormSchema = Readonly<{ form: z.ZodType<Form>; notes: z.core.$ZodRegistry<Note> }>;

/** Error texts are noun phrases: they are shown as `… is not <phrase>`. */
export function defineForm(table: AxisTable): FormSchema {
  const notes = z.registry<Note>();
  const note = <S extends z.ZodType>(schema: S, words: Note): S => {
    notes.add(schema, words);
    return schema;
  };

  const shape: Record<string, z.ZodType> = {};
  for (const axis of axisNames) {
    const { schema, description, unit, expects } = table[axis];
    const value = note(schema as z.ZodType, {
      id: axis,
      description: `${description}${unit === null ? '' : ` (${unit})`}: ${expects}`,
    });
    shape[axis] = z.union([value, z.array(value).min(1)]).optional();
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
          because: note(text(2000), { description: 'Why, in one sentence; shown in reports' }).optional(),
          link: note(
            z.string({ error: 'a link that starts with https://' }).regex(/^https?:\/\/\S+$/, {
              error: 'a link that starts with https://',
            }),
            { description: 'Where one reads more' },
          ).optional(),
        },
        { error: 'a map with `where` and `tier` or `outcome`' },
      )
      .transform(({ where: selected, tier, outcome, because, link }, context): Rule => {
        if ((tier === undefined) === (outcome === undefined)) {
          const message =
            tier === undefined ? 'the rule demands nothing' : 'the rule has both `tier` and `outcome`';
          context.addIssue({ code: 'custom', message, params: { hint: 'give one of `tier` and `outcome`' } });
        }
        const rest = { where: selected ?? {}, because: because ?? null, link: link ?? null };
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

  const form = z.strictObject(
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
    },
    { error: 'a map with `axes`' },
  );
  return { form, notes };
}
