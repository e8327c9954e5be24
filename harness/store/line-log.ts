/**
 * An append-only file of lines that ends with a whole line after any failure. A line is in the file when `append`
 * returns, so no end of the harness loses it. The disk is made to flush twice a second and at the end: a flush for each
 * line costs a commit of the file system's journal each, which everything else waits for. What a power cut takes is at
 * most the cells of half a second, and resuming runs them again.
 */
import { ftruncateSync, writeSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { errnoOf, refuseSpecialFile, storeError } from './store-error.ts';

export type LineLog = Readonly<{
  /**
   * Synchronous: a write into the page cache takes 20 µs, and through the thread pool ten times that.
   * @throws DISK_FULL, STORE_UNWRITABLE; the next line is tried even so: space may have come back
   */
  append(line: string): void;
  close(): Promise<void>;
}>;

/** @returns the log, and how many bytes of a torn last line were dropped to continue it */
export async function openLineLog(file: string): Promise<Readonly<{ log: LineLog; dropped: number }>> {
  await refuseSpecialFile(file);
  let handle: FileHandle;
  try {
    // Not `a`: appending ignores positions, and the truncation below needs them.
    handle = await open(file, 'r+').catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return open(file, 'wx+');
      throw error;
    });
  } catch (cause) {
    throw storeError(cause, file);
  }
  try {
    const { size } = await handle.stat();
    let end = await findEnd(handle, size);
    if (end < size) await handle.truncate(end);
    const flusher = startFlusher(handle, file);
    const log: LineLog = {
      append: (line) => {
        flusher.check();
        end = write(handle.fd, end, `${line}\n`, file);
        flusher.mark();
      },
      close: async () => {
        try {
          await flusher.finish();
        } finally {
          await handle.close();
        }
      },
    };
    return { log, dropped: size - end };
  } catch (cause) {
    await handle.close();
    throw storeError(cause, file);
  }
}

const flushEveryMs = 500;

/** Flushes some time after `mark`. A failure of it is thrown by the next call. */
function startFlusher(
  handle: FileHandle,
  file: string,
): { check: () => void; mark: () => void; finish: () => Promise<void> } {
  let timer: NodeJS.Timeout | null = null;
  let running: Promise<void> = Promise.resolve();
  let failure: Error | null = null;
  const flush = (): void => {
    timer = null;
    running = handle.datasync().catch((cause: unknown) => {
      failure = storeError(cause, file);
    });
  };
  const check = (): void => {
    if (failure !== null) throw failure;
  };
  return {
    check,
    mark: () => {
      timer ??= setTimeout(flush, flushEveryMs);
    },
    finish: async () => {
      if (timer !== null) {
        clearTimeout(timer);
        await running;
        flush();
      }
      await running;
      check();
    },
  };
}

/** @returns the new end of the file */
function write(fd: number, end: number, line: string, file: string): number {
  const bytes = Buffer.from(line);
  try {
    for (let done = 0; done < bytes.length;) {
      done += writeSync(fd, bytes, done, bytes.length - done, end + done);
    }
    return end + bytes.length;
  } catch (cause) {
    const failure = storeError(cause, file);
    try {
      // Cut back to whole lines.
      ftruncateSync(fd, end);
    } catch {
      // A reader drops the torn line by itself.
    }
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
