/** Real guests: whatever happens to a template, the run that meets it is right and leaves nothing behind. */
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t, { type Test } from 'tap';
import { resolveCacheFolder } from '../images/cache/cache-folder.ts';
import { findQemu } from './plan/computer.ts';
import type { Result } from './store/result.ts';

const cli = path.resolve(import.meta.dirname, '../dist/harness/cli.js');
const shared = resolveCacheFolder();

/** A cache with the images that are there and no templates. */
function emptyCache(
  test: Test,
): Readonly<{ cache: string; templates: string; matrix: string; root: string }> {
  const root = mkdtempSync(path.join(tmpdir(), 'poolproof-templates-'));
  test.teardown(() => rmSync(root, { recursive: true, force: true }));
  const cache = path.join(root, 'cache');
  const templates = path.join(cache, 'templates');
  mkdirSync(templates, { recursive: true });
  for (const name of readdirSync(shared)) {
    if (name !== 'templates' && name !== 'experience.json')
      symlinkSync(path.join(shared, name), path.join(cache, name));
  }
  const matrix = path.join(root, 'one.yaml');
  writeFileSync(matrix, 'axes: {memory: [512M]}\n');
  return { cache, templates, matrix, root };
}

type Ended = Readonly<{ code: number | null; results: readonly Result[]; stderr: string }>;

function start(
  { cache, matrix, root }: ReturnType<typeof emptyCache>,
  name: string,
  env: Readonly<Record<string, string>> = {},
): Readonly<{ child: ChildProcess; ended: Promise<Ended> }> {
  const words = [cli, 'run', matrix, '--json', '--results', path.join(root, name), '--cache', cache];
  const child = spawn(process.execPath, words, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const texts = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (texts.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (texts.stderr += chunk.toString()));
  const ended = once(child, 'close').then(([code]) => ({
    code: code as number | null,
    results: texts.stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Result),
    stderr: texts.stderr,
  }));
  return { child, ended };
}

/** Reached as predicted, from a clone, at the first try. */
function isRight(test: Test, { code, results, stderr }: Ended, startKind: 'clone' | 'boot'): void {
  test.equal(code, 0, stderr);
  test.match(results, [
    { outcome: 'reached', tier: 'standard', verdict: 'expected', attempts: [{ start: startKind }] },
  ]);
}

/** Waits for a file in the folder of the template that is being built. */
async function untilBuilding(templates: string, file: string): Promise<string> {
  for (;;) {
    const folder = readdirSync(templates).find((name) => name.startsWith('.building'));
    if (folder !== undefined && existsSync(path.join(templates, folder, file))) return folder;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

t.test('another QEMU under the same name gets a template of its own', async (t) => {
  const ground = emptyCache(t);
  // QEMU looks for its modules and firmware beside the folder it lies in.
  const usr = path.join(ground.root, 'usr');
  const qemu = path.join(usr, 'bin/qemu-system-x86_64');
  mkdirSync(path.dirname(qemu), { recursive: true });
  for (const name of ['lib', 'share']) symlinkSync(path.join('/usr', name), path.join(usr, name));
  copyFileSync((await findQemu()).path, qemu);
  const env = { POOLPROOF_QEMU: qemu };
  isRight(t, await start(ground, 'before', env).ended, 'clone');
  const [before] = readdirSync(ground.templates);
  // As a package manager does: the same path, another file.
  utimesSync(qemu, new Date(), new Date(Date.now() - 86_400_000));
  isRight(t, await start(ground, 'after', env).ended, 'clone');
  const after = readdirSync(ground.templates);
  t.equal(after.length, 2);
  t.ok(before !== undefined && after.includes(before));
});

t.test(
  'SIGKILL while a template is saved: the next run builds it anew and clears the rest away',
  async (t) => {
    const ground = emptyCache(t);
    const { child, ended } = start(ground, 'killed');
    const building = await untilBuilding(ground.templates, 'state');
    child.kill('SIGKILL');
    t.equal((await ended).code, null);
    const whole = readdirSync(ground.templates).filter((name) => !name.startsWith('.'));
    t.same(whole, [], 'what was half written has no key');
    t.ok(readdirSync(ground.templates).includes(building), 'and is still there');
    isRight(t, await start(ground, 'again').ended, 'clone');
    const left = readdirSync(ground.templates);
    t.equal(left.length, 1);
    t.notMatch(left[0], /^\./);
  },
);

t.test('two runs that build one template at once are both right', async (t) => {
  const ground = emptyCache(t);
  const runs = [start(ground, 'one'), start(ground, 'two')];
  for (const { ended } of runs) isRight(t, await ended, 'clone');
  const left = readdirSync(ground.templates);
  t.equal(left.length, 1);
  t.notMatch(left[0], /^\./);
});

t.test(
  'a disk that fills up while a template is saved costs the template, not the cell',
  { skip: process.getuid?.() !== 0 && 'mounting needs root' },
  async (t) => {
    const ground = emptyCache(t);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1200M,mode=0700', 'tmpfs', ground.templates]);
    t.teardown(() => execFileSync('umount', [ground.templates]));
    const { ended } = start(ground, 'full');
    await untilBuilding(ground.templates, 'ram');
    // Ends when nothing is left.
    const filler = path.join(ground.templates, '.filler');
    spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=1M'], { stdio: 'ignore' });
    const end = await ended;
    isRight(t, end, 'boot');
    t.match(end.stderr, /notice: no template for 512 MiB/);
    t.same(readdirSync(ground.templates), ['.filler'], 'nothing half-written stays');
  },
);
