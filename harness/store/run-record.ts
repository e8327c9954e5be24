/** The record of a run, run.json: matrix, images, QEMU, options. Names no person and no computer. */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, isAbsolute, join, relative } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';
import { parseShallowJson } from '../../images/bounded-json.ts';
import { cellIdSchema } from './cell-id-schema.ts';
import { PoolproofError } from '../errors.ts';
import { newerSchema } from './result-schema.ts';
import { resultSchema } from './result.ts';
import { refuseSpecialFile, storeError } from './store-error.ts';

export const runFile = 'run.json';

/** Far deeper than a record is, also one of a newer poolproof. */
const recordDepth = 64;

const text = z.string();

export const recordSchema = z
  .object({
    schema: z.literal(resultSchema),
    /** `20261123T230311Z-a1b2c3`: UTC start and six random digits; sorts by time. */
    id: text.regex(/^\d{8}T\d{6}Z-[0-9a-f]{6}$/),
    /** `homepage`: address of the project; absent where its package names none. */
    tool: z.object({ name: text, version: text, homepage: text.exactOptional() }).readonly(),
    matrix: z
      .object({
        /** As given when below the working folder, else its last part. */
        file: text,
        title: text,
        /** The whole text, so that a run can be repeated without the file. */
        text,
        /** Cells of this run, repetitions included: of the whole matrix, or of the part that `selection` names. */
        size: z.int().nonnegative(),
      })
      .readonly(),
    /** The cells of the run, so that missing ones are known; absent in older records. */
    selection: z
      .object({
        /** Cells of the whole matrix, repetitions included. */
        of: z.int().nonnegative(),
        /** Times each set of settings is run. */
        repeat: z.int().positive(),
        /** Expressions of `--only`; several are alternatives. */
        only: z.array(text).readonly(),
        /** `of`: the cells that were cut, repetitions included; `plan`: a digest of the cut. */
        shard: z
          .object({
            index: z.int().positive(),
            count: z.int().positive(),
            of: z.int().nonnegative(),
            plan: text,
          })
          .readonly()
          .nullable(),
        /** `<id>#<repetition>` of each cell, in the order of the matrix; null where they are too many to list. */
        cells: z.array(cellIdSchema).readonly().nullable(),
      })
      .readonly()
      .exactOptional(),
    /** SHA-256 of the expanded matrix, whatever files it was written in; absent in older records. */
    digests: z
      .object({
        /** Of all cells with their expectations and measurements. */
        matrix: text,
        /** Of each foreign subject of the run: its definition and the content of its files. */
        subjects: z.record(text, text).readonly(),
        /** Of each known failure of the field with the expectation of its cells. */
        cases: z.record(text, text).readonly(),
      })
      .readonly()
      .exactOptional(),
    /** ISO 8601, UTC. */
    startedAt: text,
    /** Null while it runs and when it was interrupted. */
    finishedAt: text.nullable(),
    /** When `--resume` took it up again. */
    resumedAt: z.array(text).readonly(),
    /** The test machine. */
    machine: z
      .object({
        cpuModel: text.nullable(),
        cores: z.int().positive(),
        /** Bytes. */
        memTotal: z.number().positive(),
        kernel: text,
        os: text,
      })
      .readonly(),
    qemu: z.object({ path: text, version: text }).readonly(),
    /** QEMU of each architecture; absent where the cells have one. */
    emulators: z
      .record(text, z.object({ path: text, version: text }).readonly())
      .readonly()
      .exactOptional(),
    accelerator: z.object({ kind: z.enum(['kvm', 'tcg']), reason: text }).readonly(),
    /**
     * Release of each guest kernel by its row in the kernel table, behind its architecture where that is not x86-64:
     * `{bookworm: '6.1.0-32-cloud-amd64'}`.
     */
    kernels: z.record(text, text).readonly(),
    images: z
      .object({
        digest: text,
        /** Version of each component: `{"node-22": "22.23.3", "wasmtime": "50.0.1"}`. */
        components: z.record(text, text).readonly(),
        /** sha256 of the package each of them came from; absent in records of older versions. */
        packages: z.record(text, text).readonly().exactOptional(),
      })
      .readonly(),
    /** Known failures of the field among its cells; absent where the matrix has none. */
    cases: z
      .array(
        z
          .object({
            id: text,
            title: text.nullable(),
            link: text.nullable(),
            cells: z
              .array(z.object({ id: cellIdSchema, role: z.enum(['fails', 'gone']) }).readonly())
              .readonly(),
            standIn: text.nullable(),
            contradicts: text.nullable(),
            cannot: text.nullable(),
          })
          .readonly(),
      )
      .readonly()
      .exactOptional(),
    /** The command's options that shape a run (`only`, `jobs`, `cold` …), as given. */
    options: z.record(text, z.union([text, z.number(), z.boolean(), z.null()])).readonly(),
  })
  .readonly();

export type RunRecord = z.infer<typeof recordSchema>;

/** Written whole or not at all, and on the disk when this returns. */
export async function writeRecord(dir: string, record: RunRecord): Promise<void> {
  const file = join(dir, runFile);
  try {
    await writeFileAtomic(file, `${JSON.stringify(record, null, 2)}\n`);
  } catch (cause) {
    throw storeError(cause, file);
  }
}

/** @throws STORE_NOT_FOUND, STORE_SCHEMA, STORE_CORRUPT */
export async function loadRecord(dir: string): Promise<RunRecord> {
  const file = join(dir, runFile);
  await refuseSpecialFile(file);
  let value: unknown;
  try {
    value = parseShallowJson(await readFile(file, 'utf8'), recordDepth);
  } catch (cause) {
    if (cause instanceof SyntaxError)
      throw new PoolproofError('STORE_CORRUPT', cause.message, { file, cause });
    throw new PoolproofError('STORE_NOT_FOUND', 'there is no run here', {
      file,
      cause,
      hint: 'give the folder of one run, e.g. results/latest',
    });
  }
  const version = z.object({ schema: z.number() }).safeParse(value);
  if (version.success && version.data.schema > resultSchema) throw newerSchema(version.data.schema, file);
  const parsed = recordSchema.safeParse(value);
  if (parsed.success) return keepUnknown(value, parsed.data) as RunRecord;
  const issue = parsed.error.issues[0];
  throw new PoolproofError(
    'STORE_CORRUPT',
    `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'no record'}`,
    {
      file,
    },
  );
}

/** Fields that a newer poolproof wrote go along when a record is merged or packed. */
function keepUnknown(raw: unknown, known: unknown): unknown {
  if (!isObject(raw) || !isObject(known)) return known;
  const names = [...new Set([...Object.keys(known), ...Object.keys(raw)])];
  return Object.fromEntries(
    names.map((name) => [name, Object.hasOwn(known, name) ? keepUnknown(raw[name], known[name]) : raw[name]]),
  );
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A path that may be published: relative to the working folder, `~` for the home, else the last part. */
export function publicPath(path: string, cwd = process.cwd(), home = homedir()): string {
  if (!isAbsolute(path)) return path;
  const below = relative(cwd, path);
  if (below !== '' && !below.startsWith('..') && !isAbsolute(below)) return below;
  if (/^\/(?:usr|opt|bin|sbin|lib)\//.test(path)) return path;
  return path.startsWith(`${home}/`) ? `~/${relative(home, path)}` : basename(path);
}
