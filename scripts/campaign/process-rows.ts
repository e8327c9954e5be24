/** Faults of processes: the harness, QEMU and the lock's keeper are stopped, killed, slowed down. */
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { between, pick, type Random } from './draw.ts';
import { send, type Harness, type Moment } from './harness.ts';
import { hosts, programs, type SmallRun } from './small-runs.ts';
import type { GuestRow, Scene } from './table.ts';

/** Some time of a run of three seconds. */
function drawMoment(random: Random): Moment {
  const after = pick(random, ['start', 'cells', 'guest', 'guest', 'first'] as const);
  return { after, ms: between(random, 0, after === 'start' ? 600 : after === 'first' ? 500 : 1500) };
}

const drawRun = (random: Random): SmallRun => pick(random, [hosts, programs]);

const tell = ({ after, ms }: Moment): string => `${ms} ms after ${after}`;

/** Who hears a signal. */
const victims = {
  'each QEMU': (harness: Harness, name: NodeJS.Signals) => {
    for (const pid of harness.guests()) send(pid, name);
  },
  'one QEMU': (harness: Harness, name: NodeJS.Signals) => {
    const [pid] = harness.guests();
    if (pid !== undefined) send(pid, name);
  },
  'the harness': (harness: Harness, name: NodeJS.Signals) => harness.signal(name),
  'the group': (harness: Harness, name: NodeJS.Signals) => harness.signalGroup(name),
} as const;
type Victim = keyof typeof victims;

/** Stopped once for a time, or in turns. */
async function pause(harness: Harness, victim: Victim, ms: number, turns = 1, betweenMs = 0): Promise<[]> {
  for (let turn = 0; turn < turns; turn += 1) {
    victims[victim](harness, 'SIGSTOP');
    await Promise.race([sleep(ms), harness.ended]);
    victims[victim](harness, 'SIGCONT');
    if (turn + 1 < turns) await sleep(betweenMs);
  }
  return [];
}

function stopScene(random: Random, victim: Victim, run: SmallRun, low: number, high: number): Scene {
  const [moment, ms] = [drawMoment(random), between(random, low, high)];
  return {
    drawn: `${run.name}: ${victim} stopped for ${ms} ms, ${tell(moment)}`,
    run,
    moment,
    strike: (harness) => pause(harness, victim, ms),
    ends: 'judged',
  };
}

function slowScene(random: Random, victim: Victim): Scene {
  const [run, moment] = [drawRun(random), drawMoment(random)];
  const [stopped, running, turns] = [between(random, 10, 250), between(random, 5, 60), between(random, 5, 20)];
  return {
    drawn: `${run.name}: ${victim} ${turns} times stopped for ${stopped} ms and let go for ${running} ms, ${tell(moment)}`,
    run,
    moment,
    strike: (harness) => pause(harness, victim, stopped, turns, running),
    ends: 'judged',
  };
}

/** Busy loops beside a run, until its end. */
function loadScene(random: Random): Scene {
  const [run, loops] = [drawRun(random), between(random, 4, 16)];
  return {
    drawn: `${run.name}: beside ${loops} busy loops`,
    run,
    strike: async (harness) => {
      const busy = Array.from({ length: loops }, () => spawn('sh', ['-c', 'while :; do :; done'], { stdio: 'ignore' }));
      await harness.ended;
      for (const each of busy) each.kill('SIGKILL');
      return [];
    },
    ends: 'judged',
  };
}

function killQemuScene(random: Random, victim: Victim): Scene {
  const run = drawRun(random);
  const moment: Moment = { after: 'guest', ms: between(random, 0, 1800) };
  const name = pick(random, ['SIGKILL', 'SIGKILL', 'SIGTERM', 'SIGSEGV', 'SIGABRT'] as const);
  return {
    drawn: `${run.name}: ${name} to ${victim}, ${tell(moment)}`,
    run,
    moment,
    strike: (harness) => {
      victims[victim](harness, name);
      return Promise.resolve([]);
    },
    ends: 'judged',
  };
}

function endScene(random: Random, victim: Victim, name: NodeJS.Signals, times = 1): Scene {
  const [run, moment] = [drawRun(random), drawMoment(random)];
  const apart = between(random, 0, 60);
  return {
    drawn: `${run.name}: ${name} to ${victim}${times > 1 ? `, twice ${apart} ms apart` : ''}, ${tell(moment)}; resumed`,
    run,
    moment,
    strike: async (harness) => {
      for (let time = 0; time < times; time += 1) {
        if (time > 0) await sleep(apart);
        victims[victim](harness, name);
      }
      return [];
    },
    ends: 'stopped',
    resume: 'completes',
  };
}

/** A second harness on the folder of the first, which holds its lock. */
function twoOnOneRun(random: Random): Scene {
  const run = drawRun(random);
  const moment: Moment = { after: 'cells', ms: between(random, 0, 900) };
  return {
    drawn: `${run.name}: --resume of a run that is on, ${tell(moment)}`,
    run,
    moment,
    strike: async (first, place) => {
      const second = await place.start(run, ['--resume']).ended;
      const wasOn = await Promise.race([first.ended.then(() => false), Promise.resolve(true)]);
      if (!wasOn || (second.exitCode === 2 && second.stderr.includes('STORE_BUSY'))) return [];
      return [`a second harness was let in: exit code ${second.exitCode ?? 'none'}`];
    },
    ends: 'judged',
  };
}

/** Two runs at a time share cache and templates. */
function twoOnOneCache(random: Random): Scene {
  const run = drawRun(random);
  const [moment, isGone]: [Moment, boolean] = [{ after: 'start', ms: between(random, 0, 700) }, random() < 0.3];
  return {
    drawn: `${run.name}: two runs share a cache${isGone ? ' without templates' : ''}, ${tell(moment)}`,
    run,
    ...(isGone && { args: ['--template-cache', '1M'] }),
    moment,
    strike: async (_first, place) => {
      const other = `${place.results}/other`;
      const { exitCode, stderr } = await place.start(run, ['--results', other]).ended;
      return exitCode === 0 || exitCode === 2 ? [] : [`the other run ended with ${exitCode ?? 'a signal'}: ${stderr.slice(-300)}`];
    },
    ends: 'judged',
  };
}

/** The keeper of the lock has a group of its own, so that a Ctrl-C leaves it alone. */
function killLockScene(random: Random): Scene {
  const run = drawRun(random);
  const moment: Moment = { after: 'cells', ms: between(random, 0, 1200) };
  return {
    drawn: `${run.name}: the keeper of the run's lock is killed, ${tell(moment)}; resumed`,
    run,
    moment,
    strike: (harness) => {
      for (const pid of harness.lockKeepers()) send(pid, 'SIGKILL');
      return Promise.resolve([]);
    },
    ends: 'judged or stopped',
    resume: 'completes',
  };
}

export const processRows: readonly GuestRow[] = [
  { name: 'stop-qemu', target: 'QEMU', way: 'stop', weight: 5, does: 'SIGSTOP, 50–2500 ms, SIGCONT: every guest', draw: (random) => stopScene(random, 'each QEMU', drawRun(random), 50, 2500) },
  { name: 'stop-one-qemu', target: 'QEMU', way: 'stop', weight: 4, does: 'the same, one guest', draw: (random) => stopScene(random, 'one QEMU', drawRun(random), 50, 2500) },
  { name: 'stop-qemu-past-deadline', target: 'QEMU', way: 'stop', weight: 5, does: 'every guest is stopped for longer than its subject may take', draw: (random) => ({ ...stopScene(random, 'each QEMU', programs, 4200, 7000), moment: { after: 'guest', ms: between(random, 300, 1500) } }) },
  { name: 'stop-clone', target: 'QEMU', way: 'stop', weight: 0.5, does: 'every guest is stopped for longer than a clone has to answer', draw: (random) => ({ ...stopScene(random, 'each QEMU', hosts, 21_000, 24_000), moment: { after: 'guest', ms: between(random, 0, 60) } }) },
  { name: 'stop-harness', target: 'harness', way: 'stop', weight: 5, does: 'SIGSTOP, 50–4000 ms, SIGCONT: the harness alone', draw: (random) => stopScene(random, 'the harness', drawRun(random), 50, 4000) },
  { name: 'stop-harness-long', target: 'harness', way: 'stop', weight: 0.4, does: 'the harness alone is stopped past its own deadlines', draw: (random) => ({ ...stopScene(random, 'the harness', programs, 36_000, 40_000), moment: { after: 'guest', ms: between(random, 300, 1500) } }) },
  { name: 'stop-group', target: 'harness', way: 'stop', weight: 5, does: 'Ctrl-Z, 50–4000 ms, fg: harness and guests', draw: (random) => stopScene(random, 'the group', drawRun(random), 50, 4000) },
  { name: 'stop-group-long', target: 'harness', way: 'stop', weight: 0.4, does: 'harness and guests are stopped for longer than a host may take to prove a tier', draw: (random) => ({ ...stopScene(random, 'the group', hosts, 62_000, 75_000), moment: { after: 'guest', ms: between(random, 200, 1200) } }) },
  { name: 'slow-qemu', target: 'QEMU', way: 'slow', weight: 4, does: 'guests are stopped and let go in turns', draw: (random) => slowScene(random, 'each QEMU') },
  { name: 'slow-group', target: 'harness', way: 'slow', weight: 3, does: 'harness and guests are stopped and let go in turns', draw: (random) => slowScene(random, 'the group') },
  { name: 'load', target: 'harness', way: 'slow', weight: 2, does: 'busy loops take the cores', draw: loadScene },
  { name: 'kill-qemu', target: 'QEMU', way: 'kill', weight: 6, does: 'one guest is killed', draw: (random) => killQemuScene(random, 'one QEMU') },
  { name: 'kill-all-qemu', target: 'QEMU', way: 'kill', weight: 3, does: 'every guest is killed', draw: (random) => killQemuScene(random, 'each QEMU') },
  { name: 'kill-harness', target: 'harness', way: 'kill', weight: 8, does: 'SIGKILL, then --resume', draw: (random) => endScene(random, 'the harness', 'SIGKILL') },
  { name: 'interrupt-harness', target: 'harness', way: 'kill', weight: 4, does: 'SIGINT or SIGTERM, then --resume', draw: (random) => endScene(random, 'the harness', pick(random, ['SIGINT', 'SIGTERM'])) },
  { name: 'interrupt-group', target: 'harness', way: 'kill', weight: 4, does: 'Ctrl-C: SIGINT to harness and guests, then --resume', draw: (random) => endScene(random, 'the group', 'SIGINT') },
  { name: 'interrupt-twice', target: 'harness', way: 'kill', weight: 2, does: 'a second SIGINT while the first is obeyed, then --resume', draw: (random) => endScene(random, 'the harness', 'SIGINT', 2) },
  { name: 'kill-lock', target: 'results', way: 'kill', weight: 2, does: "the keeper of the run's lock is killed, then --resume", draw: killLockScene },
  { name: 'two-on-one-run', target: 'results', way: 'garble', weight: 2, does: 'a second harness wants the run that the first is writing', draw: twoOnOneRun },
  { name: 'two-on-one-cache', target: 'cache', way: 'slow', weight: 2, does: 'two runs share cache and templates', draw: twoOnOneCache },
];
