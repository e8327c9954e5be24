/** Packs a folder into a read-only erofs disk whose bytes depend on nothing but its files. */
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { runTool } from '../source/run-tool.ts';

/** Any fixed value: a random one, mkfs' default, would make every build different. */
const uuid = '00000000-0000-4000-8000-000000000000';

/**
 * Packs a folder into a read-only erofs image. Uncompressed, because under emulation reading is cheaper
 * than inflating; owners and times are fixed, so equal trees give equal bytes.
 *
 * @throws PoolproofError TOOL_NOT_FOUND without mkfs.erofs, DISK_FULL, IMAGE_BUILD
 */
export async function buildErofs(tree: string, file: string): Promise<void> {
  await runTool('mkfs.erofs', ['-x-1', '-T0', '--all-root', '-U', uuid, file, tree], {
    code: 'IMAGE_BUILD',
    doing: 'building a disk',
  });
}

/** Writes one file of a tree; the mode is set afterwards, so that the umask has no say. */
export async function writeTreeFile(
  tree: string,
  name: string,
  data: Uint8Array | string,
  mode = 0o644,
): Promise<void> {
  const file = path.join(tree, name);
  await makeTreeFolder(tree, path.dirname(name));
  await writeFile(file, data);
  await chmod(file, mode);
}

export async function linkInTree(tree: string, name: string, target: string): Promise<void> {
  await makeTreeFolder(tree, path.dirname(name));
  await symlink(target, path.join(tree, name));
}

/** Makes a folder and those above it, each with mode 0755; `.` is the tree itself. */
export async function makeTreeFolder(tree: string, name: string): Promise<void> {
  const parts = name === '.' ? [] : name.split('/');
  for (let depth = 0; depth <= parts.length; depth += 1) {
    const folder = path.join(tree, ...parts.slice(0, depth));
    await mkdir(folder, { recursive: true });
    await chmod(folder, 0o755);
  }
}
