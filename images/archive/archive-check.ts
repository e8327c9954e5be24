/** Checks an archive of images against its own list of contents before anything of it is kept. */
import { createWriteStream } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { ReadEntry } from 'tar';
import { z } from 'zod';
import { artefactSchema } from '../cache/image-cache.ts';
import { describeUnread } from '../bounded-file.ts';
import { parseShallowJson } from '../bounded-json.ts';
import { PoolproofError } from '../errors.ts';
import { pinSchema } from '../lock.ts';
import { diskFullError, isDiskFull } from '../source/run-tool.ts';
import { readTar, TarError } from './read-tar.ts';
import { isOwnKernelPart } from '../source/own-kernel.ts';
import { wantUnpinned } from '../source/unpinned.ts';

/** First entry of an archive of images. */
export const manifestName = 'poolproof-images.json';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** Far more than all images together have; beyond it a file is no archive of ours. */
const maxManifestBytes = 1024 * 1024;

const manifestSchema = z.strictObject({
  schema: z.literal(1),
  /** `BuiltImages.digest` of the exported images. */
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  artefacts: z.array(z.strictObject({ recipe: sha256, artefact: artefactSchema })).min(1),
  /** Successors of pins that Debian dropped. */
  successors: z.array(z.strictObject({ pin: sha256, successor: pinSchema })),
  /** Components of versions that the lock does not pin; absent where there are none. */
  unpinned: z
    .array(pinSchema.refine(({ name }) => wantUnpinned(name) !== undefined || isOwnKernelPart(name)))
    .min(1)
    .exactOptional(),
});

export type Manifest = Readonly<z.infer<typeof manifestSchema>>;

/**
 * Reads an archive to its end, writing nothing, and returns its list of contents. Every other entry must be
 * a plain file `blobs/<sha256>` that the list names, once, with the size it names; all that is named must be
 * there. So a path that leaves the cache, a link, a device or a surprise of size is refused by not being named.
 *
 * @throws PoolproofError IMAGE_ARCHIVE
 */
export async function checkArchive(file: string): Promise<Manifest> {
  const { manifest, seen } = await readEntries(file);
  if (manifest === undefined) throw archiveError(file, 'it is empty');
  const missing = manifest.artefacts.find(({ artefact }) => !seen.has(`blobs/${artefact.sha256}`));
  if (missing !== undefined) throw archiveError(file, `${missing.artefact.name} is missing`);
  return manifest;
}

/**
 * Writes the wanted files of an archive that {@link checkArchive} found sound, under their digests.
 * @throws PoolproofError IMAGE_ARCHIVE, DISK_FULL
 */
export async function extractBlobs(file: string, wanted: ReadonlySet<string>, folder: string): Promise<void> {
  await readEntries(file, async (entry) => {
    const name = entry.path.replace(/^blobs\//, '');
    if (!wanted.has(name)) return;
    const target = path.join(folder, name);
    try {
      await pipeline(entry, createWriteStream(target, { flags: 'wx', mode: 0o600 }));
    } catch (cause) {
      if (isDiskFull(String(cause))) throw diskFullError(`unpacking ${file}`, cause);
      throw cause;
    }
  });
}

type Reading = { manifest?: Manifest; readonly seen: Set<string> };

/** Header, a header for a long path, and padding of an entry. */
const entryBytes = 2048;
/** tar pads to 10 KiB. */
const paddingBytes = 64 * 1024;

/** Lists and objects in each other: the list, `artefacts`, one, its record, `facts`. */
const manifestDepth = 6;

/** Reads up to the end of the archive, or to its first problem. `take` gets the bytes of each named file. */
async function readEntries(
  file: string,
  take: (entry: ReadEntry) => Promise<void> | void = () => undefined,
): Promise<Readonly<Reading>> {
  const reading: Reading = { seen: new Set() };
  let most = maxManifestBytes + entryBytes + paddingBytes;
  try {
    await readTar(file, { totalBytes: () => most }, async (entry) => {
      const problem = findProblem(entry, reading);
      if (problem !== undefined) throw archiveError(file, problem);
      reading.seen.add(entry.path);
      if (entry.path !== manifestName) return take(entry);
      const manifest = parseManifest(await collect(entry), file);
      reading.manifest = manifest;
      most += manifest.artefacts.reduce((sum, { artefact }) => sum + artefact.size + entryBytes, 0);
    });
  } catch (cause) {
    if (cause instanceof PoolproofError) throw cause;
    if (cause instanceof TarError) throw archiveError(file, `it ${cause.message}`, cause);
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'EACCES')
      throw new PoolproofError('IMAGE_ARCHIVE', `cannot read the archive: ${describeUnread(cause)}`, {
        file,
        cause,
      });
    throw archiveError(file, 'it cannot be read to its end', cause);
  }
  return reading;
}

function parseManifest(text: string, file: string): Manifest {
  try {
    return manifestSchema.parse(parseShallowJson(text, manifestDepth));
  } catch (cause) {
    throw archiveError(file, 'its list of contents is not valid', cause);
  }
}

function findProblem(entry: ReadEntry, { manifest, seen }: Reading): string | undefined {
  const { path: name, type, size } = entry;
  if (type !== 'File') return `${name} is a ${type} and not a plain file`;
  if (seen.has(name)) return `${name} is there twice`;
  if (name === manifestName && seen.size === 0) {
    return size <= maxManifestBytes ? undefined : `its list of contents has ${size} bytes`;
  }
  if (manifest === undefined) return `it does not begin with ${manifestName}`;
  const named = manifest.artefacts.find(({ artefact }) => `blobs/${artefact.sha256}` === name);
  if (named === undefined) return `${name} is not in its list of contents`;
  return named.artefact.size === size ? undefined : `${name} has ${size} bytes, not ${named.artefact.size}`;
}

const archiveError = (file: string, message: string, cause?: unknown): PoolproofError =>
  new PoolproofError('IMAGE_ARCHIVE', message, {
    file,
    hint: 'make the archive again with `poolproof images export`',
    cause,
  });

async function collect(entry: ReadEntry): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of entry) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
