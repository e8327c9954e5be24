/** The default matrix on three machines, one of them lost and one late, beside the same on this computer alone. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import t from 'tap';
import { needsFleet, readLines } from '../fixtures/fleet-lab.ts';
import { TestRedis } from '../fixtures/redis-server.ts';
import { findMatrix } from '../matrix/find-matrix.ts';
import type { Result } from '../store/result.ts';

const cli = path.resolve(import.meta.dirname, '../../dist/harness/cli.js');

/** A process in a folder of its own, and what it says to people. */
class Station {
  readonly child: ChildProcess;
  readonly ended: Promise<unknown>;
  readonly said: string[] = [];
  readonly #folder: string;
  #look: () => void = () => undefined;

  constructor(folder: string, args: readonly string[]) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
    this.child = spawn(process.execPath, [cli, ...args], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.ended = once(this.child, 'close').then(() => this.#look());
    if (this.child.stderr !== null)
      createInterface({ input: this.child.stderr }).on('line', (line) => {
        this.said.push(line);
        this.#look();
      });
  }

  /** Waits until so many lines are like this, or the process has ended. */
  async says(pattern: RegExp, count = 1): Promise<void> {
    while (this.said.filter((line) => pattern.test(line)).length < count && this.child.exitCode === null)
      await new Promise<void>((resolve) => (this.#look = resolve));
  }

  /** Lines of its run: the last of each cell. */
  results(): readonly Result[] {
    const results = path.join(this.#folder, 'results');
    const [run = ''] = readdirSync(results).filter((entry) => /^\d/.test(entry));
    return readLines(path.join(results, run));
  }
}

/** What is the same wherever a cell runs: neither times, nor machines, nor pages that happened to be free. */
const comparable = ({
  id,
  repetition,
  settings,
  outcome,
  tier,
  form,
  verdict,
  reason,
  imageDigest,
}: Result) => ({
  ...{ id, repetition, settings, outcome, tier, verdict, imageDigest },
  form: form && { checks: form.checks, slots: form.slots },
  reason: reason.replace(/\d+/g, 'n'),
});

/** What a pool maps is measured around it: what other threads of its process map just then is in it, 240 KiB once. */
const mostNoise = 2 ** 20;

const ordered = (results: readonly Result[]) =>
  results.map(comparable).sort((a, b) => (a.id < b.id ? -1 : 1));

t.test('three machines give what one gives, though one is lost and one comes late', needsFleet, async (t) => {
  const folder = t.testdir();
  await using redis = await TestRedis.start(path.join(folder, 'redis'));
  const { address } = await redis.openProxy();
  // Figures are measured by the coordinator, whoever runs the cells.
  const matrix = path.join(folder, 'default.yaml');
  writeFileSync(matrix, readFileSync(findMatrix('default'), 'utf8').replace(/^measure:.*\n/m, ''));
  const station = (name: string, ...args: readonly string[]) => new Station(path.join(folder, name), args);
  const worker = (name: string) =>
    station(name, 'work', '--fleet', address, '--name', name, '--jobs', '1', '--memory-budget', '5G');
  const workers = [worker('lost'), worker('steady')];
  const coordinator = station('coordinator', 'run', matrix, '--fleet', address);
  t.teardown(() => [...workers, coordinator].forEach(({ child }) => child.kill('SIGKILL')));
  const cellEnded = /^\[\d+\/36\] /;
  await coordinator.says(cellEnded, 8);
  workers[0]?.child.kill('SIGKILL');
  workers.push(worker('late'));
  await coordinator.ended;
  t.equal(coordinator.child.exitCode, 0, coordinator.said.slice(-20).join('\n'));
  const local = station('local', 'run', matrix);
  await local.ended;
  t.equal(local.child.exitCode, 0, local.said.slice(-20).join('\n'));
  const there = coordinator.results();
  const here = local.results();
  t.strictSame(ordered(there), ordered(here));
  const forms = new Map(here.map(({ id, form }) => [id, form]));
  for (const { id, form } of there)
    for (const bytes of ['reservedBytes', 'chargedBytes'] as const)
      t.ok(Math.abs((form?.[bytes] ?? 0) - (forms.get(id)?.[bytes] ?? 0)) < mostNoise, `${bytes} of ${id}`);
  t.equal(new Set(there.map(({ id }) => id)).size, 36);
  t.same([...new Set(there.map(({ machine }) => machine?.name))].sort(), ['late', 'lost', 'steady']);
});
