import { list, type ReadEntry } from 'tar';
import { z } from 'zod';
import { artefactSchema } from '../cache/image-cache.ts';
import { PoolproofError } from '../errors.ts';
import { pinSchema } from '../lock.ts';
import { wantUnpinned } from '../source/unpinned.ts';

/** First entry of an archive of images. */
export const manifestName = 'poolproof-images.json';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** Far more than all images together have; beyond it a file is no archive of ours. */
const maxManifestBytes = 1024 * 1024;

const manifestSchema = z.strictObject({
  schema: z.literal(1),
  /** `BuiltImages.digest` of what was exported. */
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  artefacts: z.array(z.strictObject({ recipe: sha256, artefact: artefactSchema })).min(1),
  /** Which component stands for which pin, where Debian had dropped the pinned version. */
  successors: z.array(z.strictObject({ pin: sha256, successor: pinSchema })),
  /** What stands for versions that the lock does not pin; absent where there are none. */
  unpinned: z
    .array(pinSchema.refine(({ name }) => wantUnpinned(name) !== undefined))
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
  const { manifest, seen, problem } = await readEntries(file);
  if (problem !== undefined) throw problem;
  if (manifest === undefined) throw archiveError(file, 'it is empty');
  const missing = manifest.artefacts.find(({ artefact }) => !seen.has(`blobs/${artefact.sha256}`));
  if (missing !== undefined) throw archiveError(file, `${missing.artefact.name} is missing`);
  return manifest;
}

type Reading = { manifest?: Manifest; problem?: PoolproofError; readonly seen: Set<string> };

/** tar calls back and goes on whatever happens, so the first problem is kept and the rest passed over. */
async function readEntries(file: string): Promise<Readonly<Reading>> {
  const reading: Reading = { seen: new Set() };
  const refuse = (message: string, cause?: unknown): void => {
    reading.problem ??= archiveError(file, message, cause);
  };
  const onReadEntry = (entry: ReadEntry): void => {
    if (reading.problem === undefined) {
      const problem = findProblem(entry, reading);
      if (problem !== undefined) refuse(problem);
      else if (entry.path === manifestName) {
        collect(entry, (text) => {
          try {
            reading.manifest = manifestSchema.parse(JSON.parse(text));
          } catch (cause) {
            refuse('its list of contents is not valid', cause);
          }
        });
      }
      reading.seen.add(entry.path);
    }
    entry.resume();
  };
  try {
    await list({ file, strict: true, onReadEntry });
  } catch (cause) {
    refuse('it cannot be read to its end', cause);
  }
  return reading;
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
  new PoolproofError('IMAGE_ARCHIVE', `${file}: ${message}`, {
    file,
    hint: 'make the archive again with `poolproof images export`',
    cause,
  });

/** Hands over an entry's text with its last byte, which is before the parser looks at the next entry. */
function collect(entry: ReadEntry, done: (text: string) => void): void {
  const chunks: Buffer[] = [];
  let length = 0;
  if (entry.size === 0) done('');
  entry.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    length += chunk.length;
    if (length === entry.size) done(Buffer.concat(chunks).toString('utf8'));
  });
}
