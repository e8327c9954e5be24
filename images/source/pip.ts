/** Fetches wheels and their versions with pip, for the guest's platform. */
import { mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import { defaultArchitecture, type Architecture } from '../architectures.ts';
import { PoolproofError } from '../errors.ts';
import { missingTool, runTool } from './run-tool.ts';

/** Ways to call pip, in order of preference: Debian's python3 may be there without its pip module. */
const callers: readonly (readonly [string, ...string[]])[] = [['python3', '-m', 'pip'], ['pip3'], ['pip']];

/**
 * Downloads one wheel for the guest's platform, whatever the test machine's. Undefined when that version
 * does not exist; pip has already checked the file against the index' checksum.
 *
 * @throws PoolproofError TOOL_NOT_FOUND without pip, IMAGE_FETCH when the index cannot be read.
 */
export async function downloadWheel(
  name: string,
  version: string,
  folder: string,
  architecture: Architecture = defaultArchitecture,
): Promise<string | undefined> {
  const { file } = await askPip(name, version, folder, architecture);
  return file;
}

/** All versions of a package with a wheel for the guest's platform, oldest first. */
export async function listWheelVersions(
  name: string,
  folder: string,
  architecture: Architecture = defaultArchitecture,
): Promise<string[]> {
  // pip tells them only when it does not find what it was asked for; `pip index` is an experiment of pip's.
  const { published } = await askPip(name, '0', folder, architecture);
  return [...published];
}

type Answer = Readonly<{ file: string | undefined; published: readonly string[] }>;

async function askPip(
  name: string,
  version: string,
  folder: string,
  { wheel }: Architecture,
): Promise<Answer> {
  await mkdir(folder, { recursive: true });
  const args = [
    ...[
      'download',
      '--no-deps',
      '--only-binary=:all:',
      '--no-cache-dir',
      '--disable-pip-version-check',
      '--retries=2',
    ],
    ...(wheel?.platforms ?? []).flatMap((platform) => ['--platform', platform]),
    ...['--implementation', 'py', '--abi', 'none', '--dest', folder, `${name}==${version}`],
  ];
  for (const [file, ...prefix] of callers) {
    try {
      await runTool(file, [...prefix, ...args], {
        code: 'IMAGE_FETCH',
        doing: `fetching ${name} ${version}`,
        hint: 'check the network and the index in `pip config list`',
      });
      const wheel = (await readdir(folder)).find((entry) => entry.endsWith('.whl'));
      return { file: wheel === undefined ? undefined : path.join(folder, wheel), published: [] };
    } catch (error) {
      if (!(error instanceof PoolproofError)) throw error;
      const stderr = error.details.stderr ?? '';
      const noPip = error.code === 'TOOL_NOT_FOUND' || /No module named pip/.test(stderr);
      if (noPip) continue;
      // Without a network pip also says "no matching distribution", but then it has seen no version at all.
      const published = /from versions: (?!none)([^)]*)\)/.exec(stderr)?.[1];
      if (published !== undefined) return { file: undefined, published: published.split(', ') };
      throw error;
    }
  }
  throw missingTool('python3', `fetching ${name} ${version} (with its module pip)`);
}
