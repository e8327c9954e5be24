/** A known failure of the field in a matrix file: settings, what happens there, and where it is gone. */
import { z } from 'zod';
import { tiers } from '../../images/allocator/tier.ts';
import { link, outcomes, refuse, text, word } from './schema-parts.ts';
import type { Selector } from './selector.ts';
import { patternSchema, type SubjectForm } from './subject-schema.ts';

const expectSchema = z
  .strictObject(
    {
      tier: word(tiers).meta({ description: 'The tier that is reached all the same' }).optional(),
      outcome: word(outcomes).meta({ description: 'What happens, instead of `tier`' }).optional(),
      error: patternSchema.meta({ description: 'Pattern of a line that is written then' }).optional(),
    },
    { error: 'a map with `tier` or `outcome`, and `error`' },
  )
  .superRefine(({ tier, outcome }, context) => {
    if ((tier === undefined) === (outcome === undefined))
      refuse(context, 'one of `tier` and `outcome` is expected', `outcomes: ${outcomes.join(', ')}`);
  });

/** What is seen in a cell of a case. */
export type CaseExpect = z.infer<typeof expectSchema>;

const idSchema = z
  .string({ error: 'a word without blanks' })
  .regex(/^\S{1,200}$/, { error: 'a word without blanks' });

/** Schema of one case. */
export const defineCase = (selector: z.ZodType<Selector>, subject: z.ZodType<string | SubjectForm>) => {
  const gone = z.strictObject(
    { settings: selector, expect: expectSchema.optional(), because: text(2000).optional() },
    { error: 'a map with `settings`' },
  );
  const described = <S extends z.ZodType>(schema: S, description: string) =>
    schema.meta({ description }).optional();
  return z
    .strictObject(
      {
        id: idSchema.meta({ description: 'Its name, e.g. owner/project#number' }),
        title: text(300).optional(),
        link: described(link, 'Where it is told'),
        subject: subject.optional().meta({ description: 'What runs; the wasm host by default' }),
        settings: selector
          .optional()
          .meta({ description: 'Values by axis; of lists every combination must fail' }),
        expect: described(expectSchema, 'What is seen there'),
        because: described(text(2000), 'Why, in one sentence'),
        gone: described(
          z.array(gone, { error: 'a list of maps with `settings`' }),
          'Settings, beside those of the case, with which it is gone',
        ),
        standIn: described(text(500), 'What takes the place of something that cannot be had'),
        contradicts: described(text(2000), 'Where what is seen contradicts the thread'),
        cannot: described(text(2000), 'Why it cannot be reproduced here; it then has no `expect`'),
      },
      { error: 'a map with `id`' },
    )
    .superRefine(refuseContradiction);
};

export type CaseForm = z.infer<ReturnType<typeof defineCase>>;

function refuseContradiction(
  { cannot, expect, gone }: { cannot?: unknown; expect?: unknown; gone?: unknown },
  context: z.core.$RefinementCtx,
): void {
  if (cannot === undefined && expect === undefined)
    refuse(context, 'the case says nothing of what happens', 'give `expect`, or `cannot` with the reason');
  if (cannot !== undefined && (expect !== undefined || gone !== undefined))
    refuse(
      context,
      'a case that cannot be reproduced has no `expect` and no `gone`',
      'leave out `cannot`, or both',
    );
}
