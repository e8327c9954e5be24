/** Schema of the price of requests in a stored result. A schema that drifts from its type does not compile. */
import { z } from 'zod';
import type { CellServing } from '../outcome/serving.ts';
import { cellIdSchema } from './cell-id-schema.ts';

const ratio = z.number().positive();

const priceSchema = z
  .object({
    work: z.string().min(1),
    instructions: ratio,
    baseline: ratio,
    ratio: z.object({ ratio, low: ratio, high: ratio }),
    requests: z.int().positive(),
    stable: z.boolean(),
  })
  .refine(({ ratio: { ratio: middle, low, high } }) => low <= middle && middle <= high, {
    path: ['ratio'],
    error: 'the ratio is outside its own extremes',
  });

export const servingSchema: z.ZodType<CellServing> = z.object({
  kind: z.enum(['baseline', 'measured', 'not-measured']),
  measuredIn: cellIdSchema.nullable(),
  prices: z.array(priceSchema),
  notMeasured: z.array(z.object({ workload: z.string().nullable(), reason: z.string() })),
  wallMs: z.number().nonnegative(),
});
