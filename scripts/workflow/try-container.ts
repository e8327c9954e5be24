/**
 * Builds and runs `images/Containerfile` where no registry of images is at hand: `node
 * dist/scripts/workflow/try-container.js [--matrix FILE] [--keep]`, as root; missing packages, mmdebstrap and buildah,
 * are installed. Its base, debian:12, is made from this computer's own mirrors. Takes a quarter of an hour where guests
 * are emulated.
 */
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { makeDebian, networkEnv } from './chroot.ts';
import { cloneCheckout, requirePackages } from './prepare-try.ts';

const say = (text: string): void => void process.stdout.write(`== ${text}\n`);

/** A container tool with its own storage, and without what a computer inside a container does not allow. */
class Buildah {
  readonly #storage: readonly string[];

  constructor(folder: string) {
    const at = (name: string): string => path.join(folder, name);
    this.#storage = ['--storage-driver', 'vfs', '--root', at('root'), '--runroot', at('run')];
  }

  async run(command: string, ...words: readonly string[]): Promise<void> {
    await execa('buildah', [...this.#storage, command, ...words], { stdout: 'inherit', stderr: 'inherit' });
  }

  async read(command: string, ...words: readonly string[]): Promise<string> {
    return (await execa('buildah', [...this.#storage, command, ...words], { stderr: 'inherit' })).stdout;
  }
}

/**
 * Debian's official image, as far as anybody can make it: a minimal root. Certificates and proxies of this computer's
 * network are part of it, since both stages fetch.
 */
async function makeBase(tool: Buildah, root: string): Promise<void> {
  await makeDebian(root);
  const container = await tool.read('from', 'scratch');
  await tool.run('copy', '--quiet', container, root, '/');
  for (const [key, value] of Object.entries(networkEnv()))
    await tool.run('config', '--env', `${key}=${value}`, container);
  await tool.run('commit', '--quiet', container, 'docker.io/library/debian:12');
  await tool.run('rm', container);
  await rm(root, { recursive: true });
}

async function tryContainer(work: string, matrix: string): Promise<boolean> {
  const tool = new Buildah(path.join(work, 'storage'));
  say('making debian:12');
  await makeBase(tool, path.join(work, 'root'));
  const source = path.join(work, 'source');
  await execa('git', ['clone', '--quiet', await cloneCheckout(path.join(work, 'repository.git')), source]);
  say('building images/Containerfile');
  const shared = ['--isolation', 'chroot', '--network', 'host'];
  const build = ['--pull=never', '--file', path.join(source, 'images/Containerfile'), '--tag', 'poolproof'];
  await tool.run('build', ...shared, ...build, source);
  const container = await tool.read('from', '--pull=never', 'poolproof');
  const folder = path.join(work, 'night');
  const cache = path.join(work, 'cache');
  await mkdir(folder);
  await mkdir(cache, { mode: 0o700 });
  const volumes = ['--volume', `${folder}:/work`, '--volume', `${cache}:/cache`];
  const inside = async (...words: readonly string[]): Promise<void> => {
    say(`poolproof ${words.join(' ')}`);
    await tool.run('run', ...shared, ...volumes, container, '--', 'poolproof', ...words);
  };
  await inside('--version');
  await inside('doctor');
  await inside('run', matrix);
  await inside('report', 'latest', '--format', 'json', 'html', '--output', 'page');
  const report = JSON.parse(await readFile(path.join(folder, 'page/report.json'), 'utf8')) as {
    summary: { total: number; byVerdict: { expected: number } };
  };
  const { total, byVerdict } = report.summary;
  say(`${byVerdict.expected} of ${total} cells as expected, in the container`);
  return total > 0 && byVerdict.expected === total;
}

const { values } = parseArgs({
  options: { matrix: { type: 'string', default: 'smoke' }, keep: { type: 'boolean', default: false } },
});
const work = await mkdtemp(path.join(tmpdir(), 'poolproof-container-'));
try {
  await requirePackages({ mmdebstrap: 'mmdebstrap', buildah: 'buildah' }, say);
  process.exitCode = (await tryContainer(work, values.matrix)) ? 0 : 1;
} finally {
  if (values.keep) say(`kept: ${work}`);
  else await rm(work, { recursive: true, force: true });
}
