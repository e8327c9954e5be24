/** Pauses: harness and guests are stopped and let go, or have to share the cores. */
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { between, type Random } from './draw.ts';
import { type Harness, drawMoment, tell, victims, type Victim } from './harness.ts';
import { drawRun, hosts, programs, type SmallRun } from './small-runs.ts';
import { guestGroup, type GuestRow, type Scene } from './table.ts';

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
  const [stopped, running, turns] = [
    between(random, 10, 250),
    between(random, 5, 60),
    between(random, 5, 20),
  ];
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
      const busy = Array.from({ length: loops }, () =>
        spawn('sh', ['-c', 'while :; do :; done'], { stdio: 'ignore' }),
      );
      await harness.ended;
      for (const each of busy) each.kill('SIGKILL');
      return [];
    },
    ends: 'judged',
  };
}

export const stopRows: readonly GuestRow[] = [
  ...guestGroup('QEMU', 'stop', {
    'stop-qemu': {
      weight: 5,
      does: 'SIGSTOP, 50–2500 ms, SIGCONT: every guest',
      draw: (random) => stopScene(random, 'each QEMU', drawRun(random), 50, 2500),
    },
    'stop-one-qemu': {
      weight: 4,
      does: 'the same, one guest',
      draw: (random) => stopScene(random, 'one QEMU', drawRun(random), 50, 2500),
    },
    'stop-qemu-past-deadline': {
      weight: 5,
      does: 'every guest is stopped for longer than its subject may take',
      draw: (random) => ({
        ...stopScene(random, 'each QEMU', programs, 4200, 7000),
        moment: { after: 'guest', ms: between(random, 300, 1500) },
      }),
    },
    'stop-clone': {
      weight: 0.5,
      slow: true,
      does: 'every guest is stopped for longer than a clone has to answer',
      draw: (random) => ({
        ...stopScene(random, 'each QEMU', hosts, 21_000, 24_000),
        moment: { after: 'guest', ms: between(random, 0, 60) },
      }),
    },
  }),
  ...guestGroup('harness', 'stop', {
    'stop-harness': {
      weight: 5,
      does: 'SIGSTOP, 50–4000 ms, SIGCONT: the harness alone',
      draw: (random) => stopScene(random, 'the harness', drawRun(random), 50, 4000),
    },
    'stop-harness-long': {
      weight: 0.4,
      slow: true,
      does: 'the harness alone is stopped past its own deadlines',
      draw: (random) => ({
        ...stopScene(random, 'the harness', programs, 36_000, 40_000),
        moment: { after: 'guest', ms: between(random, 300, 1500) },
      }),
    },
    'stop-group': {
      weight: 5,
      does: 'Ctrl-Z, 50–4000 ms, fg: harness and guests',
      draw: (random) => stopScene(random, 'the group', drawRun(random), 50, 4000),
    },
    'stop-group-long': {
      weight: 0.4,
      slow: true,
      does: 'harness and guests are stopped for longer than a host may take to prove a tier',
      draw: (random) => ({
        ...stopScene(random, 'the group', hosts, 62_000, 75_000),
        moment: { after: 'guest', ms: between(random, 200, 1200) },
      }),
    },
  }),
  ...guestGroup('QEMU', 'slow', {
    'slow-qemu': {
      weight: 4,
      does: 'guests are stopped and let go in turns',
      draw: (random) => slowScene(random, 'each QEMU'),
    },
  }),
  ...guestGroup('harness', 'slow', {
    'slow-group': {
      weight: 3,
      does: 'harness and guests are stopped and let go in turns',
      draw: (random) => slowScene(random, 'the group'),
    },
    load: { weight: 2, slow: true, does: 'busy loops take the cores', draw: loadScene },
  }),
];
