/** The form of a known failure of the field: settings, what happens there, and where it is gone. */
import { z } from 'zod';
import { tiers, type Tier } from '../../images/allocator/tier.ts';
import type { Selector } from './selector.ts';
import { patternSchema, type SubjectForm } from './subject-schema.ts';

export const outcomes = ['reached', 'exhausted', 'crashed', 'timeout', 'guest-died'] as const;

/** What is seen. */
export type CaseExpect = Readonly<{
  tier?: Tier | undefined;
  outcome?: (typeof outcomes)[number] | undefined;
  error?: string | undefined;
}>;

export type CaseForm = Readonly<{
  id: string;
  title?: string | undefined;
  link?: string | undefined;
  subject?: string | SubjectForm | undefined;
  settings?: Selector | undefined;
  expect?: CaseExpect | undefined;
  because?: string | undefined;
  gone?:
    | readonly Readonly<{
        settings: Selector;
        expect?: CaseExpect | undefined;
        because?: string | undefined;
      }>[]
    | undefined;
  standIn?: string | undefined;
  contradicts?: string | undefined;
  cannot?: string | undefined;
}>;

export const caseKeys = [
  'id',
  'title',
  'link',
  'subject',
  'settings',
  'expect',
  'because',
  'gone',
  'standIn',
  'contradicts',
  'cannot',
];
export const goneKeys = ['settings', 'expect', 'because'];
export const caseExpectKeys = ['tier', 'outcome', 'error'];

type Describe = <S extends z.ZodType>(schema: S, description: string) => S;

/** Schema of one case. `describe` leaves words for editors. */
export function defineCase(
  selector: z.ZodType<Selector>,
  subject: z.ZodType<string | SubjectForm>,
  text: (max: number) => z.ZodType<string>,
  describe: Describe,
): z.ZodType<CaseForm> {
  const word = <const T extends readonly string[]>(values: T): z.ZodType<T[number]> =>
    z.literal([...values], { error: `one of ${values.join(', ')}` });
  const expect = (): z.ZodType<CaseExpect> =>
    z
      .strictObject(
        {
          tier: describe(word(tiers), 'The tier that is reached all the same').optional(),
          outcome: describe(word(outcomes), 'What happens, instead of `tier`').optional(),
          error: describe(patternSchema, 'Pattern of a line that is written then').optional(),
        },
        { error: 'a map with `tier` or `outcome`, and `error`' },
      )
      .superRefine(({ tier, outcome }, context) => {
        if ((tier === undefined) !== (outcome === undefined)) return;
        const message = 'one of `tier` and `outcome` is expected';
        context.addIssue({ code: 'custom', message, params: { hint: `outcomes: ${outcomes.join(', ')}` } });
      });
  return z
    .strictObject(
      {
        id: describe(
          z
            .string({ error: 'a word without blanks' })
            .regex(/^\S{1,200}$/, { error: 'a word without blanks' }),
          'Its name, e.g. owner/project#number',
        ),
        title: text(300).optional(),
        link: describe(
          z.string({ error: 'a link that starts with https://' }).regex(/^https?:\/\/\S+$/, {
            error: 'a link that starts with https://',
          }),
          'Where it is told',
        ).optional(),
        subject: describe(subject.optional(), 'What runs; the wasm host by default'),
        settings: describe(selector.optional(), 'Values by axis; of lists every combination must fail'),
        expect: describe(expect(), 'What is seen there').optional(),
        because: describe(text(2000), 'Why, in one sentence').optional(),
        gone: describe(
          z.array(
            z.strictObject(
              { settings: selector, expect: expect().optional(), because: text(2000).optional() },
              { error: 'a map with `settings`' },
            ),
            { error: 'a list of maps with `settings`' },
          ),
          'Settings, beside those of the case, with which it is gone',
        ).optional(),
        standIn: describe(text(500), 'What takes the place of something that cannot be had').optional(),
        contradicts: describe(text(2000), 'Where what is seen contradicts the thread').optional(),
        cannot: describe(text(2000), 'Why it cannot be reproduced here; it then has no `expect`').optional(),
      },
      { error: 'a map with `id`' },
    )
    .superRefine(({ cannot, expect: wanted, gone }, context) => {
      const refuse = (message: string, hint: string): void =>
        context.addIssue({ code: 'custom', message, params: { hint } });
      if (cannot === undefined && wanted === undefined)
        refuse('the case says nothing of what happens', 'give `expect`, or `cannot` with the reason');
      if (cannot !== undefined && (wanted !== undefined || gone !== undefined))
        refuse(
          'a case that cannot be reproduced has no `expect` and no `gone`',
          'leave out `cannot`, or both',
        );
    });
}
