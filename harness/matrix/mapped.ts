/** The largest mapping of a process as the sign of a tier: `{mapped: '>= 3.9T'}`. */
import { z } from 'zod';
import { parseSize } from '../axes/size.ts';

/** Bounds on the size of the largest mapping, bytes; null where there is none. */
export type Mapped = Readonly<{ atLeast: number | null; below: number | null }>;

const boundPattern = /^(>=|<) ?(\d{1,13}(?:\.\d{1,3})?[KMGT])$/;
const boundError = 'a bound such as ">= 3.9T" or "< 64G"';

const bound = z.string({ error: boundError }).regex(boundPattern, { error: boundError });

/** One bound, or two that both hold. */
export const mappedForm = z
  .strictObject(
    { mapped: z.union([bound, z.array(bound).length(2)], { error: `${boundError}, or two of them` }) },
    { error: 'a map with `mapped`' },
  )
  .transform(({ mapped }): Mapped => {
    const sizeBehind = (sign: string): number | null => {
      const text = [mapped].flat().find((one) => one.startsWith(sign));
      return text === undefined ? null : parseSize(text.slice(sign.length).trim());
    };
    return { atLeast: sizeBehind('>='), below: sizeBehind('<') };
  })
  .refine(({ atLeast, below }) => atLeast === null || below === null || atLeast < below, {
    error: 'bounds that some size is within',
  });

/** Whether a process whose largest mapping has so many bytes shows the sign. */
export const isWithin = (bytes: number, { atLeast, below }: Mapped): boolean =>
  (atLeast === null || bytes >= atLeast) && (below === null || bytes < below);
