/** Lists the compiled wasm host and model as the files of their disk. */
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { PoolproofError } from '../errors.ts';
import { project } from '../paths.ts';

/** Files of the host disk: compiled code, scripts and modules; no types, tests, sources or texts. */
const carried = /(?<!\.test)\.(c?js|json|wasm|sh)$/;

/** Measuring code has a disk of its own: its changes must not change the guests that decide verdicts. */
const measures = /^(measure[-.]|workloads\/)/;

/** Makes modules at build time; a package has no such file, and its guests are those of a checkout. */
const builds = /^compile-modules\./;

const parts: readonly string[] = ['wasm-host', 'allocator'];

/** Extension of a compiled source; a file of another kind is not part of a guest. */
const compiledExtension: Readonly<Record<string, string>> = { '.ts': '.js', '.sh': '.sh', '.wat': '.wasm' };

/** Bundled in `serve.cjs` and `serve-thread.cjs`. */
const bundled = /^serve(-.*)?\.js$/;

const isCarried = (file: string): boolean =>
  carried.test(file) && ![measures, builds, bundled].some((pattern) => pattern.test(file));

/**
 * Reads the compiled wasm host: path on the disk → bytes, in a fixed order. A folder other than the
 * project's own is taken as it is.
 *
 * @throws PoolproofError IMAGE_BUILD when it is not compiled, or older than its sources: a guest running
 * yesterday's host would give a wrong verdict.
 */
export async function loadHostFiles(
  compiledFolder: string = project.compiledFolder,
  sourceFolder: string | undefined = compiledFolder === project.compiledFolder
    ? project.sourceFolder
    : undefined,
): Promise<ReadonlyMap<string, Buffer>> {
  const files = new Map<string, Buffer>();
  for (const part of parts) {
    const folder = path.join(compiledFolder, part);
    const names = await listFiles(folder);
    if (!names.some((name) => name.endsWith('.js'))) throw notCompiled(`${folder} has no compiled code`);
    if (sourceFolder !== undefined) await checkUpToDate(path.join(sourceFolder, part), folder);
    for (const name of names.filter((file) => isCarried(file)).sort()) {
      files.set(`${part}/${name}`, await readFile(path.join(folder, name)));
    }
  }
  return files;
}

export type MeasureFiles = Readonly<{
  /** The measuring program, one file. */
  program: Buffer;
  /** Kernels by file name. */
  kernels: ReadonlyMap<string, Buffer>;
}>;

/** @throws PoolproofError IMAGE_BUILD when they are not compiled */
export async function loadMeasureFiles(
  compiledFolder: string = project.compiledFolder,
): Promise<MeasureFiles> {
  const folder = path.join(compiledFolder, 'wasm-host');
  const names = (await listFiles(folder)).filter((name) => /^workloads\/.*\.wasm$/.test(name));
  const program = await readFile(path.join(folder, 'measure.cjs')).catch(unlessAbsent);
  if (program === undefined || names.length === 0) throw notCompiled(`${folder} has no measuring program`);
  const kernels = await Promise.all(
    names.sort().map(async (name) => [path.basename(name), await readFile(path.join(folder, name))] as const),
  );
  return { program, kernels: new Map(kernels) };
}

/**
 * Compares times of sources and of what the build made of them. An installed package has no sources, and
 * then nothing can be out of date.
 *
 * @throws PoolproofError IMAGE_BUILD
 */
export async function checkUpToDate(sources: string, compiled: string): Promise<void> {
  if (path.resolve(sources) === path.resolve(compiled)) return;
  for (const name of await listFiles(sources)) {
    const extension = path.extname(name);
    const target = compiledExtension[extension];
    if (target === undefined || /\.(test|d)\.ts$/.test(name)) continue;
    const file = path.join(compiled, `${name.slice(0, -extension.length)}${target}`);
    const made = await stat(file).catch(unlessAbsent);
    const written = await stat(path.join(sources, name));
    if (made === undefined || made.mtimeMs < written.mtimeMs) throw notCompiled(`${file} is not up to date`);
  }
}

function notCompiled(message: string): PoolproofError {
  return new PoolproofError('IMAGE_BUILD', `what runs in a guest is not compiled: ${message}`, {
    hint: 'npm run build',
  });
}

/** Nothing for an absent file; other errors, such as too many open files, say nothing about the build. */
function unlessAbsent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

async function listFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(unlessAbsent);
  return (entries ?? [])
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)));
}
