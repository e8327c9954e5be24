/**
 * Components that lock.yaml does not pin: any other published version of Node and libwasmtime. Their package manager
 * checks the first fetch; the cache records it, and every later fetch must be the same.
 */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import type { ImageCache } from '../cache/image-cache.ts';
import { architectures } from '../architectures.ts';
import { enginePackage, lockNamesOf } from '../definitions.ts';
import { PoolproofError } from '../errors.ts';
import { parsePin, type Pin } from '../lock.ts';
import { listNpmVersions } from './npm.ts';
import { listWheelVersions } from './pip.ts';

/** A component's package and version before anybody has seen its bytes. */
export type Wanted = Readonly<{ name: string; package: string; version: string }>;

const wholeVersion = /^\d{1,3}\.\d{1,3}\.\d{1,3}$/;

/** Whether a text can be requested without a pin: `20.11.1`, but no line and no range. */
export const isWholeVersion = (text: string): boolean => wholeVersion.test(text);

/** Families of which every published version can be had: lock name of a version, package, what people call it. */
const families = architectures.flatMap((architecture) => [
  ...(architecture.npm === null
    ? []
    : [
        {
          lockName: lockNamesOf(architecture).node,
          package: architecture.npm.node,
          title: 'Node',
          list: listNpmVersions,
        },
      ]),
  ...(architecture.wheel === null
    ? []
    : [
        {
          lockName: lockNamesOf(architecture).engine,
          package: enginePackage,
          title: 'libwasmtime',
          list: (name: string, folder: string) => listWheelVersions(name, folder, architecture),
        },
      ]),
]);

/** The unpinned component of a lock name; undefined where only a pin will do. */
export function wantUnpinned(name: string): Wanted | undefined {
  const version = name.slice(name.lastIndexOf('@') + 1);
  const family = families.find(({ lockName }) => lockName(version) === name);
  if (family === undefined || !isWholeVersion(version)) return undefined;
  return { name, package: family.package, version };
}

export const recordPath = (cache: ImageCache, name: string): string =>
  path.join(cache.folder, 'unpinned', `${name.replaceAll('/', '+')}.json`);

/** The earlier fetch of an unpinned component; undefined the first time. */
export async function recallUnpinned(cache: ImageCache, name: string): Promise<Pin | undefined> {
  const text = await readFile(recordPath(cache, name), 'utf8').catch(() => undefined);
  const pin = text === undefined ? undefined : parsePin(text);
  return pin?.name === name ? pin : undefined;
}

export async function rememberUnpinned(cache: ImageCache, pin: Pin): Promise<void> {
  await writeFileAtomic(recordPath(cache, pin.name), `${JSON.stringify(pin)}\n`);
}

/** All unpinned components a cache has a record of. */
export async function listUnpinned(cache: ImageCache): Promise<Pin[]> {
  const folder = path.join(cache.folder, 'unpinned');
  const texts = (await readdir(folder)).sort().map((file) => readFile(path.join(folder, file), 'utf8'));
  return (await Promise.all(texts)).flatMap((text) => {
    const pin = parsePin(text);
    return pin !== undefined && wantUnpinned(pin.name) !== undefined ? [pin] : [];
  });
}

/** The error for a version that its package manager does not have, with those nearest to it. */
export async function neverPublished(wanted: Wanted, folder: string): Promise<PoolproofError> {
  const family = families.find(({ lockName }) => lockName(wanted.version) === wanted.name);
  const near = nearestVersions((await family?.list(wanted.package, folder)) ?? [], wanted.version);
  return new PoolproofError(
    'IMAGE_UNKNOWN',
    `${family?.title ?? wanted.package} ${wanted.version} was never published as the package ${wanted.package}`,
    near.length === 0 ? {} : { hint: `published nearest to it: ${near.join(', ')}` },
  );
}

/**
 * What comes nearest to a version that was never published: of the same major where there is one, the last before it.
 * Null for a version that is published, and where nothing is.
 */
export function nearestPublished(published: readonly string[], version: string): string | null {
  if (published.includes(version)) return null;
  const near = nearestVersions(published, version);
  const [major] = version.split('.');
  const isSame = (candidate: string): boolean => candidate.startsWith(`${major}.`);
  const isBelow = (candidate: string): boolean =>
    candidate.localeCompare(version, 'en', { numeric: true }) < 0;
  const same = near.filter(isSame);
  return (
    (same.length > 0 ? (same.findLast(isBelow) ?? same[0]) : (near.findLast(isBelow) ?? near[0])) ?? null
  );
}

/**
 * The same of a component that no pin names, as its package manager knows it.
 * @throws PoolproofError TOOL_NOT_FOUND, IMAGE_FETCH when the manager is missing or cannot be asked
 */
export async function findPublished(
  { name, package: id, version }: Wanted,
  folder: string,
): Promise<string | null> {
  const family = families.find(({ lockName }) => lockName(version) === name);
  return nearestPublished((await family?.list(id, folder)) ?? [], version);
}

/** At most two published versions below and two above, ascending; pre-releases do not count. */
export function nearestVersions(published: readonly string[], version: string): string[] {
  const compare = (a: string, b: string): number => a.localeCompare(b, 'en', { numeric: true });
  const sorted = published.filter(isWholeVersion).sort(compare);
  const above = sorted.findIndex((candidate) => compare(candidate, version) > 0);
  const at = above === -1 ? sorted.length : above;
  return sorted.slice(Math.max(0, at - 2), at + 2);
}
