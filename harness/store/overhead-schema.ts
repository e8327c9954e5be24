/** Schema of the overhead in a stored result. A schema that drifts from its type does not compile. */
import { z } from 'zod';
import { cellIdSchema } from './cell-id-schema.ts';
import { checksSchema, tierSchema } from '../outcome/model-schema.ts';
import type { OverheadSource } from '../outcome/overhead.ts';
import type { OverheadSummary, TierResources } from '../measure/figures.ts';

const text = z.string();
const count = z.number().nonnegative();
const ratio = z.number().positive();

export const overheadSchema: z.ZodType<readonly OverheadSummary[]> = z.array(
  z
    .object({
      workload: text.min(1),
      engine: z.enum(['wasmtime', 'v8']),
      tier: tierSchema,
      form: checksSchema,
      clock: z.enum(['time', 'instructions']),
      cpuModel: text.nullable(),
      baseline: text,
      ratio,
      low: ratio,
      high: ratio,
      pairs: z.int().nonnegative(),
      processes: z.int().nonnegative(),
      sameCode: z.boolean(),
      stable: z.boolean(),
    })
    // A time without its CPU is worthless, and an interval that leaves out its own figure is damaged.
    .refine(({ clock, cpuModel }) => clock === 'instructions' || cpuModel !== null, {
      path: ['cpuModel'],
      error: 'a time figure names its CPU',
    })
    .refine(({ ratio: middle, low, high }) => low <= middle && middle <= high, {
      path: ['ratio'],
      error: 'the ratio is outside its own interval',
    }),
);

export const resourcesSchema: z.ZodType<readonly TierResources[]> = z.array(
  z.object({
    tier: tierSchema,
    form: checksSchema,
    startToFirstCall: z.discriminatedUnion('clock', [
      z.object({ clock: z.literal('time'), ms: count }),
      z.object({ clock: z.literal('instructions'), count }),
    ]),
    residentBytes: count,
    committedBytes: count,
    reservedBytes: count,
  }),
);

export const overheadSourceSchema: z.ZodType<OverheadSource> = z.object({
  kind: z.enum(['baseline', 'measured', 'not-measured']),
  measuredIn: cellIdSchema.nullable(),
  notMeasured: z.array(z.object({ workload: text.nullable(), reason: text })),
  baselineNote: text.nullable(),
  resources: resourcesSchema,
  wallMs: count,
});
