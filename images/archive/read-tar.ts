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

type Take = (entry: ReadEntry, progress: TarProgress) => Promise<void> | void;

/** What a parser came to: how far it is, and the first problem. */
class Reading {
  failure: Error | null = null;
  /** The archive's own end was reached. */
  ended = false;
  /** The parser found a problem; `failure` follows. */
  broken = false;
  /** Resolves with a failure, or at the archive's end. */
  readonly stopped: Promise<void>;
  /** What is done with the entries so far. */
  work: Promise<void> = Promise.resolve();
  readonly closed: Promise<void>;
  #wake: () => void = () => undefined;
  #current: ReadEntry | null = null;
  #entries = 0;
  #headerBytes = 0;

  constructor(parser: Parser, take: (entry: ReadEntry) => Promise<void> | void) {
    this.stopped = new Promise<void>((resolve) => (this.#wake = resolve));
    this.closed = new Promise<void>((resolve) => void parser.once('end', resolve));
    parser.on('entry', (entry: ReadEntry) => {
      this.#entries += 1;
      // Entries come one at a time: the parser waits until the last one is read.
      this.work = this.work.then(() => this.#takeEntry(entry, take));
    });
    parser.on('meta', (text: string) => {
      this.#headerBytes += text.length;
      if (this.#headerBytes > headerBytes * (this.#entries + 4)) this.#failSoon('has too many headers');
    });
    parser.on('ignoredEntry', ({ size }: ReadEntry) =>
      this.#failSoon(`has a header of ${size} bytes; ${maxHeaderBytes} at most`),
    );
    parser.on('error', (cause) => this.#failSoon('is not a whole archive', { cause }));
    parser.on('eof', () => {
      this.ended = true;
      this.#wake();
    });
  }

  get isDone(): boolean {
    return this.failure !== null || this.ended || this.broken;
  }

  fail(error: unknown): void {
    this.failure ??= error instanceof Error ? error : new Error(String(error));
    // Who reads it waits for bytes that no longer come.
    this.#current?.destroy(this.failure);
    this.#wake();
  }

  /** What `take` finds wrong with an entry comes before what the parser finds behind it, in the same piece. */
  #failSoon(message: string, options?: ErrorOptions): void {
    this.broken = true;
    setImmediate(() => this.fail(new TarError(message, options)));
  }

  async #takeEntry(entry: ReadEntry, take: (entry: ReadEntry) => Promise<void> | void): Promise<void> {
    if (this.failure !== null) return;
    this.#current = entry;
    // Reported by `fail`, also where nobody reads the entry at that moment.
    entry.on('error', () => undefined);
    try {
      await take(entry);
      entry.resume();
    } catch (error) {
      this.#current = null;
      this.fail(error);
    }
    this.#current = null;
  }
}

/**
 * Calls `take` for each entry, one at a time; an entry that it did not read is passed over.
 *
 * @throws TarError; what `take` throws; errors of the system and of zlib
 */
export async function readTar(file: string, { totalBytes }: TarLimits, take: Take): Promise<void> {
  const handle = await openPlainFile(file).catch((cause: unknown) => {
    throw cause instanceof SpecialFileError ? new TarError(cause.message, { cause }) : cause;
  });
  const source = handle.createReadStream();
  const parser = new Parser({ strict: true, maxMetaEntrySize: maxHeaderBytes, brotli: false, zstd: false });
  const progress: TarProgress = { packedBytes: () => source.bytesRead };
  const reading = new Reading(parser, (entry) => take(entry, progress));
  let length = 0;
  try {
    for await (const chunk of unpack(source)) {
      if (length === 0 && isGzip(chunk)) throw new TarError('is packed twice');
      length += chunk.length;
      if (length > totalBytes()) throw new TarError(`has more than ${totalBytes()} bytes unpacked`);
      if (!parser.write(chunk)) await Promise.race([onDrain(parser), reading.stopped]);
      if (reading.isDone) break;
    }
    if (!reading.isDone) parser.end();
    if (!reading.ended)
      await Promise.race([reading.broken ? reading.stopped : reading.closed, reading.stopped]);
  } catch (error) {
    reading.fail(error);
  }
  source.destroy();
  await reading.work;
  if (reading.failure !== null) throw reading.failure;
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
