/** Images of a lane that a worker lacks: taken from the run, or from where its user has them, before any is built. */
import { createWriteStream } from 'node:fs';
import path from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { buildImages, isBuilt } from '../../images/build.ts';
import { makeTemporaryFolder } from '../../images/temporary-folder.ts';
import { importVerified, nameArchive } from '../../images/transfer.ts';
import { PoolproofError } from '../errors.ts';
import { collectRequirements } from '../plan/requirements.ts';
import { takeArchive } from './archive-store.ts';
import type { LaneTools } from './machine-lane.ts';
import { largestArchive, type Lane } from './messages.ts';

export type FetchTools = Pick<LaneTools, 'link' | 'cacheDir' | 'locked' | 'imagesFrom' | 'onNotice'>;

/** A place that may have an archive of the images. */
type Offer = Readonly<{ place: string; take: (file: string) => Promise<void> }>;

/**
 * Images that come from nowhere are left for the caller to build: what is wrong with an offer is said and no more.
 * Nothing comes into the cache that does not have the digest of the lane.
 */
export async function fetchImages(run: string, lane: Lane, tools: FetchTools): Promise<void> {
  const { cacheDir, locked = false, onNotice } = tools;
  const request = collectRequirements(lane.samples).get(lane.kernel);
  const offers = listOffers(run, lane, tools);
  if (request === undefined || offers.length === 0) return;
  const own = { ...request, cacheDir, locked };
  if ((await isBuilt(own)) && (await buildImages(own)).digest === lane.withoutSubjects) return;
  for (const { place, take } of offers) {
    try {
      await using folder = await makeTemporaryFolder();
      const file = path.join(folder.path, 'images.tar.gz');
      await take(file);
      await importVerified(file, own, lane.withoutSubjects);
      onNotice(`images of ${lane.kernel} are from ${place}`);
      return;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      onNotice(`images of ${lane.kernel} do not come from ${place}: ${why}`);
    }
  }
}

/** The user's own place first: it is nearer than a Redis that all share. */
function listOffers(run: string, lane: Lane, { link, imagesFrom }: FetchTools): readonly Offer[] {
  const { archive, withoutSubjects } = lane;
  const offers: Offer[] = [];
  if (imagesFrom !== undefined) {
    const take = (file: string): Promise<void> => download(imagesFrom, nameArchive(withoutSubjects), file);
    offers.push({ place: show(imagesFrom), take });
  }
  if (archive !== undefined)
    offers.push({ place: link.address, take: (file) => takeArchive(link.redis, run, archive, file) });
  return offers;
}

/** Without what may be a secret. */
const show = ({ origin, pathname }: URL): string => `${origin}${pathname}`;

/**
 * @param text `https://[user:password@]host/folder[?token]`; one with a secret has to come from the environment
 * @throws PoolproofError USAGE
 */
export function parseImagesFrom(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !['http:', 'https:'].includes(url.protocol))
    throw new PoolproofError('USAGE', 'archives of images come from an address', {
      hint: '--images-from https://queue.example/images',
    });
  // Everybody on the machine can read the words of a command.
  const hasSecret = url.password !== '' || url.search !== '';
  if (hasSecret && process.env['POOLPROOF_IMAGES_FROM'] !== text)
    throw new PoolproofError('USAGE', 'a password or token does not belong in the words of a command', {
      hint: 'put the whole address into the environment, as POOLPROOF_IMAGES_FROM',
    });
  return url;
}

/** Longest that an archive may take, ms. */
const downloadMs = 3_600_000;

async function download(folder: URL, name: string, file: string): Promise<void> {
  const { username, password } = folder;
  const url = new URL(folder);
  url.pathname = `${url.pathname.replace(/\/$/, '')}/${name}`;
  url.username = '';
  url.password = '';
  const words = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const response = await fetch(url, {
    signal: AbortSignal.timeout(downloadMs),
    ...(username !== '' && { headers: { authorization: `Basic ${Buffer.from(words).toString('base64')}` } }),
  });
  if (!response.ok || response.body === null) {
    await response.body?.cancel();
    throw new PoolproofError('IMAGE_FETCH', `${name}: ${response.status} ${response.statusText}`);
  }
  await pipeline(Readable.fromWeb(response.body), limit(largestArchive), createWriteStream(file));
}

/** Ends a stream that is longer: a server may send without end. */
function limit(most: number): Transform {
  let size = 0;
  return new Transform({
    transform(bytes: Buffer, _encoding, done) {
      size += bytes.length;
      done(size > most ? new PoolproofError('IMAGE_FETCH', `more than ${most} bytes`) : null, bytes);
    },
  });
}
