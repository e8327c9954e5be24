/** The JSON report as a schema: what `--format json` writes, published as results/report.schema.json. */
import { z } from 'zod';
import { outcomes, verdicts } from '../outcome/outcome.ts';
import { tierSchema } from '../outcome/model-schema.ts';
import { lineSchema } from '../store/result-schema.ts';
import { recordSchema } from '../store/run-record.ts';

/** Moves when a field changes its meaning or goes away; new fields do not move it. */
export const reportSchemaNumber = 1;

const text = z.string();
const count = z.int().nonnegative();
const share = z.number().min(0).max(1);
const outcomeSchema = z.enum(outcomes);

const namedRun = recordSchema.meta({ id: 'run', description: 'run.json: what the run was made with' });
const namedResult = lineSchema.meta({ id: 'result', description: 'a line of cells.jsonl: one repetition' });

const distributionSchema = z
  .object({
    id: text,
    judged: count.meta({ description: 'repetitions that say something about the subject' }),
    silent: count.meta({ description: 'repetitions that say nothing: broken, invalid, skipped' }),
    shares: z
      .array(
        z.object({
          observed: z.union([tierSchema, outcomeSchema]),
          count: count.min(1),
          interval: z
            .object({ low: share, high: share })
            .meta({ description: "share of the judged repetitions, Wilson's interval of 95 %" }),
        }),
      )
      .readonly(),
    verdict: z.enum([...verdicts, 'flaky']).nullable(),
  })
  .meta({ id: 'distribution', description: 'a cell that was run several times' });

const effectSchema = z
  .object({
    axis: text,
    pairs: count.meta({ description: 'pairs that differ in this axis alone and can be compared' }),
    changed: count.meta({ description: 'of these, those whose tiers or outcomes differ' }),
    open: count.meta({ description: 'pairs not counted: a cell is flaky, not judged, or of unknown tier' }),
    steps: z
      .array(z.object({ from: text, to: text, pairs: count, changed: count, worse: count, better: count }))
      .readonly()
      .meta({ description: 'each value against the usual one, `from`' }),
  })
  .meta({ id: 'effect', description: 'what an axis changed in the cells of this run' });

const whySchema = z
  .object({
    word: text.meta({ description: 'the tier, otherwise the outcome; `flaky` where repetitions differ' }),
    where: text,
    seen: text.meta({ description: 'observed; without what a program printed' }),
    causes: z
      .array(
        z.object({
          tier: tierSchema.nullable().meta({ description: 'the tier it stops; null for the process itself' }),
          text,
          share: z
            .object({ least: share, most: share })
            .nullable()
            .meta({ description: 'available divided by needed: the smallest and the largest of the cells' }),
        }),
      )
      .readonly()
      .meta({ description: 'predicted, where the model says what was observed' }),
    cells: z.array(text).readonly(),
    cure: z
      .object({
        axis: text,
        values: z.array(text).readonly(),
        reached: z.array(tierSchema).readonly(),
        cells: count.meta({ description: 'cells that the run has with that value too' }),
      })
      .nullable()
      .meta({
        description: 'a value of one axis with which this run reached a better tier, nothing else changed',
      }),
  })
  .meta({ id: 'why', description: 'cells in which the same happened for the same limits' });

export const reportShape = z
  .object({
    poolproof: z.literal('report'),
    schema: z.literal(reportSchemaNumber),
    run: namedRun,
    summary: z.object({
      total: count,
      byOutcome: z.record(outcomeSchema, count),
      byTier: z.record(tierSchema, count),
      byBasis: z.object({ told: count, seen: count }).optional().meta({
        description: 'tiers of foreign subjects by how they are known; those of the wasm host are proven',
      }),
      byVerdict: z.object({ expected: count, unexpected: count, undecided: count, none: count }),
      flaky: count.meta({ description: 'cells whose repetitions differ' }),
      findings: count.meta({ description: 'results in which the model and the guest differ' }),
      exitCode: z.literal([0, 1, 2, 130]),
    }),
    completeness: z
      .object({
        state: z.enum(['complete', 'incomplete', 'unknown']),
        finished: z.boolean().meta({ description: 'the run has ended by itself' }),
        expected: count.nullable().meta({ description: 'cells of the run, repetitions included' }),
        found: count,
        missing: count.meta({ description: 'the least that must be where the record lists no cells' }),
        missingCells: z.array(text).readonly().meta({ description: 'the first of them, `id#repetition`' }),
        repeated: z.boolean().meta({ description: 'the counts are of repetitions' }),
        part: z
          .object({
            only: z.array(text).readonly(),
            shard: text.nullable(),
            cells: count,
            of: count.nullable(),
          })
          .nullable()
          .meta({ description: 'which part of the matrix the run is; null for the whole' }),
        missingSentence: text.nullable().meta({ description: 'null for a complete run' }),
        partSentence: text.nullable(),
      })
      .exactOptional()
      .meta({ description: 'whether every cell of the run is there; absent in older reports' }),
    axes: z
      .array(
        z.object({
          name: text.meta({ description: 'an axis: a key of `settings`' }),
          values: z.array(text).readonly(),
          ordered: z.boolean(),
        }),
      )
      .readonly()
      .meta({ description: 'axes that vary, with the labels of their values' }),
    effects: z.array(effectSchema).readonly().exactOptional().meta({
      description: 'what each axis changed, the strongest first; absent in older reports',
    }),
    why: z.array(whySchema).readonly().exactOptional().meta({
      description: 'the reasons, most cells first; absent in older reports',
    }),
    reasons: z
      .array(
        z.object({
          outcome: outcomeSchema,
          tier: tierSchema.nullable(),
          verdict: z.enum(verdicts).nullable(),
          where: text,
          reason: text,
          cells: count,
        }),
      )
      .readonly(),
    distributions: z.array(distributionSchema).readonly(),
    cells: z.array(namedResult).readonly(),
  })
  .meta({ title: 'poolproof report' });

export type Report = z.infer<typeof reportShape>;

/** Draft 7, which validators of every language know. New fields are allowed everywhere. Ends with a line break. */
export function renderReportSchema(): string {
  const schema = z.toJSONSchema(reportShape, { target: 'draft-7', io: 'input' });
  return `${JSON.stringify({ $id: `urn:poolproof:report:${reportSchemaNumber}`, ...schema }, null, 2)}\n`;
}
