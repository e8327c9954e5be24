/** Real guests: what a run must survive, and what a clone must have in common with a boot. */
import { resolveCacheFolder } from '../../images/cache/cache-folder.ts';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import type { MachineAttempt } from '../store/result.ts';
import { loadMatrix, parseMatrix } from '../matrix/load.ts';
import { runMatrix, type RunSummary } from './run.ts';
import type { RunOptions } from './context.ts';

const root = path.resolve(import.meta.dirname, '../..');
const cli = path.join(root, 'dist/harness/cli.js');
// A name of this test's own for the cache: QEMU's command line then tells its machines from those of others.
const own = mkdtempSync(path.join(tmpdir(), 'poolproof-cache-'));
t.teardown(() => rmSync(own, { recursive: true, force: true }));
const cacheDir = path.join(own, 'cache');
symlinkSync(resolveCacheFolder(), cacheDir);
const results = mkdtempSync(path.join(tmpdir(), 'poolproof-test-'));
t.teardown(() => rmSync(results, { recursive: true, force: true }));

const smoke = await loadMatrix(path.join(root, 'matrices/smoke.yaml'));
const run = (more: Partial<RunOptions> = {}): Promise<RunSummary> =>
  runMatrix(smoke, { resultsDir: results, cacheDir, ...more });

/** QEMU processes of a run, by the folder of its cache in their command line; zombies are not running. */
function listQemu(marker: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        const state = /^State:\s+(\w)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
        return (
          command.startsWith('/') &&
          command.includes('qemu-system') &&
          command.includes(marker) &&
          state !== 'Z'
        );
      } catch {
        return false; // ended meanwhile
      }
    })
    .map(Number);
}

const outcomesOf = ({ results: list }: RunSummary) =>
  list
    .map(({ id, outcome, tier, form, verdict }) => ({ id, outcome, tier, form, verdict }))
    .sort((a, b) => a.id.localeCompare(b.id));

t.test('a clone and a boot reach the same tiers with the same deciding facts', async (t) => {
  const cloned = await run();
  t.equal(cloned.exitCode, 0);
  t.ok(
    cloned.results.every(({ attempts }) => attempts.length === 1 && attempts[0]?.start === 'clone'),
    'every cell ran from a clone',
  );
  const booted = await run({ cold: true });
  t.ok(
    booted.results.every(({ attempts }) => attempts[0]?.start === 'boot'),
    'every cell was booted',
  );
  t.same(outcomesOf(cloned), outcomesOf(booted));
  for (const clone of cloned.results) {
    const boot = booted.results.find(({ id }) => id === clone.id);
    for (const fact of [
      'memTotal',
      'commitLimit',
      'overcommitMemory',
      'thp',
      'maxMapCount',
      'addressSpaceLimit',
      'addressBits',
      'sysAdmin',
    ] as const) {
      t.equal(clone.facts?.[fact], boot?.facts?.[fact], `${clone.id}: ${fact}`);
    }
    const mib = (bytes: number | null | undefined) => (bytes ?? NaN) / 1024 ** 2;
    t.ok(
      Math.abs(mib(clone.facts?.committedAs) - mib(boot?.facts?.committedAs)) < 4,
      `${clone.id}: Committed_AS within 4 MiB`,
    );
    // The kernel does not count all page cache as available (linux si_mem_available: less the low watermark), and
    // a clone has some. No rule of the model reads this fact.
    t.ok(
      Math.abs(mib(clone.facts?.memAvailable) - mib(boot?.facts?.memAvailable)) < 96,
      `${clone.id}: MemAvailable within 96 MiB`,
    );
    t.same(
      clone.readBack.filter(({ ok }) => !ok),
      [],
    );
  }
});

t.test('a harmed template is rebuilt, and the run is right', async (t) => {
  const folder = path.join(cacheDir, 'templates');
  for (const name of readdirSync(folder).filter((entry) => !entry.startsWith('.'))) {
    truncateSync(path.join(folder, name, 'ram'), 4096);
  }
  const { exitCode, results: list } = await run();
  t.equal(exitCode, 0);
  t.ok(list.every(({ attempts }) => attempts[0]?.start === 'clone'));
});

t.test(
  'no space for templates: every cell is booted, and the run says why',
  { skip: process.getuid?.() !== 0 && 'mounting needs root' },
  async (t) => {
    const small = mkdtempSync(path.join(tmpdir(), 'poolproof-small-'));
    for (const name of readdirSync(cacheDir).filter((entry) => entry !== 'templates')) {
      execFileSync('ln', ['-s', path.join(cacheDir, name), path.join(small, name)]);
    }
    execFileSync('mkdir', [path.join(small, 'templates')]);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64M,mode=700', 'tmpfs', path.join(small, 'templates')]);
    t.teardown(() => {
      execFileSync('umount', [path.join(small, 'templates')]);
      rmSync(small, { recursive: true, force: true });
    });
    const notices: string[] = [];
    const one = parseMatrix('axes: {memory: [512M]}\n', 'one.yaml');
    const { exitCode, results: list } = await runMatrix(one, {
      resultsDir: results,
      cacheDir: small,
      onNotice: (text) => notices.push(text),
    });
    t.equal(exitCode, 0);
    t.equal(list[0]?.attempts[0]?.start, 'boot');
    t.match(notices.join('\n'), /less than 1 GiB is free/);
  },
);

t.test('SIGKILL of the harness leaves no QEMU, and --resume loses no cell and repeats none', async (t) => {
  const dir = mkdtempSync(path.join(tmpdir(), 'poolproof-test-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const matrix = path.join(root, 'matrices/smoke.yaml');
  const args = [cli, 'run', matrix, '--results', dir, '--jobs', '1'];
  const child = spawn(process.execPath, args, {
    env: { ...process.env, POOLPROOF_CACHE: cacheDir },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let seen = '';
  // The second cell is on its way when the first has its line.
  await new Promise<void>((resolve) => {
    child.stderr.on('data', (chunk: Buffer) => {
      seen += chunk.toString();
      if (/^\[1\/4\]/m.test(seen)) resolve();
    });
    child.once('exit', () => resolve());
  });
  while (listQemu(cacheDir).length === 0 && child.exitCode === null) await sleep(20);
  t.equal(child.exitCode, null, 'a guest is running');
  child.kill('SIGKILL');
  await once(child, 'exit');
  while (listQemu(cacheDir).length > 0) await sleep(20);
  const [name = ''] = readdirSync(dir).filter((entry) => entry !== 'latest');
  const lines = () =>
    readFileSync(path.join(dir, name, 'cells.jsonl'), 'utf8')
      .trim()
      .split('\n');
  const before = lines().length;
  t.ok(before >= 1 && before < 4, `${before} of 4 cells were done`);
  execFileSync(process.execPath, [...args, '--resume'], { stdio: 'ignore' });
  const ids = lines().map((line) => (JSON.parse(line) as { id: string }).id);
  t.equal(ids.length, 4);
  t.equal(new Set(ids).size, 4);
});

t.test('killing one QEMU costs that cell a retry and no other cell anything', async (t) => {
  let killed = false;
  const summary = await run({
    jobs: 1,
    reporters: [
      {
        onCellStart: () => {
          if (killed) return;
          const timer = setInterval(() => {
            const [pid] = listQemu(cacheDir);
            if (pid === undefined) return;
            clearInterval(timer);
            killed = true;
            process.kill(pid, 'SIGKILL');
          }, 20);
        },
      },
    ],
  });
  t.equal(killed, true);
  t.equal(summary.exitCode, 0);
  const tries = summary.results.map(({ attempts }) => attempts.length).sort();
  t.same(tries, [1, 1, 1, 2]);
  const hit: readonly MachineAttempt[] | undefined = summary.results.find(
    ({ attempts }) => attempts.length === 2,
  )?.attempts;
  t.match(hit?.[0], { outcome: 'broken' });
  t.match(hit?.[1], { outcome: 'reached', start: 'boot' });
});

t.test('nothing is left running', (t) => {
  t.same(listQemu(cacheDir), []);
  t.end();
});
