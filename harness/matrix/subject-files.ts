/** The files of a subject as they stand in a matrix, and the version of the program among them. */
import path from 'node:path';
import { z } from 'zod';
import { architectureNames, type ArchitectureName } from '../../images/architectures.ts';
import { line } from './schema-parts.ts';
import { packagePattern, type SubjectFile } from './subject.ts';

/** One value for guests of x86-64, or a map from architectures; x86-64 is always there. */
type ByArchitecture<T> = T | Readonly<Partial<Record<ArchitectureName, T>>>;

const byArchitecture = <T>(value: z.ZodType<T>, error: string) =>
  z.union(
    [
      value,
      z
        .partialRecord(z.enum(architectureNames), value)
        .refine((map) => map[usualName] !== undefined, { error }),
    ],
    { error },
  );

/** Where the file of a path comes from. */
export type FileSource = ByArchitecture<string>;

const [usualName] = architectureNames;

type WithUsual<T> = Readonly<Partial<Record<ArchitectureName, T>> & Record<typeof usualName, T>>;

/** The form has made sure that x86-64 is there. */
const mapOf = <T>(value: ByArchitecture<T>): WithUsual<T> =>
  typeof value === 'object' && value !== null ? (value as WithUsual<T>) : { [usualName]: value };

const pathOnDisk = z.string().regex(/^(?!\.{1,2}(?:\/|$))[\w.@+-]+(?:\/(?!\.{1,2}(?:\/|$))[\w.@+-]+)*$/, {
  error: 'a path on the disk such as bin/tool: letters, digits, . _ @ + -, no ..',
});

const source = byArchitecture(
  line(1000),
  'a file, or a map from architectures to files, with x86-64 among them',
);

export const filesForm = z.union([z.record(pathOnDisk, source), z.array(line(1000)).max(200)], {
  error: 'a list of files, or a map from their paths on the disk to files',
});

const versionError = 'a version such as "49.0.4"';
export const version = z.string({ error: versionError }).regex(/^\d[\w.-]{0,29}$/, { error: versionError });

export const pinForm = z.strictObject(
  {
    sha256: byArchitecture(
      z.string().regex(/^[0-9a-f]{64}$/, { error: '64 hexadecimal digits' }),
      '64 hexadecimal digits, or a map from architectures to them, with x86-64 among them',
    ),
    says: line(100),
  },
  { error: 'a map with `sha256` and `says`' },
);

/** Stands for the subject's version in the sources of its files. */
export const versionWord = '{version}';

/** Paths on the disk to files; those of a list keep their last part. Relative ones are below `folder`. */
export function mapFiles(
  files: z.infer<typeof filesForm>,
  folder: string,
): Readonly<Record<string, FileSource>> {
  const place = (from: string): string =>
    packagePattern.test(from.replaceAll(versionWord, '0')) ? from : path.resolve(folder, from);
  const pairs: readonly (readonly [string, FileSource])[] = Array.isArray(files)
    ? files.map((from) => [path.posix.basename(from), from] as const)
    : Object.entries(files);
  return Object.fromEntries(
    pairs.map(([to, given]) => [
      to,
      typeof given === 'string'
        ? place(given)
        : Object.fromEntries(Object.entries(given).map(([arch, from]) => [arch, place(from)])),
    ]),
  );
}

export const namesVersion = (given: FileSource): boolean =>
  Object.values(mapOf(given)).some((from) => from.includes(versionWord));

/** What a version of a program says of itself, and its digest. */
export type Pin = z.infer<typeof pinForm>;

/** Architectures beside x86-64 that the files or their digests name. */
export function listOthers(
  files: Readonly<Record<string, FileSource>>,
  pin: Pin | undefined,
): readonly ArchitectureName[] {
  const maps = [...Object.values(files).map(mapOf), ...(pin === undefined ? [] : [mapOf(pin.sha256)])];
  return architectureNames.filter(
    (arch) => arch !== usualName && maps.some((map) => map[arch] !== undefined),
  );
}

/**
 * The files on an architecture. One that names no other there is the same everywhere, and so is one of a version that
 * is pinned, but not there.
 */
export function listFiles(
  files: Readonly<Record<string, FileSource>>,
  arch: ArchitectureName,
  { version, pin }: Readonly<{ version: string | undefined; pin: Pin | undefined }>,
): readonly SubjectFile[] {
  const digests: Partial<Record<ArchitectureName, string>> = pin === undefined ? {} : mapOf(pin.sha256);
  const isOther = arch !== usualName;
  return Object.entries(files).map(([to, given]): SubjectFile => {
    const own = mapOf(given)[arch];
    const usual = own ?? mapOf(given)[usualName];
    const isPinned = pin !== undefined && usual.includes(versionWord);
    const isOfArch = isOther && (isPinned ? digests[arch] !== undefined : own !== undefined);
    const of = isOfArch ? arch : usualName;
    const named = mapOf(given)[of] ?? usual;
    const sha256 = isPinned ? digests[of] : undefined;
    return {
      to,
      from: version === undefined ? named : named.replaceAll(versionWord, version),
      ...(sha256 !== undefined && { sha256 }),
      ...(isOfArch && { architecture: arch }),
    };
  });
}
