/** What a bzImage says of itself: its release, and its configuration where it carries one. */
import zlib from 'node:zlib';
import { PoolproofError } from '../errors.ts';

// linux Documentation/arch/x86/boot.rst: offsets in the first sectors of the file.
const magicAt = 0x202;
const versionAt = 0x20e;
const versionBase = 0x200;
const sectorsAt = 0x1f1;
const payloadOffsetAt = 0x248;
const payloadLengthAt = 0x24c;

export type KernelImage = Readonly<{
  /** As `uname -r` prints it. */
  release: string;
  /** The packed kernel in the file. */
  payload: Buffer;
}>;

/** @throws PoolproofError KERNEL_UNFIT for a file that is no bzImage */
export function readKernelImage(bytes: Buffer, file: string): KernelImage {
  const isImage = bytes.length > 0x260 && bytes.toString('latin1', magicAt, magicAt + 4) === 'HdrS';
  if (!isImage) {
    throw new PoolproofError('KERNEL_UNFIT', 'this is no bzImage', {
      file,
      hint: 'the kernel makes arch/x86/boot/bzImage; in a package it is boot/vmlinuz-<release>',
    });
  }
  const start = versionBase + bytes.readUInt16LE(versionAt);
  const [release = ''] = bytes.toString('latin1', start, start + 200).split(/[\s\0]/, 1);
  // Sectors behind the first one; 0 stands for 4.
  const setup = ((bytes[sectorsAt] ?? 0) || 4) * 512 + 512;
  const from = setup + bytes.readUInt32LE(payloadOffsetAt);
  return { release, payload: bytes.subarray(from, from + bytes.readUInt32LE(payloadLengthAt)) };
}

/** Far beyond any kernel. */
const maxOutputLength = 512 * 2 ** 20;

function unpack(payload: Buffer): Buffer | null {
  const { zstdDecompressSync } = zlib as Partial<typeof zlib>;
  try {
    if (payload.readUInt16BE(0) === 0x1f8b) return zlib.gunzipSync(payload, { maxOutputLength });
    const isZstd = payload.readUInt32BE(0) === 0x28b52ffd;
    return isZstd && zstdDecompressSync ? zstdDecompressSync(payload, { maxOutputLength }) : null;
  } catch {
    return null;
  }
}

const [configBegin, configEnd] = ['IKCFG_ST', 'IKCFG_ED'];

/**
 * The configuration that a kernel built with CONFIG_IKCONFIG carries; null without one, and where it is packed
 * otherwise than with gzip or zstd.
 */
export function readOwnConfig({ payload }: KernelImage): string | null {
  const kernel = payload.length < 4 ? null : unpack(payload);
  const begin = kernel?.indexOf(configBegin) ?? -1;
  const end = kernel?.indexOf(configEnd, begin) ?? -1;
  if (kernel === null || begin === -1 || end === -1) return null;
  return zlib.gunzipSync(kernel.subarray(begin + configBegin.length, end)).toString('latin1');
}
