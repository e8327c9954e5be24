/**
 * Reads an archive that somebody else made, entry by entry, up to its end or to the first problem: what is behind
 * either is not looked at. Nothing is written here. Archives may be packed with gzip.
 */
import type { ReadStream } from 'node:fs';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { Parser, type ReadEntry } from 'tar';
import { openPlainFile, SpecialFileError } from '../bounded-file.ts';

export type TarLimits = Readonly<{
  /** Most bytes of the unpacked archive; asked for again as more of it is known. */
  totalBytes: () => number;
}>;

/** The archive itself is damaged, too large or no file; the message completes `<file>: it …`. */
export class TarError extends Error {}

/** Longest header of an entry that is no entry itself (a long path, a time): paths have 250 characters. */
const maxHeaderBytes = 16 * 1024;
/** All of them together: this, and as much for each entry. */
const headerBytes = 4096;

/** How far a reader is: bytes of the file, as it lies on the disk, that were read. */
export type TarProgress = Readonly<{ packedBytes: () => number }>;

/**
 * Calls `take` for each entry, one at a time; an entry that it did not read is passed over.
 *
 * @throws TarError; what `take` throws; errors of the system and of zlib
 */
export async function readTar(
  file: string,
  { totalBytes }: TarLimits,
  take: (entry: ReadEntry, progress: TarProgress) => Promise<void> | void,
): Promise<void> {
  const handle = await openPlainFile(file).catch((cause: unknown) => {
    throw cause instanceof SpecialFileError ? new TarError(cause.message, { cause }) : cause;
  });
  const source = handle.createReadStream();
  const progress: TarProgress = { packedBytes: () => source.bytesRead };
  const parser = new Parser({ strict: true, maxMetaEntrySize: maxHeaderBytes, brotli: false, zstd: false });
  // Changed by callbacks, which the compiler does not see.
  const state: { failure: Error | null; ended: boolean; broken: boolean; current: ReadEntry | null } = {
    failure: null,
    ended: false,
    broken: false,
    current: null,
  };
  let wake: () => void = () => undefined;
  const stopped = new Promise<void>((resolve) => {
    wake = resolve;
  });
  const fail = (error: unknown): void => {
    state.failure ??= error instanceof Error ? error : new Error(String(error));
    // Who reads it waits for bytes that no longer come.
    state.current?.destroy(state.failure);
    wake();
  };
  // What `take` finds wrong with an entry comes before what the parser finds behind it, in the same piece.
  const failSoon = (error: TarError): void => {
    state.broken = true;
    setImmediate(() => fail(error));
  };
  const counted = { entries: 0, headers: 0 };
  let work: Promise<void> = Promise.resolve();
  parser.on('entry', (entry: ReadEntry) => {
    counted.entries += 1;
    // Entries come one at a time: the parser waits until the last one is read.
    work = work.then(async () => {
      if (state.failure !== null) return;
      state.current = entry;
      // Told by `fail`, also where nobody reads the entry at that moment.
      entry.on('error', () => undefined);
      try {
        await take(entry, progress);
        entry.resume();
      } catch (error) {
        state.current = null;
        fail(error);
      }
      state.current = null;
    });
  });
  parser.on('meta', (text: string) => {
    counted.headers += text.length;
    if (counted.headers > headerBytes * (counted.entries + 4)) failSoon(new TarError('has too many headers'));
  });
  parser.on('ignoredEntry', (entry: ReadEntry) =>
    failSoon(new TarError(`has a header of ${entry.size} bytes; ${maxHeaderBytes} at most`)),
  );
  parser.on('error', (cause) => failSoon(new TarError('is not a whole archive', { cause })));
  parser.on('eof', () => {
    state.ended = true;
    wake();
  });
  const closed = new Promise<void>((resolve) => void parser.once('end', resolve));
  const isDone = (): boolean => state.failure !== null || state.ended || state.broken;
  let length = 0;
  try {
    for await (const chunk of unpack(source)) {
      if (length === 0 && isGzip(chunk)) throw new TarError('is packed twice');
      length += chunk.length;
      if (length > totalBytes()) throw new TarError(`has more than ${totalBytes()} bytes unpacked`);
      if (!parser.write(chunk)) await Promise.race([onDrain(parser), stopped]);
      if (isDone()) break;
    }
    if (!isDone()) parser.end();
    if (!state.ended) await Promise.race([state.broken ? stopped : closed, stopped]);
  } catch (error) {
    fail(error);
  }
  source.destroy();
  await work;
  if (state.failure !== null) throw state.failure;
}

const isGzip = (bytes: Buffer): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

const onDrain = (parser: Parser): Promise<void> =>
  new Promise((resolve) => void parser.once('drain', resolve));

/** The archive's bytes, unpacked where they are packed. */
async function* unpack(source: ReadStream): AsyncGenerator<Buffer> {
  const chunks = source.iterator() as AsyncIterator<Buffer>;
  const first = await chunks.next();
  if (first.done === true) return;
  async function* all(): AsyncGenerator<Buffer> {
    yield first.value as Buffer;
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value;
  }
  if (!isGzip(first.value)) {
    yield* all();
    return;
  }
  const gunzip = createGunzip();
  // Errors of both reach who reads `gunzip`.
  pipeline(Readable.from(all()), gunzip, () => undefined);
  for await (const chunk of gunzip as AsyncIterable<Buffer>) yield chunk;
}
