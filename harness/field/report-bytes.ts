/** Decodes the file of a report: gzip, UTF-8 or UTF-16 → text. */
import { gunzipSync } from 'node:zlib';
import { PoolproofError } from '../errors.ts';
import { printable } from '../matrix/diagnostics.ts';

/** Larger files are refused unread: capture.sh writes some 20 KB at most. */
export const maxReportBytes = 256 * 1024;

const refuse = (file: string, message: string, cause?: unknown): PoolproofError =>
  new PoolproofError('FIELD_INVALID', message, { file: printable(file), cause });

export const tooLarge = (file: string): PoolproofError =>
  refuse(file, `the report is larger than ${maxReportBytes / 1024} KiB`);

const gzipMagic = '\x1f\x8b';

/** Formats that are not unpacked here, by their first bytes. */
const packed: readonly (readonly [name: string, start: string])[] = [
  ['zip', 'PK\x03\x04'],
  ['xz', '\xfd7zXZ'],
  ['bzip2', 'BZh'],
  ['zstd', '\x28\xb5\x2f\xfd'],
  ['7z', '7z\xbc\xaf'],
];

const startsWith = (bytes: Buffer, start: string): boolean =>
  bytes.subarray(0, start.length).toString('latin1') === start;

/** A compressed attachment; no more of it is unpacked than a report may have. */
function unzip(bytes: Buffer, file: string): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: maxReportBytes });
  } catch (cause) {
    if (cause instanceof RangeError) throw tooLarge(file);
    throw refuse(file, 'the compressed report is damaged or cut off', cause);
  }
}

/** Where the header of a tar archive says so. */
const isTar = (bytes: Buffer): boolean => bytes.subarray(257, 262).toString('latin1') === 'ustar';

/** @throws PoolproofError FIELD_INVALID for what is too large, damaged, packed otherwise, or no text */
export function decodeReport(given: Buffer, file: string): string {
  if (given.length > maxReportBytes) throw tooLarge(file);
  const bytes = startsWith(given, gzipMagic) ? unzip(given, file) : given;
  const name = isTar(bytes) ? 'tar' : packed.find(([, start]) => startsWith(bytes, start))?.[0];
  if (name !== undefined)
    throw refuse(file, `the report is packed with ${name}: unpack it, or compress it with gzip`);
  // What PowerShell writes behind `>`.
  const encoding = startsWith(bytes, '\xff\xfe') ? 'utf-16le' : 'utf-8';
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch (cause) {
    throw refuse(file, 'the report is not text in UTF-8', cause);
  }
}
