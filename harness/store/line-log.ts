/**
 * An append-only file of lines: a line is on the disk when `append` returns, and after any failure
 * the file ends with its last whole line.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { storeError } from './store-error.ts';

export type LineLog = Readonly<{
  /** Calls may overlap; lines go out in the order of the calls. @throws DISK_FULL, STORE_UNWRITABLE */
  append(line: string): Promise<void>;
  close(): Promise<void>;
}>;

/** @returns the log, and how many bytes of a torn last line were dropped to continue it */
export async function openLineLog(file: string): Promise<Readonly<{ log: LineLog; dropped: number }>> {
  let handle: FileHandle;
  try {
    // Not `a`: appending ignores positions, and the truncation below needs them.
    handle = await open(file, 'r+').catch((error: unknown) => createFor(file, error));
  } catch (cause) {
    throw storeError(cause, file);
  }
  try {
    const { size } = await handle.stat();
    let end = await findEnd(handle, size);
    if (end < size) await handle.truncate(end);
    let last: Promise<void> = Promise.resolve();
    const log: LineLog = {
      append: (line) => {
        const turn = last.then(async () => {
          end = await write(handle, end, line, file);
        });
        // The next line is tried even if this one failed: space may have come back.
        last = turn.catch(() => undefined);
        return turn;
      },
      close: async () => {
        await last;
        await handle.close();
      },
    };
    return { log, dropped: size - end };
  } catch (cause) {
    await handle.close();
    throw storeError(cause, file);
  }
}

async function createFor(file: string, error: unknown): Promise<FileHandle> {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return open(file, 'wx+');
  throw error;
}

async function write(handle: FileHandle, end: number, line: string, file: string): Promise<number> {
  const bytes = Buffer.from(`${line}\n`);
  try {
    let done = 0;
    while (done < bytes.length) {
      const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, end + done);
      done += bytesWritten;
    }
    await handle.datasync();
    return end + bytes.length;
  } catch (cause) {
    const failure = storeError(cause, file);
    // Cut back to whole lines. Where even that fails, a reader drops the torn line by itself.
    await handle.truncate(end).catch(() => undefined);
    throw failure;
  }
}

/** Position after the last newline, searched from the end. */
async function findEnd(handle: FileHandle, size: number): Promise<number> {
  const step = 65_536;
  for (let stop = size; stop > 0;) {
    const start = Math.max(0, stop - step);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(stop - start), 0, stop - start, start);
    const newline = buffer.subarray(0, bytesRead).lastIndexOf(0x0a);
    if (newline >= 0) return start + newline + 1;
    stop = start;
  }
  return 0;
}
