/** Reads files that a person names, within bounds: a pipe without a writer and an endless device end in an error. */
import { constants, type Stats } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** The kind of a file that is not plain; null for a plain file, and for none. */
export async function describeSpecialFile(file: string): Promise<string | null> {
  const found = await stat(file).catch(() => null);
  return found === null ? null : describe(found);
}

function describe(found: Stats): string | null {
  if (found.isFile()) return null;
  if (found.isDirectory()) return 'a folder';
  if (found.isFIFO()) return 'a named pipe';
  return found.isSocket() ? 'a socket' : 'a device';
}

/** The opened file is not a plain file, or too large; the message completes `<file>: it …`. */
export class SpecialFileError extends Error {}

/**
 * Opens a plain file for reading, at once whatever is there.
 *
 * @throws SpecialFileError; Error of the system
 */
export async function openPlainFile(file: string): Promise<FileHandle> {
  // Without O_NONBLOCK, opening a pipe waits for a writer, in a thread that no signal reaches.
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  const what = describe(await handle.stat());
  if (what === null) return handle;
  await handle.close();
  throw new SpecialFileError(`is ${what} and not a plain file`);
}

/**
 * The bytes of a plain file of at most `maxBytes`, also where it grows meanwhile.
 *
 * @throws SpecialFileError also for a larger one; Error of the system
 */
export async function readPlainFile(file: string, maxBytes: number): Promise<Buffer> {
  await using handle = await openPlainFile(file);
  const { size } = await handle.stat();
  const bytes = size > maxBytes ? null : Buffer.alloc(size);
  if (bytes === null) throw new SpecialFileError(`has more than ${Math.floor(maxBytes / 2 ** 20)} MiB`);
  let filled = 0;
  while (filled < size) {
    const { bytesRead } = await handle.read(bytes, filled, size - filled, filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}

const refusals: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a folder',
  EACCES: 'reading it is not allowed',
  ENXIO: 'it is a socket or a device that is not there',
};

/** Why a file could not be read, for a person. */
export const describeUnread = (cause: unknown): string =>
  cause instanceof SpecialFileError ? `it ${cause.message}` : refusalOf(cause);

const refusalOf = (cause: unknown): string =>
  refusals[String((cause as NodeJS.ErrnoException).code)] ?? String(cause);

/** Longest wait for the next byte of a pipe. */
const pipeMs = 3000;
const lookEveryMs = 20;

/**
 * The bytes of a file, at most `maxBytes`, and one more as a sign of more. Of a pipe, everything until it is closed, or
 * until nothing comes for three seconds.
 *
 * @throws Error of the system
 */
export async function readBounded(file: string, maxBytes: number, waitMs = pipeMs): Promise<Buffer> {
  // As in `openPlainFile`.
  await using handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  const isPipe = (await handle.stat()).isFIFO();
  const buffer = Buffer.alloc(maxBytes + 1);
  let filled = 0;
  for (let idleMs = 0; filled <= maxBytes && idleMs < waitMs;) {
    const bytesRead = await handle
      .read(buffer, filled, buffer.length - filled)
      .then((read) => read.bytesRead)
      .catch((error: unknown) => {
        if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') return null;
        throw error;
      });
    // Before its writer has opened it, a pipe is at its end.
    if (bytesRead === null || (bytesRead === 0 && isPipe && filled === 0)) {
      await sleep(lookEveryMs);
      idleMs += lookEveryMs;
      continue;
    }
    if (bytesRead === 0) break;
    filled += bytesRead;
    idleMs = 0;
  }
  return buffer.subarray(0, filled);
}
