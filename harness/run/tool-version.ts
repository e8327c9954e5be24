/** The version of this program, and where its project can be read, from its package. */
import { readFile } from 'node:fs/promises';

type Manifest = Readonly<{
  version?: string;
  homepage?: string;
  repository?: string | Readonly<{ url?: string }>;
}>;

async function readManifest(): Promise<Manifest> {
  // The sources run from harness/run/, the compiled files from dist/harness/run/.
  for (const parent of ['../..', '../../..']) {
    const text = await readFile(new URL(`${parent}/package.json`, import.meta.url), 'utf8').catch(() => null);
    const parsed: unknown = text === null ? null : JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null && 'version' in parsed) return parsed as Manifest;
  }
  return {};
}

export const readToolVersion = async (): Promise<string> => (await readManifest()).version ?? 'unknown';

/** Null where the package names no address of the web. */
export const readHomepage = async (): Promise<string | null> => findHomepage(await readManifest());

export function findHomepage({ homepage, repository }: Manifest): string | null {
  const source = typeof repository === 'object' ? repository.url : repository;
  const addresses = [homepage, source].map((one = '') => one.replace(/^git\+|\.git$/g, ''));
  return addresses.find((one) => /^https?:\/\/[^\s"'<>]+$/.test(one)) ?? null;
}
