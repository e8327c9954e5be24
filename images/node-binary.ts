/** Node of a pinned release line as a plain file, for what is measured on this very machine. */
import path from 'node:path';
import { unpackNpm } from './archive/unpack.ts';
import { lockNames, nodes } from './definitions.ts';
import { findPackageFile } from './package-file.ts';
import type { FetchEvent } from './source/component-store.ts';

/**
 * Path of `node`, the very one that guests run; fetched and checked when it is not there.
 * @throws PoolproofError IMAGE_UNKNOWN for a line that is not pinned, and those of fetching.
 */
export async function findNodeBinary(
  line: string,
  cacheDir?: string,
  onEvent?: (event: FetchEvent) => void,
): Promise<string> {
  const node = {
    lockName: lockNames.node(line),
    title: `Node ${line}`,
    hint: `known are ${nodes.join(', ')}; --node also takes the path of a file`,
    folder: 'nodes',
    name: 'node',
    extract: async (tarball: string, folder: string): Promise<string> => {
      await unpackNpm(tarball, folder, /^bin\/node$/);
      return path.join(folder, 'bin', 'node');
    },
  };
  return findPackageFile(node, cacheDir, onEvent);
}
