/** Boots a machine, warms what every cell will read, saves it. */
import { readCpuIdentity } from '../machine/cpu-identity.ts';
import { restoreClone, saveTemplate } from '../machine/template.ts';
import { digestMachine, type Template, type TemplateStore } from '../machine/template-store.ts';
import type { Machine, StartMachine } from '../machine/machine.ts';
import { buildArguments } from '../machine/spec.ts';
import { defaultSettings } from '../axes/table.ts';
import type { Settings } from '../axes/table.ts';
import type { Deadlines } from '../plan/deadlines.ts';
import type { MachineSpec } from '../plan/machine-spec.ts';
import { openSession } from './open-session.ts';
import { hostSubject } from '../axes/host.ts';
import { PoolproofError } from '../errors.ts';
import { buildNodeWarmUp, buildHostCommand, type GuestCommand } from './guest-command.ts';
import { findWrongRate, readClock } from './template-clock.ts';

/**
 * The fewest runs of the wasm host that use every Node and every engine of the cells: what they read stays
 * in the page cache of the template, where each clone finds it.
 */
export function chooseWarmRuns(cells: readonly Settings[], deadlines: Deadlines): GuestCommand[] {
  const nodes = new Set<string>();
  const engines = new Set<string>();
  const chosen: Settings[] = [];
  // Pairs that bring two new things first.
  for (const fresh of [2, 1]) {
    for (const settings of cells) {
      if (settings.subject !== hostSubject) continue;
      const gain = Number(!nodes.has(settings.node)) + Number(!engines.has(settings.engine));
      if (gain < fresh) continue;
      nodes.add(settings.node);
      engines.add(settings.engine);
      chosen.push(settings);
    }
  }
  // The wasm host does not run on every Node that a foreign subject runs on.
  const others = new Set(cells.map(({ node }) => node).filter((node) => !nodes.has(node)));
  return [
    ...chosen.map((settings) =>
      buildHostCommand({ ...defaultSettings(), node: settings.node, engine: settings.engine }, deadlines),
    ),
    ...[...others].map((node) => buildNodeWarmUp(node, deadlines)),
  ];
}

export type TemplateRequest = Readonly<{
  store: TemplateStore;
  spec: MachineSpec;
  qemuTitle: string;
  warm: readonly GuestCommand[];
  deadlines: Deadlines;
  startMachine: StartMachine;
}>;

export async function templateKey({ spec, qemuTitle, warm }: TemplateRequest): Promise<string> {
  return digestMachine(spec, {
    qemuTitle,
    arguments: buildArguments(spec, { kind: 'template', ramFile: '' }),
    warmed: warm.map(({ command }) => command.join(' ')),
    // `-cpu host` is the same word on every computer, and a cache may be shared or outlive a change of microcode: a
    // guest that has seen a feature must not go on without it. An emulated CPU does not depend on the real one.
    ...(spec.accelerator === 'kvm' && { computer: await readCpuIdentity() }),
  });
}

/** The key of a template, which is in use from now on, and the template itself if the cache has it. */
export async function findTemplate(
  request: TemplateRequest,
): Promise<Readonly<{ key: string; template: Template | null }>> {
  const key = await templateKey(request);
  await request.store.use(key);
  return { key, template: await request.store.find(key) };
}

/**
 * Boots, warms and saves. @throws PoolproofError when the machine does not come up or cannot be saved, or has a clock
 * of another rate than this computer's (TEMPLATE_INVALID); the caller then boots its cells.
 */
export async function buildTemplate(request: TemplateRequest, key: string): Promise<Template> {
  const { store, spec, warm, deadlines, startMachine } = request;
  return store.create(key, spec.memoryMib * 1024 * 1024, async ({ ramFile, stateFile }) => {
    const startedMs = performance.now();
    await using machine = await startMachine(spec, { kind: 'template', ramFile });
    const session = await openSession(machine, deadlines);
    const first = await readClock(machine, session, deadlines);
    for (const { command, env, deadlineMs } of warm) {
      await session.run(
        { limits: {}, factPaths: [], env, command },
        { ms: deadlineMs, replyMs: deadlines.requestMs },
      );
    }
    const wrong = findWrongRate(startedMs, first, await readClock(machine, session, deadlines));
    // Where instructions are counted, they are the clock, and it has no rate.
    if (wrong !== null && spec.icountShift === null) throw new PoolproofError('TEMPLATE_INVALID', wrong);
    await session.request({ verb: 'await-clone' }, deadlines.requestMs);
    await saveTemplate(machine, stateFile);
  });
}

/** Starts a clone; it answers as soon as its state is read. @throws PoolproofError QMP_ERROR, QEMU_FAILED. */
export async function startClone(
  spec: MachineSpec,
  template: Template,
  startMachine: StartMachine,
): Promise<Machine> {
  const machine = await startMachine(spec, { kind: 'clone', ramFile: template.ramFile }, template.stateFile);
  try {
    await restoreClone(machine);
    return machine;
  } catch (error) {
    await machine.stop();
    throw error;
  }
}
