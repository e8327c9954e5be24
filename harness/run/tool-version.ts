/** The version of this program, from its package. */
import { readFile } from 'node:fs/promises';

export async function readToolVersion(): Promise<string> {
  // The sources run from harness/run/, the compiled files from dist/harness/run/.
  for (const parent of ['../..', '../../..']) {
    const text = await readFile(new URL(`${parent}/package.json`, import.meta.url), 'utf8').catch(() => null);
    const parsed: unknown = text === null ? null : JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null && 'version' in parsed) return String(parsed.version);
  }
  return 'unknown';
}
