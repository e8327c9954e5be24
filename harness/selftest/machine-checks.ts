/** Checks of boots and clones: that they come up, that a clone is what a boot is, its CPU, memory and randomness. */
import { readFile } from 'node:fs/promises';
import type { Facts } from '../../images/allocator/facts.ts';
import { hashFile } from '../../images/cache/image-cache.ts';
import { listCores } from '../machine/cpu-identity.ts';
import { askQemu } from './ask-qemu.ts';
import type { Bench, Sample, StartKind } from './bench.ts';
import { judge, listSome, type Check, type Finding } from './check.ts';
import { describeTimes } from './figures.ts';

async function countStarts(bench: Bench, kind: StartKind): Promise<Finding> {
  const { came, lost } = await bench.samples(kind);
  const all = came.length + lost.length;
  const times = describeTimes(came.map(({ readyMs }) => readyMs));
  const words = `${came.length} of ${all} answered: ${times}`;
  return judge(lost.length === 0, lost.length === 0 ? words : `${words}; lost: ${listSome(lost)}`);
}

/**
 * Facts that decide no tier, or differ between boots of one machine, with the bytes by which they may. MemAvailable is
 * lower in a clone, whose page cache is warm; no rule of the model reads it.
 */
const mayDiffer: Partial<Record<keyof Facts, number>> = {
  memAvailable: Infinity,
  committedAs: 1024 * 1024,
  userReserve: 64 * 1024,
  adminReserve: 64 * 1024,
};

/** How one fact of a clone differs from those of all boots; null where it does not. */
function findDifference(name: keyof Facts, clone: Sample, boots: readonly Sample[]): string | null {
  const found = clone.facts[name];
  const known = boots.map(({ facts }) => facts[name]);
  const numbers = known.filter((value) => typeof value === 'number');
  if (typeof found === 'number' && numbers.length === known.length) {
    const slack = mayDiffer[name] ?? 0;
    if (found >= Math.min(...numbers) - slack && found <= Math.max(...numbers) + slack) return null;
  } else if (known.some((value) => JSON.stringify(value) === JSON.stringify(found))) {
    return null;
  }
  return `${name} is ${JSON.stringify(found)} in a clone and ${JSON.stringify(known[0])} in a boot`;
}

const namesOf = (facts: Facts): readonly (keyof Facts)[] => Object.keys(facts) as (keyof Facts)[];

async function compareFacts(bench: Bench): Promise<Finding> {
  const [boots, clones] = [(await bench.samples('boot')).came, (await bench.samples('clone')).came];
  const [first] = boots;
  if (first === undefined || clones.length === 0) return judge(false, 'no boot or no clone came up');
  const differences = clones.flatMap((clone) =>
    namesOf(first.facts).flatMap((name) => findDifference(name, clone, boots) ?? []),
  );
  const count = namesOf(first.facts).length;
  return differences.length === 0
    ? judge(true, `${count} facts of ${clones.length} clones are those of ${boots.length} boots`)
    : judge(false, listSome([...new Set(differences)]));
}

async function compareDrawn(bench: Bench): Promise<Finding> {
  const samples = [...(await bench.samples('clone')).came, ...(await bench.samples('boot')).came];
  const drawn = samples.map((sample) => sample.drawn);
  const bad = drawn.filter((text) => !/^[0-9a-f-]{36}$/.test(text));
  if (bad.length > 0 || drawn.length < 2) return judge(false, 'there are no two random numbers to compare');
  const twice = drawn.length - new Set(drawn).size;
  return judge(
    twice === 0,
    twice === 0
      ? `${drawn.length} machines drew ${drawn.length} different numbers of 122 bits`
      : `${twice} of ${drawn.length} machines drew a number that another one had drawn`,
  );
}

/** Clones write to their memory all the time; the file must have what it had before the first of them. */
async function compareMemory(bench: Bench): Promise<Finding> {
  const { template, ramSha256 } = await bench.template();
  // Clones that write to one file end each other: how many came up is no part of this answer.
  const { came, lost } = await bench.samples('clone');
  const { sha256: now } = await hashFile(template.ramFile);
  const words = `after ${came.length + lost.length} clones, the SHA-256 of the template's memory is `;
  return judge(now === ramSha256, `${words}${now === ramSha256 ? 'the same' : 'another'}`);
}

async function checkAccelerator(bench: Bench): Promise<Finding> {
  const { accelerator, reason } = bench.prepared.accelerator;
  const { kvm } = await askQemu(bench);
  const words = `${accelerator}: ${reason}; QEMU says that KVM is ${kvm === true ? 'on' : 'off'}`;
  return judge(kvm === (accelerator === 'kvm'), words);
}

async function checkCpu(bench: Bench): Promise<Finding> {
  const { migratable, invtsc } = await askQemu(bench);
  // Of arm64, whose CPUs have no such choice: `clones` is the answer.
  if (migratable === null && invtsc === null)
    return { status: 'noted', found: `-cpu ${bench.spec.cpuModel}: nothing of it can be left out` };
  const words = `-cpu ${bench.spec.cpuModel}: migratable=${String(migratable)}, invtsc=${String(invtsc)}`;
  return judge(migratable === true && invtsc === false, words);
}

/** arm64 computers with two kinds of cores refuse a guest of one kind on the other; hybrid x86-64 ones level theirs. */
async function checkCores(bench: Bench): Promise<Finding> {
  const kinds = listCores(await readFile('/proc/cpuinfo', 'utf8').catch(() => '')).length;
  const words = `${bench.prepared.computer.cores} cores of ${kinds === 1 ? 'one kind' : `${kinds} kinds`}`;
  if (bench.spec.accelerator === 'kvm') return judge(kinds === 1, words);
  return { status: 'noted', found: `${words}; an emulated CPU depends on none of them` };
}

export const machineChecks: readonly Check[] = [
  {
    name: 'accelerator',
    assumes: 'the accelerator that was chosen is the one QEMU uses; KVM is believed after a boot',
    beside: 'harness/machine/accelerator.ts',
    ask: checkAccelerator,
  },
  {
    name: 'cpu',
    assumes: '`host` and `max` leave out what no saved state can hold, such as an invariant TSC',
    beside: 'harness/machine/spec.ts',
    ask: checkCpu,
  },
  {
    name: 'cores',
    assumes: 'a guest of KVM finds the same CPU on each core it may run on, and a clone that of its template',
    beside: 'harness/machine/cpu-identity.ts',
    ask: checkCores,
  },
  {
    name: 'boots',
    assumes:
      'a machine that boots once boots every time, also where this computer is itself a virtual machine',
    beside: 'harness/machine/accelerator.ts',
    ask: (bench) => countStarts(bench, 'boot'),
  },
  {
    name: 'clones',
    assumes: 'a state that QEMU saved is one it takes back, whatever the CPU offers (vmx, svm, AMX)',
    beside: 'harness/machine/template.ts',
    ask: (bench) => countStarts(bench, 'clone'),
  },
  {
    name: 'same-facts',
    assumes: 'a clone is a boot in every fact that decides a tier',
    beside: 'harness/guest/build-template.ts',
    ask: compareFacts,
  },
  {
    name: 'entropy',
    assumes: 'no clone draws the random numbers of another one',
    beside: 'images/guest/wake.ts',
    ask: compareDrawn,
  },
  {
    name: 'memory',
    assumes: 'share=off keeps what a clone writes out of the file of its template',
    beside: 'harness/machine/spec.ts',
    ask: compareMemory,
  },
];
