/** Unknown → boot plan. Jobs come through a queue that others write to: nothing in one is believed unchecked. */
import { z } from 'zod';
import { hostNames } from '../../images/allocator/hosts.ts';
import { storedSettings } from '../axes/stored-settings.ts';
import type { Cell } from '../matrix/cell.ts';
import type { Measure } from '../matrix/measure.ts';
import type { Subject } from '../matrix/subject.ts';
import type { BootPlan } from '../run/boot-plan.ts';
import { expectationSchema } from '../store/result-schema.ts';

const text = z.string().max(4096);
const port = z.int().min(1).max(65_535);

const readySchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('exit'), code: z.int().min(0).max(255) }),
  z.strictObject({ kind: z.literal('line'), pattern: text, extended: text }),
  z.strictObject({ kind: z.literal('port'), port }),
  z.strictObject({
    kind: z.literal('http'),
    port,
    path: text,
    status: z.int().min(100).max(599),
    body: text.nullable(),
    answers: z.int().positive(),
  }),
]);

const mappedSchema = z.strictObject({
  atLeast: z.number().nonnegative().nullable(),
  below: z.number().nonnegative().nullable(),
});

const subjectSchema: z.ZodType<Subject> = z.strictObject({
  name: text,
  title: text.nullable(),
  files: z.array(z.strictObject({ to: text, from: text, sha256: text.exactOptional() })),
  host: z.enum(hostNames).exactOptional(),
  run: z.array(text).min(1),
  program: z.strictObject({ version: text, says: text, sha256: text }).exactOptional(),
  ready: readySchema,
  words: z.array(
    z.strictObject({
      word: text,
      patterns: z.array(text),
      mapped: z.array(mappedSchema).exactOptional(),
    }),
  ),
  timeoutMs: z.number().positive().nullable(),
});

const measureSchema: z.ZodType<Measure> = z.strictObject({
  overhead: z.boolean(),
  serving: z.boolean(),
  workloads: z.array(text),
  precision: z.number().positive(),
  budgetMs: z.number().positive(),
  share: z.boolean(),
});

export const cellSchema: z.ZodType<Cell> = z.strictObject({
  id: text.min(1),
  settings: storedSettings(),
  expectation: expectationSchema.nullable(),
  subject: subjectSchema.exactOptional(),
  kernelFile: text.exactOptional(),
  measure: measureSchema.exactOptional(),
  repetition: z.int().positive(),
});

/** Refuses fields it does not know: a plan of another version may mean something else by them. */
export const planSchema: z.ZodType<BootPlan> = z.strictObject({
  cells: z.array(cellSchema).min(1),
  images: z.strictObject({
    kernel: text.min(1),
    digest: z.string().regex(/^sha256:[0-9a-f]{1,64}$/),
    disks: z.array(text),
  }),
  cold: z.boolean(),
});
