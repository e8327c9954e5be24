/** The kinds of values an axis can have. A row of the axis table is one of these plus its name and its meaning. */
import { z } from 'zod';
import { formatSize, guessSize, parseSize, sizePattern } from './size.ts';
import { nearest } from './nearest-word.ts';

/** How the values of one axis are read, checked, written and suggested. */
export type AxisKind<V> = Readonly<{
  /** What is allowed, as the end of a sentence: `one of always, madvise, never`. */
  expects: string;
  /** Text or scalar of YAML → value. The editor's JSON Schema is made from its input side. */
  schema: z.ZodType<V>;
  /** The value as results store it. Wider than `schema`: what is pinned or allowed changes, stored results stay. */
  stored: z.ZodType<V>;
  /** Canonical text; equal values have equal texts. */
  format(value: V): string;
  /** Nearest right text for a wrong input, or null. */
  suggest(input: unknown): string | null;
}>;

const isOneOf = <const T extends string | number>(values: readonly T[], input: unknown): input is T =>
  (values as readonly unknown[]).includes(input);

/** Message of an issue that says no more than `expects` does; zod has no issue of its own for it. */
export const outsideRange = 'outside the range';

/**
 * One of a few words or numbers.
 *
 * @param others what people write for one of them, in lower case: it is refused with that one as the suggestion
 */
export function choice<const T extends string | number>(
  values: readonly T[],
  others: Readonly<Record<string, T>> = {},
): AxisKind<T> {
  return {
    expects: `one of ${values.join(', ')}`,
    schema: z.literal([...values]),
    stored: z.literal([...values]),
    format: String,
    suggest: (input) => {
      const text = String(input).trim().toLowerCase();
      const same = values.find((value) => String(value).toLowerCase() === text);
      if (same !== undefined) return isOneOf(values, input) ? null : String(same);
      if (Object.hasOwn(others, text)) return String(others[text]);
      return nearest(text, values.map(String));
    },
  };
}

/** One of these texts. A whole number stands for its digits, so that both `22` and `"22"` work. */
export function literals(values: readonly string[]): z.ZodType<string> {
  const numbers = values.filter((value) => /^\d{1,6}$/.test(value)).map(Number);
  return z.literal([...numbers, ...values]).transform(String);
}

/** `22.1.0` of ` v22.1.0`. */
export const plainVersion = (input: unknown): string =>
  String(input)
    .trim()
    .replace(/^v(?=\d)/, '');

/**
 * One of a few names that look like numbers or versions: `22`, `wasmtime@38.0.0`.
 */
export function name(values: readonly string[], what: string): AxisKind<string> {
  return {
    expects: `one of ${values.join(', ')} (${what})`,
    schema: literals(values),
    stored: z.string(),
    format: String,
    suggest: (input) => {
      const text = plainVersion(input);
      const same = values.find((value) => value === text);
      // `38` or `wasmtime@38` for `wasmtime@38.0.0`.
      const longer = values.find((value) => `${value}.`.includes(`@${text.replace(/^.*@/, '')}.`));
      // No number is near another one.
      return same ?? longer ?? (/^\d+$/.test(text) ? null : nearest(text, values));
    },
  };
}

/** Zero is kept apart: a count or a size that cannot be zero is damaged where it is. */
const storedFrom = (min: number): z.ZodType<number> =>
  min > 0 ? z.int().positive() : z.number().nonnegative();

/** A whole number within a range. */
export function integer(min: number, max: number): AxisKind<number> {
  return {
    expects: `a whole number from ${min} to ${max}`,
    schema: z.int().min(min).max(max),
    stored: storedFrom(min),
    format: String,
    suggest: (input) => {
      const value =
        typeof input === 'string' && /^[\d_,' ]+$/.test(input) ? Number(input.replace(/\D/g, '')) : NaN;
      return value >= min && value <= max ? String(value) : null;
    },
  };
}

export type SizeRange = Readonly<{
  /** Smallest and largest value, bytes. */
  min: number;
  max: number;
  /** Values are multiples of it, bytes. */
  step: number;
}>;

/** A number of bytes with a unit. */
export function size(range: SizeRange): AxisKind<number> {
  const [min, max, step] = [formatSize(range.min), formatSize(range.max), formatSize(range.step)];
  const fits = (bytes: number | null): bytes is number =>
    bytes !== null && bytes >= range.min && bytes <= range.max && bytes % range.step === 0;
  return {
    expects: `a size from ${min} to ${max} in steps of ${step}, with a unit K, M, G or T`,
    schema: z
      .string()
      .regex(sizePattern)
      .transform((text, context) => {
        const bytes = parseSize(text);
        if (fits(bytes)) return bytes;
        context.addIssue({ code: 'custom', message: outsideRange });
        return z.NEVER;
      }),
    stored: storedFrom(range.min),
    format: formatSize,
    suggest: (input) => {
      const guess = guessSize(input);
      return guess !== null && guess !== input && fits(parseSize(guess)) ? guess : null;
    },
  };
}

/** Another kind, or nothing: written as `word` or as YAML's null. */
export function optional<V>(kind: AxisKind<V>, word: string): AxisKind<V | null> {
  return {
    expects: `${kind.expects}, or ${word}`,
    schema: z.union([z.literal([word, null]).transform(() => null), kind.schema]),
    stored: kind.stored.nullable(),
    format: (value) => (value === null ? word : kind.format(value)),
    suggest: (input) => kind.suggest(input) ?? nearest(String(input), [word]),
  };
}

/** Unlike other limits, `unlimited` is not what a guest comes up with: it changes how threads get their stacks. */
export function stackSize(range: SizeRange): AxisKind<number | 'unlimited' | null> {
  const kind = size(range);
  return {
    expects: `${kind.expects}, or unlimited, or default`,
    schema: z.union([
      z.literal(['default', null]).transform(() => null),
      z.literal('unlimited'),
      kind.schema,
    ]),
    stored: z.number().positive().or(z.literal('unlimited')).nullable(),
    format: (value) => (value === null ? 'default' : typeof value === 'string' ? value : kind.format(value)),
    suggest: (input) => kind.suggest(input) ?? nearest(String(input), ['unlimited', 'default']),
  };
}

/** Bounds the request that carries the variables to the guest. */
const maxEnvBytes = 2048;
const namePattern = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Text that travels in a cell id: everything outside the safe alphabet as %XX of its UTF-8 bytes. */
export const escapeValue = (text: string): string =>
  encodeURIComponent(text).replace(
    /[~!*'()]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );

/** A map of environment variables. `reserved` names those that are set otherwise, and what to use instead. */
export function variables(
  reserved: (name: string) => string | null,
): AxisKind<Readonly<Record<string, string>>> {
  return {
    expects: 'a map of variables, e.g. {SPIN_MAX_INSTANCE_COUNT: 100}',
    schema: z
      .record(z.string().regex(namePattern), z.union([z.string(), z.number(), z.boolean()]).transform(String))
      .transform((map, context) => {
        const refuse = (key: string | null, message: string): void => {
          context.addIssue({
            code: 'custom',
            message,
            path: key === null ? [] : [key],
            params: { of: 'key' },
          });
        };
        for (const [key, value] of Object.entries(map)) {
          const instead = reserved(key);
          if (instead !== null) refuse(key, `${key} cannot be set here: ${instead}`);
          // eslint-disable-next-line no-control-regex -- control characters are what is looked for
          if (/[\u0000-\u001f\u007f]/.test(value))
            refuse(key, `the value of ${key} has a line break or control character`);
          if (!value.isWellFormed()) refuse(key, `the value of ${key} is not valid Unicode`);
        }
        const bytes = Buffer.byteLength(JSON.stringify(map));
        if (bytes > maxEnvBytes) refuse(null, `variables of ${bytes} bytes; at most ${maxEnvBytes}`);
        return map;
      }),
    stored: z.record(z.string(), z.string()),
    format: (map) =>
      Object.entries(map)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, value]) => `env.${key}=${escapeValue(value)}`)
        .join(','),
    suggest: () => null,
  };
}
