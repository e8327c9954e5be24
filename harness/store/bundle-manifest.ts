/** The list of contents of a bundle: what may be in it, how large, with which checksum. */
import { z } from 'zod';
import { parseShallowJson } from '../../images/bounded-json.ts';
import { PoolproofError } from '../errors.ts';
import { isEvidencePath } from './evidence.ts';
import { newerSchema } from './result-schema.ts';
import { cellsFile } from './read-run.ts';
import { runFile } from './run-record.ts';

export const bundleSchema = 1;

/** Lists and objects in each other: the list, `files`, a file. */
const manifestDepth = 4;

/** First entry of a bundle. */
export const manifestName = 'poolproof-bundle.json';

/** Upper limits of a bundle, all far beyond a real one. */
export type BundleLimits = Readonly<{
  files: number;
  /** Bytes of one file of evidence: the store cuts at 8 MiB and a note. */
  evidenceBytes: number;
  /** Bytes of cells.jsonl: 10,000 cells are 40 MB. */
  cellsBytes: number;
  /** Bytes of everything unpacked. */
  totalBytes: number;
  manifestBytes: number;
}>;

export const bundleLimits: BundleLimits = {
  files: 250_000,
  evidenceBytes: 9 * 2 ** 20,
  cellsBytes: 512 * 2 ** 20,
  totalBytes: 8 * 2 ** 30,
  manifestBytes: 64 * 2 ** 20,
};

const fileSchema = z.strictObject({
  path: z.string().refine((path) => path === runFile || path === cellsFile || isEvidencePath(path), {
    error: 'not a file of a run',
  }),
  size: z.int().nonnegative(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

const manifestSchema = z
  .strictObject({
    schema: z.literal(bundleSchema),
    /** Id of the run. */
    run: z.string().regex(/^\d{8}T\d{6}Z-[0-9a-f]{6}$/),
    /** Which cells: all, or those that did not do as expected. */
    selection: z.enum(['all', 'failed']),
    cells: z.int().nonnegative(),
    files: z.array(fileSchema).min(2),
  })
  .readonly();

export type Manifest = z.infer<typeof manifestSchema>;
export type BundledFile = Manifest['files'][number];

/** @throws PoolproofError BUNDLE_INVALID, STORE_SCHEMA when a newer poolproof packed it */
export function parseManifest(text: string, file: string, limits: BundleLimits): Manifest {
  let value: unknown;
  try {
    value = parseShallowJson(text, manifestDepth);
  } catch (cause) {
    throw bundleError(file, 'its list of contents is not JSON', cause);
  }
  const version = z.object({ schema: z.number() }).safeParse(value);
  if (version.success && version.data.schema > bundleSchema) throw newerSchema(version.data.schema, file);
  const parsed = manifestSchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw bundleError(file, `its list of contents: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
  }
  const { files } = parsed.data;
  const paths = new Set(files.map(({ path }) => path));
  if (paths.size !== files.length) throw bundleError(file, 'it names a file twice');
  if (!paths.has(runFile) || !paths.has(cellsFile))
    throw bundleError(file, `it has no ${runFile} or ${cellsFile}`);
  if (files.length > limits.files) throw bundleError(file, `${files.length} files; ${limits.files} at most`);
  for (const { path, size } of files) {
    const most = path === cellsFile ? limits.cellsBytes : limits.evidenceBytes;
    if (size > most) throw bundleError(file, `${path} has ${size} bytes; ${most} at most`);
  }
  const total = files.reduce((sum, { size }) => sum + size, 0);
  if (total > limits.totalBytes) throw bundleError(file, `${total} bytes; ${limits.totalBytes} at most`);
  return parsed.data;
}

export function bundleError(file: string, message: string, cause?: unknown): PoolproofError {
  return new PoolproofError('BUNDLE_INVALID', message, {
    file,
    hint: 'make the bundle again with: poolproof pack',
    cause,
  });
}
