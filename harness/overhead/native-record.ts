/** What `poolproof overhead --json` wrote: time figures of a named CPU, to stand beside those of guests. */
import { z } from 'zod';
import { PoolproofError } from '../errors.ts';
import { overheadSchema } from '../store/overhead-schema.ts';
import type { OverheadSummary } from './summary.ts';

export type NativeRecord = Readonly<{
  engine: Readonly<{ kind: 'wasmtime' | 'v8'; version: string }>;
  /** `22.23.3` */
  node: string;
  summaries: readonly OverheadSummary[];
}>;

const schema = z.object({
  summaries: overheadSchema,
  measurements: z
    .array(
      z.object({
        engine: z.object({ kind: z.enum(['wasmtime', 'v8']), version: z.string() }),
        node: z.string(),
      }),
    )
    .min(1),
});

/** @throws PoolproofError STORE_CORRUPT when the text is no such record */
export function parseNativeRecord(text: string, file: string): NativeRecord {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new PoolproofError('STORE_CORRUPT', 'this file is not JSON', { file, cause, hint });
  }
  const parsed = schema.safeParse(value);
  const [first] = parsed.success ? parsed.data.measurements : [];
  if (!parsed.success || first === undefined) {
    const issue = parsed.error?.issues[0];
    const place = issue?.path.join('.') ?? '';
    throw new PoolproofError(
      'STORE_CORRUPT',
      `this is no record of overhead: ${place} ${issue?.message ?? ''}`,
      {
        file,
        hint,
      },
    );
  }
  return { engine: first.engine, node: first.node.replace(/^v/, ''), summaries: parsed.data.summaries };
}

const hint = 'make one with: poolproof overhead --json > native.json';
