/** Takes files out of Debian, npm and Python packages. */
import { mkdir, readFile } from 'node:fs/promises';
import { unzipSync } from 'fflate';
import { extract } from 'tar';
import { PoolproofError } from '../errors.ts';
import { runTool } from '../source/run-tool.ts';

/** Unpacks a Debian package's files below a folder; its scripts do not run. */
export async function unpackDeb(file: string, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await runTool('dpkg-deb', ['--extract', file, folder], {
    code: 'IMAGE_BUILD',
    doing: 'unpacking a Debian package',
  });
}

/** Unpacks the members of an npm package that a pattern picks; paths are without the leading `package/`. */
export async function unpackNpm(file: string, folder: string, pick: RegExp): Promise<void> {
  await mkdir(folder, { recursive: true });
  await extract({
    file,
    cwd: folder,
    strip: 1,
    strict: true,
    filter: (entry) => pick.test(entry.replace(/^[^/]+\//, '')),
  });
}

/** One member of a Python wheel, which is a zip file. */
export async function readWheelMember(file: string, member: string): Promise<Uint8Array> {
  const found = unzipSync(await readFile(file), { filter: ({ name }) => name === member })[member];
  if (found === undefined) throw new PoolproofError('IMAGE_BUILD', `the wheel has no ${member}`);
  return found;
}
