/** Figures of guests: a clone beside a boot, clones in a row, boots under load, shared memory. */
import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { architectureOf, defaultArchitecture, type ArchitectureName } from '../../images/architectures.ts';
import { buildImages, type BuiltImages } from '../../images/build.ts';
import { PoolproofError } from '../../harness/errors.ts';
import { buildTemplate, startClone, templateKey } from '../../harness/guest/build-template.ts';
import { openSession } from '../../harness/guest/open-session.ts';
import { startMachine, type Machine } from '../../harness/machine/machine.ts';
import { TemplateStore, type Template } from '../../harness/machine/template-store.ts';
import { defaultSettings } from '../../harness/axes/table.ts';
import { findQemu, type Qemu } from '../../harness/plan/computer.ts';
import { deadlinesFor } from '../../harness/plan/deadlines.ts';
import { buildMachineSpec, type MachineSpec } from '../../harness/plan/machine-spec.ts';
import { compareInTurn, pair, spreadOf, time, withFolder, type InTurn, type Spread } from './measure.ts';
import { benchOthers, type Others } from './others.ts';

const deadlines = deadlinesFor('tcg');

type Ground = Readonly<{ spec: MachineSpec; template: Template; images: BuiltImages; qemu: Qemu }>;

async function prepareGround<T>(
  memoryMib: number,
  work: (ground: Ground) => Promise<T>,
  arch: ArchitectureName = defaultArchitecture.name,
): Promise<T> {
  return withFolder(async (folder) => {
    const qemu = await findQemu(undefined, architectureOf(arch));
    const images = await buildImages({
      architecture: arch,
      kernel: 'bookworm',
      nodes: ['22'],
      engines: ['50.0.1'],
    });
    const settings = { ...defaultSettings(), arch, memory: memoryMib * 1024 * 1024 };
    const spec = buildMachineSpec(settings, images, { qemu: qemu.path, accelerator: 'tcg' });
    const store = new TemplateStore(folder, 1024 ** 4);
    const request = { store, spec, qemuTitle: qemu.title, warm: [], deadlines, startMachine };
    return work({ spec, images, qemu, template: await buildTemplate(request, await templateKey(request)) });
  });
}

/** Handshake, one request, its answer checked, end. */
async function askOnce(machine: Machine): Promise<void> {
  await using _machine = machine;
  const session = await openSession(machine, deadlines);
  const reply = await session.request(
    { verb: 'read', paths: ['/proc/sys/kernel/osrelease'] },
    deadlines.requestMs,
  );
  const answer = reply.texts['/proc/sys/kernel/osrelease'];
  if (answer !== session.release || answer === '') throw new Error(`a guest answered ${String(answer)}`);
}

export type CloneFigures = Readonly<{
  clone: Spread;
  boot: Spread;
  ratio: number;
  lost: number;
  inARow: Spread;
  /** What is there after the row and was not before. */
  left: Readonly<{ processes: number; files: number }>;
}>;

/** QEMUs that this process started and that still run. */
function countMachines(): number {
  const lines = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/stat`, 'utf8');
      } catch {
        return ''; // ended between the two looks
      }
    });
  // proc_pid_stat(5): the name in parentheses, state, parent.
  return lines.filter((line) => new RegExp(`\\(qemu-system.*\\) \\S ${process.pid} `).test(line)).length;
}

const countFiles = (folder: string): number => readdirSync(folder, { recursive: true }).length;

/** A whole clone (start, restore, one command, end) beside a whole boot doing the same; then clones in a row. */
export async function benchClones(pairs: number, row: number): Promise<CloneFigures> {
  return prepareGround(512, async ({ spec, template }) => {
    const clone = async (): Promise<void> => askOnce(await startClone(spec, template, startMachine));
    const boot = async (): Promise<void> => askOnce(await startMachine(spec, { kind: 'boot' }));
    await clone();
    const { a, b } = await pair(pairs, clone, boot);
    const samples: number[] = [];
    let lost = 0;
    const places = [tmpdir(), template.folder] as const;
    const before = { processes: countMachines(), files: places.map(countFiles) };
    for (let index = 0; index < row; index += 1) {
      try {
        samples.push(await time(clone));
      } catch (error) {
        if (!(error instanceof PoolproofError)) throw error;
        lost += 1;
      }
    }
    const [cloned, booted] = [spreadOf(a), spreadOf(b)];
    const ratio = Math.round((cloned.median / booted.median) * 1000) / 1000;
    const files = places.map((place, at) => countFiles(place) - (before.files[at] ?? 0));
    const left = {
      processes: countMachines() - before.processes,
      files: files.reduce((sum, count) => sum + count, 0),
    };
    return { clone: cloned, boot: booted, ratio, lost, inARow: spreadOf(samples), left };
  });
}

/** Clones of x86-64 and of another architecture in turn: start, restore, one command, end. */
export async function benchClonesBeside(arch: ArchitectureName, pairs: number): Promise<InTurn> {
  const cloneOf =
    ({ spec, template }: Ground) =>
    async (): Promise<void> =>
      askOnce(await startClone(spec, template, startMachine));
  return prepareGround(512, (own) =>
    prepareGround(
      512,
      async (other) => {
        // The first of each reads its files.
        await pair(1, cloneOf(own), cloneOf(other));
        return compareInTurn(await pair(pairs, cloneOf(own), cloneOf(other)));
      },
      arch,
    ),
  );
}

export type BootFigures = Readonly<{ boots: number; retried: number; lost: number; seconds: Spread }>;

/** Boots, as many at a time as given, each with one retry: how many needed it, how many were lost. */
export async function benchBoots(
  boots: number,
  atATime: number,
  arch: ArchitectureName = defaultArchitecture.name,
): Promise<BootFigures> {
  const work = async ({ spec }: Ground): Promise<BootFigures> => {
    let retried = 0;
    let lost = 0;
    let next = 0;
    const seconds: number[] = [];
    const boot = async (): Promise<boolean> => {
      try {
        seconds.push(await time(async () => askOnce(await startMachine(spec, { kind: 'boot' }))));
        return true;
      } catch (error) {
        if (!(error instanceof PoolproofError)) throw error;
        return false;
      }
    };
    const lane = async (): Promise<void> => {
      while (next++ < boots) {
        if (await boot()) continue;
        retried += 1;
        if (!(await boot())) lost += 1;
      }
    };
    await Promise.all(Array.from({ length: atATime }, lane));
    return { boots, retried, lost, seconds: spreadOf(seconds) };
  };
  return prepareGround(512, work, arch);
}

/** Proportional set size of each of `count` clones of one 4 GiB template, MiB. */
export async function benchSharedMemory(
  count: number,
): Promise<Readonly<{ clones: number; pssMib: Spread }>> {
  return prepareGround(4096, async ({ spec, template }) => {
    const sizes: number[] = [];
    const machines = await Promise.all(
      Array.from({ length: count }, () => startClone(spec, template, startMachine)),
    );
    try {
      await Promise.all(machines.map((machine) => openSession(machine, deadlines)));
      for (const { pid } of machines) {
        const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
        sizes.push(Number(/^Pss:\s+(\d+) kB$/m.exec(rollup)?.[1]) / 1024);
      }
    } finally {
      await Promise.all(machines.map((machine) => machine.stop()));
    }
    return { clones: count, pssMib: spreadOf(sizes) };
  });
}

/** One clone beside what other tools do for the same answer. */
export async function benchOtherTools(n: number): Promise<Others> {
  return prepareGround(512, async ({ spec, template, images, qemu }) => {
    const clone = async (): Promise<void> => askOnce(await startClone(spec, template, startMachine));
    const { path: kernel, release } = images.kernel;
    return benchOthers(n, { qemu: qemu.path, kernel, release }, clone);
  });
}
