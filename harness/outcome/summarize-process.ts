/** A subject's process as it is stored: the names in it are the guest's. */
import type { SubjectProcess } from '../guest/subject-process.ts';
import { plainLine } from './plain-text.ts';

export function summarizeProcess({ up, end }: SubjectProcess): SubjectProcess {
  if (up === null) return { up, end };
  const largest = up.largest.map(({ bytes, protection, name }) => ({
    bytes,
    protection: plainLine(protection, 10),
    name: plainLine(name, 120),
  }));
  return { up: { ...up, name: plainLine(up.name, 40), largest }, end };
}
