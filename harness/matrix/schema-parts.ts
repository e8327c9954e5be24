/** Parts of schemas that a matrix, its rules, cases and subjects share. */
import { z } from 'zod';

export const outcomes = ['reached', 'exhausted', 'crashed', 'timeout', 'guest-died'] as const;

// Error texts are noun phrases: they are shown as `… is not <phrase>`.

/** A text; it may have several lines. */
export const text = (max: number) =>
  z
    .string({ error: 'a text' })
    .min(1, { error: 'a text of at least one character' })
    .max(max, { error: `a text of at most ${max} characters` });

/** A text of one line. */
export function line(max: number, error = 'a text'): z.ZodType<string> {
  return (
    z
      .string({ error })
      .min(1, { error: 'a text of at least one character' })
      .max(max, { error: `a text of at most ${max} characters` })
      // eslint-disable-next-line no-control-regex -- control characters are what is looked for
      .regex(/^[^\u0000-\u001f\u007f]*$/, { error: 'a text without line breaks and control characters' })
  );
}

export const word = <const T extends readonly string[]>(values: T) =>
  z.literal<T[number][]>([...values], { error: `one of ${values.join(', ')}` });

const linkError = 'a link that starts with https://';
export const link = z.string({ error: linkError }).regex(/^https?:\/\/\S+$/, { error: linkError });

export const optionalList = <S extends z.ZodType>(item: S, words: string) =>
  z
    .array(item, { error: `a list of ${words}` })
    .nullable()
    .optional();

export const whole = (min: number, max: number, error: string) =>
  z.int({ error }).min(min, { error }).max(max, { error });

/** Adds a problem that the shape of a value cannot express. */
export function refuse(
  context: z.core.$RefinementCtx,
  message: string,
  hint: string,
  path: string[] = [],
): void {
  context.addIssue({ code: 'custom', message, path, params: { hint } });
}
