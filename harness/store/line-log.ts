/**
 * An append-only file of lines: a line is in the file when `append` returns, so no way to end the harness loses
 * it, and after any failure the file ends with its last whole line. The disk is made to flush twice a second and at the
 * end: a flush for each line costs a commit of the file system's journal each, which everything else waits for. What
 * a power cut takes is at most the cells of half a second, and resuming runs them again.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { storeError } from './store-error.ts';

export type LineLog = Readonly<{
  /** Calls may overlap; lines go out in the order of the calls. @throws DISK_FULL, STORE_UNWRITABLE */
  append(line: string): Promise<void>;
  close(): Promise<void>;
}>;

type Waiting = Readonly<{ line: string; done: () => void; fail: (reason: unknown) => void }>;

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
    let waiting: Waiting[] = [];
    let writing: Promise<void> | null = null;
    /** Writes what waits, then what came meanwhile: lines that end at one time share one flush of the disk. */
    const drain = async (): Promise<void> => {
      while (waiting.length > 0) {
        const batch = waiting;
        waiting = [];
        try {
          end = await write(handle, end, batch.map(({ line }) => line).join(''), file);
          flusher.mark();
          for (const { done } of batch) done();
        } catch (error) {
          // The next lines are tried even if these failed: space may have come back.
          for (const { fail } of batch) fail(error);
        }
      }
      writing = null;
    };
    const flusher = startFlusher(handle, file);
    const log: LineLog = {
      append: (line) =>
        new Promise<void>((done, fail) => {
          flusher.check();
          waiting.push({ line: `${line}\n`, done, fail });
          writing ??= drain();
        }),
      close: async () => {
        await writing;
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

async function createFor(file: string, error: unknown): Promise<FileHandle> {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return open(file, 'wx+');
  throw error;
}

const flushEveryMs = 500;

/** Flushes some time after it was asked to. What went wrong then is told by the next call. */
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
async function write(handle: FileHandle, end: number, lines: string, file: string): Promise<number> {
  const bytes = Buffer.from(lines);
  try {
    let done = 0;
    while (done < bytes.length) {
      const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, end + done);
      done += bytesWritten;
    }
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
