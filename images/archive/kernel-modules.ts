/** Kernel modules in the order of loading, read from the modules themselves. */
import { PoolproofError } from '../errors.ts';

/** Reads one module's file by name; undefined when the kernel has no such module file. */
export type ReadModule = (name: string) => Promise<Buffer | undefined>;

/** Modules are named with `_`, their files sometimes with `-`. */
export const moduleName = (file: string): string =>
  file
    .replace(/^.*\//, '')
    .replace(/\.ko(\.\w+)?$/, '')
    .replaceAll('-', '_');

/**
 * Resolves the modules a guest needs into the order of loading, dependencies first. A package has no
 * modules.dep (depmod writes it when installing), so dependencies are read from the modules themselves.
 *
 * @throws PoolproofError IMAGE_BUILD when a module is neither a file nor built in.
 */
export async function resolveModules(
  wanted: readonly string[],
  builtIn: ReadonlySet<string>,
  read: ReadModule,
): Promise<readonly Readonly<{ name: string; data: Buffer }>[]> {
  const order = new Map<string, Buffer>();
  const visit = async (name: string, path: readonly string[]): Promise<void> => {
    if (order.has(name) || builtIn.has(name)) return;
    const data = path.includes(name) ? undefined : await read(name);
    if (data === undefined) {
      throw new PoolproofError(
        'IMAGE_BUILD',
        `the kernel has no usable module ${[...path, name].join(' → ')}`,
      );
    }
    for (const dependency of readDependencies(data)) await visit(dependency, [...path, name]);
    order.set(name, data);
  };
  for (const name of wanted) await visit(name, []);
  return [...order].map(([name, data]) => ({ name, data }));
}

/**
 * `depends=` of a module's .modinfo section. `softdep` is left out: libcrc32c's only one, crc32c, is built
 * into Debian's cloud kernels.
 */
export function readDependencies(module: Buffer): string[] {
  const section = readElfSection(module, '.modinfo');
  const field = section
    ?.toString('latin1')
    .split('\0')
    .find((item) => item.startsWith('depends='));
  if (field === undefined)
    throw new PoolproofError('IMAGE_BUILD', 'a kernel module has no list of dependencies');
  return field.slice('depends='.length).split(',').filter(Boolean).map(moduleName);
}

/** A section of a 64-bit little-endian ELF file, by name. */
function readElfSection(file: Buffer, wanted: string): Buffer | undefined {
  if (file.length < 64 || file.readUInt32BE(0) !== 0x7f454c46 || file[4] !== 2) return undefined;
  const table = Number(file.readBigUInt64LE(40));
  const headers = Array.from({ length: file.readUInt16LE(60) }, (_, index) => {
    const at = table + index * 64;
    return {
      name: file.readUInt32LE(at),
      offset: Number(file.readBigUInt64LE(at + 24)),
      size: Number(file.readBigUInt64LE(at + 32)),
    };
  });
  const names = headers[file.readUInt16LE(62)];
  if (names === undefined) return undefined;
  const found = headers.find(({ name }) => {
    const start = names.offset + name;
    return file.toString('latin1', start, file.indexOf(0, start)) === wanted;
  });
  return found && file.subarray(found.offset, found.offset + found.size);
}
