/** Recipes: one plan per file of an image, with its components and the way it is made of them. */
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { defaultArchitecture, type Architecture } from './architectures.ts';
import { buildBytecode, bytecodePrograms } from './archive/bytecode.ts';
import { buildErofs, linkInTree, makeTreeFolder, writeTreeFile } from './archive/erofs.ts';
import type { MeasureFiles } from './archive/host-files.ts';
import { buildBaseArchive, collectModules, findKernel, listModules } from './archive/initramfs.ts';
import { readWheelMember, unpackDeb, unpackNpm } from './archive/unpack.ts';
import { hashRecipe } from './cache/image-cache.ts';
import {
  busyboxApplets,
  engineDisk,
  findKernelRow,
  guestModules,
  koffiPackagesOf,
  librariesOf,
  lockNamesOf,
  measureDisk,
  mountPoint,
  nodeDisk,
  requestedArchitecture,
  workloadsDisk,
  type ImageRequest,
} from './definitions.ts';
import { PoolproofError } from './errors.ts';
import type { Pin } from './lock.ts';
import { extractWorkloads } from './wasm-host/workloads/extract.ts';
import { bytecodeFile } from './wasm-host/worker-script.ts';
import { workloadPackages } from './wasm-host/workloads/packages.ts';
import type { OwnKernelFiles } from './source/own-kernel-files.ts';
import { workloadLockName } from './workload-files.ts';

/** One file of an image: what it is made of, and how. */
export type ArtefactPlan = Readonly<{
  name: string;
  kind: 'kernel' | 'initramfs' | 'disk';
  /** Lock names. */
  components: readonly string[];
  /** Whatever else the bytes depend on; part of the recipe. */
  inputs: unknown;
  build: (parts: BuildParts) => Promise<Built>;
}>;

export type BuildParts = Readonly<{
  /** Path of a component's package file. */
  fileOf: (lockName: string) => string;
  /** Empty folder to work in. */
  folder: string;
}>;

type Built = Readonly<{ file: string; facts?: Readonly<Record<string, string>> }>;

/**
 * Part of every recipe: raise it whenever the code below archive/ or here would give other bytes for the same
 * inputs, or caches go on serving what the old code built.
 */
export const recipeVersion = 2;

/** What a request needs, from tables alone; `pins` says how many packages its kernel consists of. */
export function planArtefacts(
  request: ImageRequest,
  pins: readonly Pin[],
  hostFiles: ReadonlyMap<string, Buffer>,
  /** Null: nothing is measured. */
  measureFiles: MeasureFiles | null,
  /** The kernel, where it is none of the pins. */
  own: OwnKernelFiles | null = null,
): ArtefactPlan[] {
  const architecture = requestedArchitecture(request);
  const prefix = lockNamesOf(architecture).kernel(request.kernel, '');
  const kernelPins = pins.map((pin) => pin.name).filter((name) => name.startsWith(prefix));
  return [
    ...(own === null
      ? [kernelPlan(request.kernel, kernelPins), initramfsPlan(request.kernel, kernelPins, architecture)]
      : planOwnKernel(own, architecture)),
    basePlan(architecture),
    hostPlan(hostFiles),
    ...request.nodes.map((line) => nodePlan(line, hostFiles, architecture)),
    ...request.engines.map((version) => enginePlan(version, architecture)),
    ...(measureFiles === null ? [] : [measurePlan(measureFiles), workloadsPlan(measureFiles)]),
  ];
}

async function unpackKernel(kernelPins: readonly string[], parts: BuildParts): ReturnType<typeof findKernel> {
  const tree = path.join(parts.folder, 'kernel');
  for (const name of kernelPins) await unpackDeb(parts.fileOf(name), tree);
  return findKernel(tree);
}

const kernelPlan = (row: string, kernelPins: readonly string[]): ArtefactPlan => ({
  name: `kernel-${row}`,
  kind: 'kernel',
  components: kernelPins,
  inputs: null,
  build: async (parts) => {
    const kernel = await unpackKernel(kernelPins, parts);
    return { file: kernel.vmlinuz, facts: { release: kernel.release } };
  },
});

const modulesOf = (row: string): readonly string[] => [
  ...(findKernelRow(row)?.modules ?? []),
  ...guestModules,
];

const initramfsPlan = (
  row: string,
  kernelPins: readonly string[],
  architecture: Architecture,
): ArtefactPlan => ({
  name: `initramfs-base-${row}`,
  kind: 'initramfs',
  components: [...kernelPins, lockNamesOf(architecture).debian('busybox-static')],
  inputs: { guestModules: modulesOf(row), busyboxApplets },
  build: async (parts) => {
    const { modulesFolder, release } = await unpackKernel(kernelPins, parts);
    const modules = await collectModules(await listModules(modulesFolder), modulesOf(row));
    return writeInitramfs(parts, modules, release, architecture);
  },
});

async function writeInitramfs(
  { folder, fileOf }: BuildParts,
  modules: OwnKernelFiles['modules'],
  release: string,
  architecture: Architecture,
): Promise<Built> {
  const tree = path.join(folder, 'busybox');
  await unpackDeb(fileOf(lockNamesOf(architecture).debian('busybox-static')), tree);
  const file = path.join(folder, 'initramfs');
  const busybox = await readFirst(tree, ['bin/busybox', 'usr/bin/busybox']);
  await writeFile(file, buildBaseArchive(modules, busybox, architecture));
  return { file, facts: { release } };
}

/** Of files that no package manager knows: they are read before, and named by their contents. */
const planOwnKernel = (
  { digest, release, bytes, modules }: OwnKernelFiles,
  architecture: Architecture,
): readonly ArtefactPlan[] => [
  {
    name: `kernel-${ownKernelName(digest)}`,
    kind: 'kernel',
    components: [],
    inputs: { digest },
    build: async ({ folder }) => {
      const file = path.join(folder, 'vmlinuz');
      await writeFile(file, bytes);
      return { file, facts: { release } };
    },
  },
  {
    name: `initramfs-base-${ownKernelName(digest)}`,
    kind: 'initramfs',
    components: [lockNamesOf(architecture).debian('busybox-static')],
    inputs: { guestModules, busyboxApplets, digest },
    build: (parts) => writeInitramfs(parts, modules, release, architecture),
  },
];

/** In place of a row's name, in the names of its artefacts. */
export const ownKernelName = (digest: string): string => `own-${digest.slice(0, 12)}`;

const koffiFiles = ({ npm }: Architecture): RegExp =>
  new RegExp(
    String.raw`^(package\.json|LICENSE.*|(index|indirect)\.c?js|src/koffi/.*\.c?js|${npm?.koffiFolder ?? ''}/.*)$`,
  );

/** C library and friends in one flat folder, and koffi: what every Node and engine needs. */
const basePlan = (architecture: Architecture): ArtefactPlan => ({
  name: 'base',
  kind: 'disk',
  components: [
    ...librariesOf(architecture).map((row) => lockNamesOf(architecture).debian(row.package)),
    ...koffiPackagesOf(architecture).map((name) => lockNamesOf(architecture).koffi(name)),
  ],
  inputs: { libraries: librariesOf(architecture) },
  build: async ({ fileOf, folder }) => {
    const tree = path.join(folder, 'tree');
    const { libraryFolder } = architecture.debian;
    const lockNames = lockNamesOf(architecture);
    for (const row of librariesOf(architecture)) {
      const unpacked = path.join(folder, row.package);
      await unpackDeb(fileOf(lockNames.debian(row.package)), unpacked);
      for (const soname of row.sonames) {
        const places = ['lib', 'usr/lib'].map((place) => `${place}/${libraryFolder}/${soname}`);
        // Read through the link: on the disk a library has only the name it is asked for by.
        await writeTreeFile(tree, `lib/${soname}`, await readFirst(unpacked, places), 0o755);
      }
      for (const script of row.scripts ?? []) {
        const data = await readFile(path.join(unpacked, 'usr/share/nodejs', script));
        await writeTreeFile(tree, `share/nodejs/${script}`, data, 0o644);
      }
      await keepCopyright(unpacked, row.package, tree);
    }
    for (const name of koffiPackagesOf(architecture)) {
      const target = path.join(tree, 'node_modules', name);
      await makeTreeFolder(tree, `node_modules/${name}`);
      // Without its sources, documentation and the build for musl.
      await unpackNpm(fileOf(lockNames.koffi(name)), target, koffiFiles(architecture));
    }
    return finishDisk(tree, folder);
  },
});

/** Changes with this project's code; small, so that building it costs nothing. */
const hostPlan = (files: ReadonlyMap<string, Buffer>): ArtefactPlan => ({
  name: 'host',
  kind: 'disk',
  components: [],
  inputs: { digest: digestFiles(files) },
  build: async ({ folder }) => {
    const tree = path.join(folder, 'tree');
    for (const [name, data] of files) {
      await writeTreeFile(tree, name, data, name.endsWith('.sh') ? 0o755 : 0o644);
    }
    await writeTreeFile(tree, 'package.json', '{ "type": "module" }\n');
    // Node looks for koffi in the folders above the program: this is the nearest one of both its parts.
    await linkInTree(tree, 'node_modules', `${mountPoint('base')}/node_modules`);
    return finishDisk(tree, folder);
  },
});

/** Apart from its workloads, so that a change of the program costs no new machine code of theirs. */
const measurePlan = ({ program }: MeasureFiles): ArtefactPlan => ({
  name: measureDisk,
  kind: 'disk',
  components: [],
  inputs: { digest: digestFiles(new Map([['measure.cjs', program]])) },
  build: async ({ folder }) => {
    const tree = path.join(folder, 'tree');
    await writeTreeFile(tree, 'measure.cjs', program, 0o644);
    await linkInTree(tree, 'node_modules', `${mountPoint('base')}/node_modules`);
    return finishDisk(tree, folder);
  },
});

/** Kernels, and what of published packages the real programs are. */
const workloadsPlan = ({ kernels }: MeasureFiles): ArtefactPlan => ({
  name: workloadsDisk,
  kind: 'disk',
  components: workloadPackages.map(workloadLockName),
  inputs: { digest: digestFiles(kernels), workloadPackages },
  build: async ({ fileOf, folder }) => {
    const tree = path.join(folder, 'tree');
    const folderOf = (name: string): string => path.join(folder, 'packages', name.replaceAll('/', '+'));
    for (const wanted of workloadPackages)
      await unpackNpm(fileOf(workloadLockName(wanted)), folderOf(wanted.name), /./);
    const files = [...kernels, ...(await extractWorkloads(folderOf))];
    for (const [name, data] of files) await writeTreeFile(tree, name, data, 0o644);
    return finishDisk(tree, folder);
  },
});

const digestFiles = (files: ReadonlyMap<string, Buffer>): string =>
  hashRecipe([...files].map(([name, data]) => [name, createHash('sha256').update(data).digest('hex')]));

/**
 * Node, and beside it the bytecode of the host's worker that it takes: only of the architecture that every computer
 * which builds images can run, so that all of them build the same.
 */
const nodePlan = (
  line: string,
  hostFiles: ReadonlyMap<string, Buffer>,
  architecture: Architecture,
): ArtefactPlan => {
  const hasBytecode = architecture === defaultArchitecture;
  const programs = new Map([...hostFiles].filter(([name]) => hasBytecode && bytecodePrograms.includes(name)));
  const component = lockNamesOf(architecture).node(line);
  return {
    name: nodeDisk(line),
    kind: 'disk',
    components: [component],
    inputs: { digest: digestFiles(programs) },
    build: async ({ fileOf, folder }) => {
      const tree = path.join(folder, 'tree');
      await makeTreeFolder(tree, 'bin');
      await (architecture.npm === null ? unpackDebianNode : unpackNode)(fileOf(component), tree, folder);
      for (const [name, data] of programs) await writeTreeFile(folder, name, data);
      const node = path.join(tree, 'bin/node');
      const bytecode = hasBytecode ? await buildBytecode(node, path.join(folder, 'wasm-host'), folder) : null;
      if (bytecode !== null) await writeTreeFile(tree, `bin/${bytecodeFile}`, bytecode);
      return finishDisk(tree, folder);
    },
  };
};

const unpackNode = (file: string, tree: string): Promise<void> =>
  unpackNpm(file, tree, /^(bin\/node|LICENSE)$/);

/** Its libraries are on the base disk. */
async function unpackDebianNode(file: string, tree: string, folder: string): Promise<void> {
  const unpacked = path.join(folder, 'nodejs');
  await unpackDeb(file, unpacked);
  await writeTreeFile(tree, 'bin/node', await readFile(path.join(unpacked, 'usr/bin/node')), 0o755);
  await keepCopyright(unpacked, 'nodejs', tree);
}

const enginePlan = (version: string, architecture: Architecture): ArtefactPlan => ({
  name: engineDisk(version),
  kind: 'disk',
  components: [lockNamesOf(architecture).engine(version)],
  inputs: { engineLibrary: architecture.wheel?.library },
  build: async ({ fileOf, folder }) => {
    const tree = path.join(folder, 'tree');
    const wheel = fileOf(lockNamesOf(architecture).engine(version));
    const library = await readWheelMember(wheel, architecture.wheel?.library ?? '');
    await writeTreeFile(tree, 'lib/libwasmtime.so', library, 0o755);
    return finishDisk(tree, folder);
  },
});

async function finishDisk(tree: string, folder: string): Promise<Built> {
  const file = path.join(folder, 'disk.erofs');
  await buildErofs(tree, file);
  return { file };
}

async function readFirst(tree: string, places: readonly string[]): Promise<Buffer> {
  for (const place of places) {
    const data = await readFile(path.join(tree, place)).catch(() => undefined);
    if (data !== undefined) return data;
  }
  throw new PoolproofError('IMAGE_BUILD', `a package has none of ${places.join(', ')}`);
}

/**
 * The licence travels with the library. libgcc, libstdc++ and libatomic have theirs in a package that
 * nothing else needs: their doc folder is a dangling link, and the texts are in README.md's list.
 */
async function keepCopyright(unpacked: string, name: string, tree: string): Promise<void> {
  const from = path.join(unpacked, 'usr/share/doc', name, 'copyright');
  const text = await readFile(from).catch(() => undefined);
  if (text !== undefined) await writeTreeFile(tree, `licences/${name}`, text);
}
