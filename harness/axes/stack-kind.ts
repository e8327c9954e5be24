/** The kind of a limit that can be left alone, lifted, or be a size. */
import { z } from 'zod';
import { size } from './kinds.ts';
import type { AxisKind, SizeRange } from './kinds.ts';
import { nearest } from './nearest-word.ts';

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
