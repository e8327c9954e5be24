/** Checks of what is said about a guest and its subject: settings as a program finds them, eight outcomes, times. */
import type { Settings } from '../axes/table.ts';
import { buildWrites } from '../axes/guest-settings.ts';
import { applySettings } from '../guest/observe.ts';
import type { StartMachine } from '../machine/machine.ts';
import type { Cell } from '../matrix/cell.ts';
import { parseMatrix } from '../matrix/load.ts';
import type { Outcome } from '../outcome/outcome.ts';
import { runCell } from '../run/run-cell.ts';
import type { Bench } from './bench.ts';
import { judge, listSome, type Check, type Finding } from './check.ts';
import { describeTimes, spreadOf } from './figures.ts';

/** Each differs from what a guest comes up with. */
const written: Partial<Settings> = { overcommit: 2, overcommitRatio: 40, maxMapCount: 70_000, thp: 'never' };

/** Three accounts of each file: what was written, what the session reads, and what a program in the guest reads. */
async function compareAccounts(bench: Bench): Promise<Finding> {
  const settings = { ...bench.settings, ...written };
  await using open = await bench.open('clone');
  await applySettings(open.session, settings, bench.deadlines);
  const writes = buildWrites(settings);
  const paths = writes.map(({ path }) => path);
  const { stdout, texts } = await bench.exec(open, ['/bin/busybox', 'grep', '-H', '', ...paths], settings);
  const seen = new Map(
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]),
  );
  const differences = writes.flatMap(({ path, value }) => {
    const program = seen.get(path) ?? 'nothing';
    const session = texts[path]?.trim() ?? 'nothing';
    // A file with choices marks the present one.
    const isWritten = program === value || program.includes(`[${value}]`);
    return isWritten && session === program
      ? []
      : [`${path}: written ${value}, the session reads ${session}, a program ${program}`];
  });
  return judge(
    differences.length === 0,
    differences.length === 0 ? `${paths.length} files, three accounts of each agree` : listSome(differences),
  );
}

const subjects = {
  dies: { run: ['/bin/sh', '-c', 'kill -SEGV $$'] },
  sleeps: { run: ['/bin/sleep', '100'], timeout: '1s' },
  resets: { run: ['/bin/sh', '-c', 'echo b >/proc/sysrq-trigger; sleep 8'], timeout: '8s' },
};

/** One cell for each outcome. */
const provocations: Readonly<Record<Outcome, Readonly<{ settings: object; kills?: true }>>> = {
  reached: { settings: { overcommit: 0 } },
  // The one tier that it may try does not fit.
  exhausted: { settings: { overcommit: 2, allocator: 'standard' } },
  crashed: { settings: { subject: 'dies' } },
  timeout: { settings: { subject: 'sleeps' } },
  'guest-died': { settings: { subject: 'resets' } },
  // All cells run on the machine of the bench, which has half of that.
  invalid: { settings: { memory: '1G' } },
  // Every QEMU is killed as soon as it runs.
  broken: { settings: { overcommit: 1 }, kills: true },
  // Of a later kernel than the guest's.
  skipped: { settings: { mdwe: 'prctl' } },
};

const wantedOutcomes = Object.keys(provocations) as Outcome[];

function buildCells({ arch }: Pick<Settings, 'arch'>): readonly Cell[] {
  const include = Object.values(provocations).map(({ settings }) => ({ arch, memory: '512M', ...settings }));
  const expect = [
    { where: { subject: 'resets' }, outcome: 'guest-died' },
    { where: { subject: 'dies' }, outcome: 'crashed' },
    { where: { subject: 'sleeps' }, outcome: 'timeout' },
  ];
  return [...parseMatrix(JSON.stringify({ subjects, include, expect }), 'selftest').cells()];
}

const killed =
  (start: StartMachine): StartMachine =>
  async (...words) => {
    const machine = await start(...words);
    process.kill(machine.pid, 'SIGKILL');
    return machine;
  };

async function provokeOutcomes(bench: Bench): Promise<Finding> {
  const { template } = await bench.template();
  const { spec, images, deadlines, signal, startMachine } = bench;
  const wrong: string[] = [];
  const cells = buildCells(bench.settings);
  for (const [index, wanted] of wantedOutcomes.entries()) {
    const cell = cells[index];
    if (cell === undefined) throw new RangeError('an outcome without a cell');
    const start = provocations[wanted].kills === true ? killed(startMachine) : startMachine;
    const { result, stopped } = await runCell(cell, {
      ...{ spec, images, deadlines, template, signal },
      startMachine: start,
      onDoubtfulClone: () => Promise.resolve(),
    });
    await stopped;
    if (result.outcome !== wanted) wrong.push(`${wanted} was ${result.outcome}: ${result.reason}`);
  }
  return judge(wrong.length === 0, wrong.length === 0 ? wantedOutcomes.join(', ') : listSome(wrong));
}

const loops = 12;

/** Counting takes some tenths of a second in an emulated guest. */
const countScript = 'i=0; while [ $i -lt 40000 ]; do i=$((i + 1)); done';

/** The same work again and again: how far its times lie apart, by the guest's clock. */
async function measureNoise(bench: Bench): Promise<Finding> {
  await using open = await bench.open('clone');
  const times: number[] = [];
  while (times.length < loops) {
    const { durationMs } = await bench.exec(open, ['/bin/sh', '-c', countScript]);
    times.push(durationMs);
  }
  const { median, low, high } = spreadOf(times);
  const spread = ((100 * (high - low)) / Math.max(1, median)).toFixed(0);
  return {
    status: 'noted',
    found: `one loop ${loops} times: ${describeTimes(times)}: ${spread} % of the median`,
  };
}

export const guestChecks: readonly Check[] = [
  {
    name: 'settings',
    assumes: 'what the session says of a setting is what a program in the guest finds',
    beside: 'images/guest/session.sh',
    ask: compareAccounts,
  },
  {
    name: 'outcomes',
    assumes: 'each of the eight outcomes is recognised',
    beside: 'harness/outcome/classify.ts',
    ask: provokeOutcomes,
  },
  {
    name: 'timing',
    assumes: 'times in guests say little: instructions are counted instead',
    beside: 'harness/measure/README.md',
    ask: measureNoise,
  },
];
