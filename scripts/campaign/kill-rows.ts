/** Kills: of guests, of the harness, of what keeps its lock; and a second harness beside the first. */
import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { between, pick, type Random } from './draw.ts';
import { send, type Moment, drawMoment, tell, victims, type Victim } from './harness.ts';
import { drawRun } from './small-runs.ts';
import { guestGroup, type GuestRow, type Scene } from './table.ts';

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
      return [];
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
      // The first may have closed its run, and be at its page: then nothing is left to run.
      const ranNothing = second.exitCode === 0 && !/^\[\d+\/\d+\]/m.test(second.stderr);
      if (!wasOn || ranNothing || (second.exitCode === 2 && second.stderr.includes('STORE_BUSY'))) return [];
      return [`a second harness was let in: exit code ${second.exitCode ?? 'none'}`];
    },
    ends: 'judged',
  };
}

/** Two runs at a time share cache and templates. */
function twoOnOneCache(random: Random): Scene {
  const run = drawRun(random);
  const [moment, isGone]: [Moment, boolean] = [
    { after: 'start', ms: between(random, 0, 700) },
    random() < 0.3,
  ];
  return {
    drawn: `${run.name}: two runs share a cache${isGone ? ' without templates' : ''}, ${tell(moment)}`,
    run,
    before: (place) => {
      if (isGone) for (const file of place.templateFiles('')) rmSync(file, { recursive: true });
    },
    moment,
    strike: async (_first, place) => {
      const other = `${place.results}/other`;
      const { exitCode, stderr } = await place.start(run, ['--results', other]).ended;
      return exitCode === 0 || exitCode === 2
        ? []
        : [`the other run ended with ${exitCode ?? 'a signal'}: ${stderr.slice(-300)}`];
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
      return [];
    },
    ends: 'judged or stopped',
    resume: 'completes',
  };
}

export const killRows: readonly GuestRow[] = [
  ...guestGroup('QEMU', 'kill', {
    'kill-qemu': {
      weight: 6,
      does: 'one guest is killed',
      draw: (random) => killQemuScene(random, 'one QEMU'),
    },
    'kill-all-qemu': {
      weight: 3,
      does: 'every guest is killed',
      draw: (random) => killQemuScene(random, 'each QEMU'),
    },
  }),
  ...guestGroup('harness', 'kill', {
    'kill-harness': {
      weight: 8,
      does: 'SIGKILL, then --resume',
      draw: (random) => endScene(random, 'the harness', 'SIGKILL'),
    },
    'interrupt-harness': {
      weight: 4,
      does: 'SIGINT or SIGTERM, then --resume',
      draw: (random) => endScene(random, 'the harness', pick(random, ['SIGINT', 'SIGTERM'])),
    },
    'interrupt-group': {
      weight: 4,
      does: 'Ctrl-C: SIGINT to harness and guests, then --resume',
      draw: (random) => endScene(random, 'the group', 'SIGINT'),
    },
    'interrupt-twice': {
      weight: 2,
      does: 'a second SIGINT while the first is obeyed, then --resume',
      draw: (random) => endScene(random, 'the harness', 'SIGINT', 2),
    },
  }),
  ...guestGroup('results', 'kill', {
    'kill-lock': {
      weight: 2,
      does: "the keeper of the run's lock is killed, then --resume",
      draw: killLockScene,
    },
  }),
  ...guestGroup('results', 'garble', {
    'two-on-one-run': {
      weight: 2,
      does: 'a second harness wants the run that the first is writing',
      draw: twoOnOneRun,
    },
  }),
  ...guestGroup('cache', 'slow', {
    'two-on-one-cache': {
      weight: 2,
      slow: true,
      does: 'two runs share cache and templates',
      draw: twoOnOneCache,
    },
  }),
];
