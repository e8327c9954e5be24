/** The files of a subject as they stand in a matrix, and the version of the program among them. */
import path from 'node:path';
import { z } from 'zod';
import { line } from './schema-parts.ts';
import { packagePattern } from './subject.ts';

const pathOnDisk = z.string().regex(/^(?!\.{1,2}(?:\/|$))[\w.@+-]+(?:\/(?!\.{1,2}(?:\/|$))[\w.@+-]+)*$/, {
  error: 'a path on the disk such as bin/tool: letters, digits, . _ @ + -, no ..',
});

export const filesForm = z.union([z.record(pathOnDisk, line(1000)), z.array(line(1000)).max(200)], {
  error: 'a list of files, or a map from their paths on the disk to files',
});

const versionError = 'a version such as "49.0.4"';
export const version = z.string({ error: versionError }).regex(/^\d[\w.-]{0,29}$/, { error: versionError });

export const pinForm = z.strictObject(
  {
    sha256: z.string().regex(/^[0-9a-f]{64}$/, { error: '64 hexadecimal digits' }),
    says: line(100),
  },
  { error: 'a map with `sha256` and `says`' },
);

/** Stands for the subject's version in the sources of its files. */
export const versionWord = '{version}';

/** Paths on the disk to files; those of a list keep their last part. Relative ones are below `folder`. */
export function mapFiles(files: z.infer<typeof filesForm>, folder: string): Record<string, string> {
  const pairs = Array.isArray(files)
    ? files.map((from) => [path.posix.basename(from), from] as const)
    : Object.entries(files);
  return Object.fromEntries(
    pairs.map(([to, from]) => [
      to,
      packagePattern.test(from.replaceAll(versionWord, '0')) ? from : path.resolve(folder, from),
    ]),
  );
}
