/** Kernel modules in the order of loading, read from the modules themselves. */
import { PoolproofError } from '../errors.ts';
import { findSection, isElf } from '../wasm-host/elf-section.ts';

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
    for (const wish of readWishes(data)) await visitWish(wish, [...path, name]);
    order.set(name, data);
  };
  // The names of algorithms stand for several modules; the generic one runs on every processor.
  const visitWish = async (wish: string, path: readonly string[]): Promise<void> => {
    for (const name of [`${wish}_generic`, wish]) {
      if (order.has(name) || builtIn.has(name)) return;
      if (!path.includes(name) && (await read(name)) !== undefined) return visit(name, path);
    }
  };
  for (const name of wanted) await visit(name, []);
  return [...order].map(([name, data]) => ({ name, data }));
}

/** The item of a module's .modinfo section that begins with `key=`, without it. */
function findInfo(module: Buffer, key: string): string | undefined {
  const section = isElf(module) ? findSection(module, '.modinfo') : null;
  const field = section
    ?.toString('latin1')
    .split('\0')
    .find((item) => item.startsWith(`${key}=`));
  return field?.slice(key.length + 1);
}

/** `depends=`. @throws PoolproofError IMAGE_BUILD */
export function readDependencies(module: Buffer): string[] {
  const text = findInfo(module, 'depends');
  if (text === undefined)
    throw new PoolproofError('IMAGE_BUILD', 'a kernel module has no list of dependencies');
  return text.split(',').filter(Boolean).map(moduleName);
}

/**
 * `softdep=pre: … post: …`: what it wants to be loaded before it. Without crc32c, libcrc32c and so erofs do not load;
 * a cloud kernel has it built in, a generic one as a module.
 */
export function readWishes(module: Buffer): string[] {
  const [, before = ''] = /pre: ([^:]*?)(?: post:|$)/.exec(findInfo(module, 'softdep') ?? '') ?? [];
  return before.split(' ').filter(Boolean).map(moduleName);
}
