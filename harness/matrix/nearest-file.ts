/** Suggests the file that a person probably meant by the name of one that is not there. */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { nearest } from '../axes/nearest-word.ts';

const stemOf = (file: string): string => path.parse(file).name;

/** The file in the same folder with the nearest name, of those with one of these endings; null where none is near. */
export async function nearestFile(file: string, endings: readonly string[]): Promise<string | null> {
  const entries = await readdir(path.dirname(file)).catch(() => []);
  const names = entries.filter((name) => endings.includes(path.extname(name)));
  const stem = nearest(stemOf(file), names.map(stemOf));
  const near = names.find((name) => stemOf(name) === stem);
  return near === undefined ? null : path.join(path.dirname(file), near);
}
