/** Faults of a fleet: real processes and a real Redis, over fake machines. */
import { setTimeout as sleep } from 'node:timers/promises';
import { cellKey } from '../../harness/store/read-run.ts';
import { parseMatrix } from '../../harness/matrix/load.ts';
import { matrixOf, type Lab, type Member } from '../../harness/fixtures/fleet-lab.ts';
import { testTiming, type FleetTask } from '../../harness/fixtures/fleet-task.ts';
import { between, pick, type Random } from './draw.ts';
import { fleetGroup, type FleetRow } from './table.ts';

export type Stage = Readonly<{
  lab: Lab;
  coordinator: Member;
  workers: readonly Member[];
}>;

/** A run of fake cells on two workers, and what happens to it. */
export type FleetScene = Readonly<{
  /** The drawn values in words. */
  drawn: string;
  cells: number;
  /** More arguments of redis-server. */
  redis?: readonly string[];
  /** More of each member's task. */
  task?: Partial<FleetTask>;
  workers?: readonly Partial<FleetTask>[];
  strike: (stage: Stage) => Promise<void>;
  /** Cells that end `broken`, and what their reason says. */
  broken?: Readonly<{ cells: number; says: RegExp }>;
  /** The coordinator may end with this before the cells have, and must then be resumed. */
  ends?: RegExp | 'killed';
  /** A notice the coordinator must give. */
  says?: RegExp;
}>;

/** Longer than a lock lasts and its loss is seen. */
const pastLockMs = 2 * testTiming.lockMs;

const scene = (drawn: string, strike: FleetScene['strike'], more: Partial<FleetScene> = {}): FleetScene => ({
  drawn,
  cells: 24,
  strike,
  ...more,
});

/** Waits until so many cells have ended. */
const after = (random: Random): Readonly<{ count: number; words: string }> => {
  const count = between(random, 1, 14);
  return { count, words: `after ${count} cells` };
};

function strikeWorker(
  random: Random,
  what: string,
  act: (worker: Member) => Promise<void> | void,
): FleetScene {
  const { count, words } = after(random);
  return scene(`${what} ${words}`, async ({ coordinator, workers: [worker] }) => {
    await coordinator.ends(count);
    if (worker !== undefined) await act(worker);
  });
}

async function pause(member: Member, ms: number): Promise<void> {
  member.kill('SIGSTOP');
  await sleep(ms);
  member.kill('SIGCONT');
}

function cutNetwork(random: Random, isCoordinator: boolean): FleetScene {
  const { count, words } = after(random);
  const ms = pick(random, [100, 800, pastLockMs]);
  const who = isCoordinator ? 'the coordinator' : 'a worker';
  return scene(`${who} is cut off for ${ms} ms ${words}`, async ({ lab, coordinator, workers }) => {
    await coordinator.ends(count);
    const member = isCoordinator ? coordinator : workers[0];
    const proxy = member === undefined ? undefined : lab.proxyOf(member);
    proxy?.cut();
    await sleep(ms);
    proxy?.mend();
  });
}

function restartRedis(random: Random, isKept: boolean): FleetScene {
  const { count, words } = after(random);
  const ms = between(random, 0, 1500);
  return scene(
    `Redis killed for ${ms} ms ${words}, ${isKept ? 'with' : 'without'} its log`,
    async ({ lab, coordinator }) => {
      await coordinator.ends(count);
      await lab.redis.kill();
      await sleep(ms);
      await lab.redis.boot();
    },
    isKept
      ? { redis: ['--appendonly', 'yes', '--appendfsync', 'always'] }
      : { says: /the queue lost \d+ cells/ },
  );
}

/** Redis that takes no writes for a while. */
function refuseWrites(
  random: Random,
  what: string,
  on: readonly [string, ...string[]],
  off: readonly [string, ...string[]],
): FleetScene {
  const { count, words } = after(random);
  const ms = pick(random, [200, 1000, pastLockMs]);
  return scene(
    `Redis ${what} for ${ms} ms ${words}`,
    async ({ lab, coordinator }) => {
      await coordinator.ends(count);
      await lab.redis.command(...on);
      await sleep(ms);
      await lab.redis.command(...off);
    },
    { ends: /^FLEET_REFUSED/ },
  );
}

/** Everything that workers have to say comes twice. */
async function doubleNews({ lab, coordinator }: Stage): Promise<void> {
  await coordinator.ends(1);
  coordinator.kill('SIGSTOP');
  await sleep(800);
  const [run] = (await lab.redis.command('SMEMBERS', 'poolproof:runs')) as readonly string[];
  const copy =
    "for _, e in ipairs(redis.call('XRANGE', KEYS[1], '-', '+')) do redis.call('XADD', KEYS[1], '*', unpack(e[2])) end";
  await lab.redis.command('EVAL', copy, '1', `poolproof:run:${run ?? ''}:news`);
  coordinator.kill('SIGCONT');
}

/** What no worker of ours writes. */
async function writeGarbage({ lab, coordinator }: Stage): Promise<void> {
  await coordinator.ends(1);
  const [run] = (await lab.redis.command('SMEMBERS', 'poolproof:runs')) as readonly string[];
  for (const text of ['', '{}', 'x'.repeat(1000)])
    await lab.redis.command('XADD', `poolproof:run:${run ?? ''}:news`, '*', 'm', text);
  await lab.redis.command('SADD', 'poolproof:workers', 'stranger');
  await lab.redis.command('SET', 'poolproof:worker:stranger', '{"name": "\u001b[2J"}');
  await lab.redis.command('SADD', 'poolproof:runs', 'other');
  await lab.redis.command('SET', 'poolproof:run:other', '[1, 2');
  await lab.redis.command('SET', 'poolproof:run:other:alive', '1');
}

async function tryPassword({ lab }: Stage): Promise<void> {
  for (const role of ['worker', 'coordinator'] as const) {
    const wrong = await lab.start(`wrong-${role}`, { role, matrix: matrixOf(1), password: 'guessed' });
    await wrong.ended;
    const [line] = wrong.lines;
    if (line?.kind !== 'failed' || !line.text.startsWith('FLEET_REFUSED') || line.text.includes('guessed'))
      throw new Error(`a wrong password: ${JSON.stringify(line)}`);
  }
}

/** The key of one of the cells. */
const keyOf = (cells: number, index: number): string => {
  const cell = [...parseMatrix(matrixOf(cells), 'm.yaml').cells()][index];
  return cell === undefined ? '' : cellKey(cell);
};

function deadlyCell(random: Random): FleetScene {
  const index = between(random, 0, 23);
  const jobs = pick(random, [1, 4]);
  const task = { deadly: keyOf(24, index), jobs };
  return scene(
    `cell ${index} takes its worker down, where ${jobs} run at a time`,
    // Three fall: one with the cell among others, two with it alone.
    () => Promise.resolve(),
    {
      workers: [task, task, task, task],
      broken: { cells: 1, says: /3 workers did not finish it, two that ran nothing else/ },
    },
  );
}

export const fleetRows: readonly FleetRow[] = [
  ...fleetGroup('fleet', 'kill', {
    'worker-killed': {
      weight: 2,
      does: 'a worker is killed with SIGKILL',
      draw: (random) => strikeWorker(random, 'a worker is killed', (worker) => worker.kill('SIGKILL')),
    },
    'worker-ended': {
      weight: 1,
      does: 'a worker is ended with SIGTERM: it hands back what it has',
      draw: (random) => strikeWorker(random, 'a worker is ended', (worker) => worker.kill('SIGTERM')),
    },
    'coordinator-killed': {
      weight: 2,
      does: 'the coordinator is killed, and its run resumed',
      draw: (random) => {
        const { count, words } = after(random);
        const strike = async ({ coordinator }: Stage): Promise<void> => {
          await coordinator.ends(count);
          coordinator.kill('SIGKILL');
        };
        return scene(`the coordinator is killed ${words}`, strike, { ends: 'killed' });
      },
    },
    'redis-killed-with-log': {
      weight: 1,
      does: 'Redis is killed and started again with its append-only file',
      draw: (random) => restartRedis(random, true),
    },
    'redis-killed-without-log': {
      weight: 1,
      does: 'Redis is killed and started again with nothing',
      draw: (random) => restartRedis(random, false),
    },
    'deadly-cell': {
      weight: 1,
      does: 'a cell takes down every worker that runs it',
      draw: deadlyCell,
    },
  }),
  ...fleetGroup('fleet', 'stop', {
    'worker-stopped': {
      weight: 2,
      does: 'a worker is stopped past its lock and let go',
      draw: (random) => strikeWorker(random, 'a worker is stopped', (worker) => pause(worker, pastLockMs)),
    },
  }),
  ...fleetGroup('fleet', 'cut', {
    'worker-cut-off': {
      weight: 2,
      does: 'the network of a worker is cut',
      draw: (random) => cutNetwork(random, false),
    },
    'coordinator-cut-off': {
      weight: 1,
      does: 'the network of the coordinator is cut',
      draw: (random) => cutNetwork(random, true),
    },
  }),
  ...fleetGroup('fleet', 'fill', {
    'redis-full': {
      weight: 1,
      does: 'Redis has no memory left for a while',
      draw: (random) =>
        refuseWrites(
          random,
          'is full',
          ['CONFIG', 'SET', 'maxmemory', '1mb'],
          ['CONFIG', 'SET', 'maxmemory', '0'],
        ),
    },
    'redis-read-only': {
      weight: 1,
      does: 'Redis is a read-only replica for a while',
      draw: (random) =>
        refuseWrites(random, 'is read-only', ['REPLICAOF', '127.0.0.1', '1'], ['REPLICAOF', 'NO', 'ONE']),
    },
  }),
  ...fleetGroup('fleet', 'garble', {
    'news-doubled': {
      weight: 1,
      does: 'everything that workers send comes twice',
      draw: () => scene('every message twice', doubleNews),
    },
    'strange-keys': {
      weight: 1,
      does: 'others write into the keys of the fleet',
      draw: () => scene('messages, workers and runs of others', writeGarbage),
    },
    'wrong-password': {
      weight: 1,
      does: 'members come with a wrong password',
      draw: () =>
        scene('a worker and a coordinator with a wrong password', tryPassword, {
          redis: ['--requirepass', 'right'],
          task: { password: 'right' },
        }),
    },
    'wrong-clocks': {
      weight: 1,
      does: 'the clocks of the machines are an hour apart',
      draw: (random) => {
        const hour = 3_600_000;
        const sign = pick(random, [1, -1]);
        const worker = strikeWorker(random, 'with clocks an hour apart, a worker is killed', (member) =>
          member.kill('SIGKILL'),
        );
        return { ...worker, workers: [{ clockSkewMs: sign * hour }, { clockSkewMs: -sign * hour }] };
      },
    },
    'two-runs': {
      weight: 1,
      does: 'two runs use one Redis',
      draw: () =>
        scene('a second run', async ({ lab }) => {
          const other = await lab.coordinator('other', matrixOf(10, 'another'));
          await other.ended;
          const end = other.lines.find(({ kind }) => kind === 'finished');
          const ended = other.lines.filter(({ kind }) => kind === 'ended').length;
          if (end === undefined || ended !== 10) throw new Error(`the second run: ${ended} of 10 cells`);
        }),
    },
  }),
];
