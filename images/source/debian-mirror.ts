/** The Debian mirror of a computer whose own apt has none: named once, checked, and remembered in the cache. */
import { access, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';
import { holdBuildLock } from '../cache/build-lock.ts';
import { openCache } from '../cache/image-cache.ts';
import { defaultArchitecture } from '../architectures.ts';
import { guestSuite, kernels } from '../definitions.ts';
import { PoolproofError } from '../errors.ts';
import { installCommand, keyringPackages } from '../tools.ts';
import { AptRoot, findKernelPackages } from './apt.ts';
import { debianKeyring, mirrorSources, type DebianMirror } from './sources-list.ts';

const mirrorSchema = z.strictObject({
  schema: z.literal(1),
  mirror: z.string().min(1),
  security: z.string().min(1),
  keyring: z.string().min(1),
});

const mirrorPath = (cacheFolder: string): string => path.join(cacheFolder, 'mirror.json');

/** The remembered mirror; undefined without one. A file that cannot be read counts as none. */
export async function recallMirror(cacheFolder: string): Promise<DebianMirror | undefined> {
  try {
    const { mirror, security, keyring } = mirrorSchema.parse(
      JSON.parse(await readFile(mirrorPath(cacheFolder), 'utf8')),
    );
    return { mirror, security, keyring };
  } catch {
    return undefined;
  }
}

/** From now on this computer's own sources are used again. */
export async function forgetMirror(cacheFolder: string): Promise<void> {
  await rm(mirrorPath(cacheFolder), { force: true });
}

export type CheckedMirror = Readonly<{
  file: string;
  /** Of the packages looked up: name and version. */
  offers: readonly string[];
}>;

/**
 * Reads the lists of a mirror and of its security archive, which Debian's keys must have signed, finds in them what a
 * guest is made of, and remembers the two for every later build with this cache.
 *
 * @throws PoolproofError USAGE for what is no address, OS_UNSUPPORTED without the keys, IMAGE_FETCH where a list cannot
 * be read, is signed by others, or lacks a package
 */
export async function rememberMirror(
  cacheFolder: string,
  {
    mirror,
    security,
    keyring = debianKeyring,
  }: Readonly<{ mirror: string; security: string; keyring?: string }>,
): Promise<CheckedMirror> {
  for (const address of [mirror, security]) {
    if (/^[a-z][a-z0-9+]*:\/?\/?\S+$/.test(address)) continue;
    throw new PoolproofError('USAGE', `${JSON.stringify(address)} is no address`, {
      hint: 'an address begins with http:, https: or file:',
    });
  }
  await requireKeyring(keyring);
  const cache = await openCache(cacheFolder);
  await using _lock = await holdBuildLock(cache);
  const chosen: DebianMirror = { mirror, security, keyring };
  const root = { suite: guestSuite, architecture: defaultArchitecture };
  const apt = new AptRoot(path.join(cache.folder, 'apt', guestSuite), root, () =>
    Promise.resolve(mirrorSources(chosen, guestSuite)),
  );
  const library = await apt.find('libc6');
  if (library === undefined) {
    throw new PoolproofError('IMAGE_FETCH', `${mirror} has no libc6 in ${guestSuite}`, {
      hint: 'is it a mirror of Debian itself?',
    });
  }
  const [kernel] = await findKernelPackages(apt, kernels[0]?.metaPackages[defaultArchitecture.name] ?? '');
  const file = mirrorPath(cache.folder);
  await writeFileAtomic(file, `${JSON.stringify({ schema: 1, ...chosen })}\n`, { mode: 0o600 });
  return {
    file,
    offers: [library, kernel?.found].flatMap((one) => (one ? [`${one.package} ${one.version}`] : [])),
  };
}

/** @throws PoolproofError OS_UNSUPPORTED with the package that brings the keys */
export async function requireKeyring(file: string): Promise<void> {
  const found = await access(file).then(
    () => true,
    () => false,
  );
  if (found) return;
  throw new PoolproofError('OS_UNSUPPORTED', `Debian's keys are not in ${file}`, {
    hint:
      installCommand([keyringPackages]) ??
      "this distribution has no package with Debian's keys: copy the file from a Debian machine, and name it with --keyring",
  });
}
