/** Archives of images in Redis: put there in parts by a coordinator, taken from there by workers that lack them. */
import { open, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Redis } from 'ioredis';
import { hashFile } from '../../images/cache/image-cache.ts';
import { makeTemporaryFolder } from '../../images/temporary-folder.ts';
import { exportImages } from '../../images/transfer.ts';
import { PoolproofError } from '../errors.ts';
import type { Cell } from '../matrix/cell.ts';
import { collectRequirements } from '../plan/requirements.ts';
import type { PrepareOptions } from '../run/prepare.ts';
import { keys } from './connect.ts';
import type { Archive, Call } from './messages.ts';

/** Small enough that other commands need not wait long behind one. */
const chunkBytes = 4 * 2 ** 20;
/** Of parts whose coordinator no longer renews them. */
const keptSeconds = 3600;

export type PublishOptions = PrepareOptions &
  Readonly<{
    redis: Redis;
    run: string;
    samples: ReadonlyMap<string, readonly Cell[]>;
    onNotice: (text: string) => void;
  }>;

/** @returns the archive of each kernel's images; files of subjects are in none */
export async function publishImages(options: PublishOptions): Promise<ReadonlyMap<string, Archive>> {
  const { redis, run, samples, cacheDir, locked = false, onImageEvent: onEvent, onNotice } = options;
  const archives = new Map<string, Archive>();
  await using place = await makeTemporaryFolder();
  const file = path.join(place.path, 'images.tar.gz');
  for (const [name, request] of collectRequirements([...samples.values()].flat())) {
    await exportImages(file, { ...request, cacheDir, locked, ...(onEvent && { onEvent }) });
    const archive = await putArchive(redis, run, file);
    archives.set(name, archive);
    onNotice(`images of ${name} are in Redis, ${Math.ceil(archive.size / 2 ** 20)} MiB`);
    await rm(file);
  }
  return archives;
}

export async function putArchive(redis: Redis, run: string, file: string): Promise<Archive> {
  const { sha256, size } = await hashFile(file);
  const chunks = Math.ceil(size / chunkBytes);
  await using handle = await open(file);
  for (let chunk = 0; chunk < chunks; chunk += 1) {
    const bytes = Buffer.alloc(Math.min(chunkBytes, size - chunk * chunkBytes));
    await handle.read(bytes, 0, bytes.length, chunk * chunkBytes);
    await redis.set(keys.archive(run, sha256, chunk), bytes, 'EX', keptSeconds);
  }
  return { sha256, size, chunks };
}

const listParts = (run: string, { sha256, chunks }: Archive): string[] =>
  Array.from({ length: chunks }, (_, chunk) => keys.archive(run, sha256, chunk));

const partsOf = ({ run, lanes }: Call): readonly string[] =>
  lanes.flatMap(({ archive }) => (archive === undefined ? [] : listParts(run, archive)));

/** Keeps the parts for as long as the coordinator lives. */
export async function renewArchives(redis: Redis, call: Call): Promise<void> {
  const renewed = redis.pipeline();
  for (const part of partsOf(call)) renewed.expire(part, keptSeconds);
  if (renewed.length > 0) await renewed.exec();
}

export async function removeArchives(redis: Redis, call: Call): Promise<void> {
  const parts = partsOf(call);
  if (parts.length > 0) await redis.unlink(...parts);
}

/**
 * Writes an archive into a file.
 * @throws PoolproofError IMAGE_CHECKSUM when parts are missing, or are not what was put there
 */
export async function takeArchive(redis: Redis, run: string, archive: Archive, file: string): Promise<void> {
  await using handle = await open(file, 'wx');
  let size = 0;
  for (const [index, part] of listParts(run, archive).entries()) {
    const bytes = await redis.getBuffer(part);
    if (bytes === null)
      throw new PoolproofError('IMAGE_CHECKSUM', `part ${index + 1} of ${archive.chunks} is not in Redis`);
    size += bytes.length;
    if (size > archive.size) break;
    await handle.writeFile(bytes);
  }
  const { sha256 } = await hashFile(file);
  if (size !== archive.size || sha256 !== archive.sha256)
    throw new PoolproofError(
      'IMAGE_CHECKSUM',
      `the archive in Redis has sha256 ${sha256}, not ${archive.sha256}`,
    );
}
