/** The machine in which instructions are counted: its images, its modules, its template. */
import type { ImageEvent } from '../../images/build.ts';
import { buildImages, type BuiltImages } from '../../images/build.ts';
import { mountPoint } from '../../images/definitions.ts';
import { buildTemplate, findTemplate, startClone } from '../guest/build-template.ts';
import type { Machine, StartMachine } from '../machine/machine.ts';
import type { TemplateStore } from '../machine/template-store.ts';
import type { Settings } from '../axes/table.ts';
import { countingDeadlines } from '../plan/deadlines.ts';
import { buildMachineSpec, type MachineSpec } from '../plan/machine-spec.ts';
import { resolveEngine } from '../plan/requirements.ts';
import { representativeOf, compileAhead } from './compile-ahead.ts';
import { formatConfiguration, type TierConfiguration } from './configurations.ts';
import type { GuestEngine } from './guest-process.ts';
import type { PoolOverrides } from './pool-overrides.ts';

export type GuestMeasureTools = Readonly<{
  qemu: Readonly<{ path: string; title: string }>;
  cacheDir: string;
  /** Refuse a successor of a pinned package. @default false */
  locked?: boolean;
  onImageEvent?: (event: ImageEvent) => void;
  store: TemplateStore;
  startMachine: StartMachine;
  signal: AbortSignal;
}>;

/**
 * One nanosecond of guest time is one instruction. `erms` and `fsrm` off: with them C library and kernel move
 * memory by `rep movsb`, of which the emulator counts each byte as an instruction.
 */
const icountShift = 0;
const withoutStrings = ',-erms,-fsrm';

/** Decides the machine code of a process, together with its engine. */
export type CodeSource = Readonly<{
  subject: TierConfiguration;
  /** What the cell changes of the tier's own settings. */
  overrides: PoolOverrides | null;
}>;

export type MeasuringGuest = Readonly<{
  spec: MachineSpec;
  engine: GuestEngine;
  /** Folder in the guest with the modules of a form. */
  modulesOf: (form: CodeSource) => string;
  /** A clone of the template, or a boot. */
  start: () => Promise<Machine>;
}>;

/**
 * Makes everything ready: images with the measuring disk, the modules of every form in machine code, a template.
 *
 * @throws PoolproofError those of images, machines and of compiling
 */
export async function prepareGuest(
  settings: Settings,
  subjects: readonly CodeSource[],
  workloads: readonly string[],
  tools: GuestMeasureTools,
  cold: boolean,
): Promise<MeasuringGuest> {
  const { kind, version } = resolveEngine(settings.engine);
  const { onImageEvent: onEvent, cacheDir, locked = false } = tools;
  const images = await buildImages({
    kernel: settings.kernel,
    nodes: [settings.node],
    engines: version === null ? [] : [version],
    measure: true,
    cacheDir,
    locked,
    ...(onEvent && { onEvent }),
  });
  const { node, profile } = settings;
  const engine: GuestEngine = { kind, version, node, nodeVersion: images.nodes[node] ?? node, profile };
  const bare = buildMeasureSpec(settings, images, tools);
  const modules = await compileModules(engine, subjects, workloads, bare, tools);
  const spec: MachineSpec = { ...bare, disks: [...bare.disks, ...modules.disks] };
  const start = await prepareStart(spec, tools, cold);
  return { spec, engine, modulesOf: modules.folderOf, start };
}

/**
 * Starts of a machine that counts: clones of its template, which is built when it is not there, or boots.
 *
 * @throws PoolproofError those of machines
 */
export async function prepareStart(
  spec: MachineSpec,
  { store, qemu, startMachine }: Pick<GuestMeasureTools, 'store' | 'qemu' | 'startMachine'>,
  cold: boolean,
): Promise<() => Promise<Machine>> {
  if (cold) return () => startMachine(spec, { kind: 'boot' });
  const request = {
    store,
    spec,
    qemuTitle: qemu.title,
    warm: [],
    deadlines: countingDeadlines,
    startMachine,
  };
  const found = await findTemplate(request);
  const template = found.template ?? (await buildTemplate(request, found.key));
  return () => startClone(spec, template, startMachine);
}

/** The workloads in the machine code of each form; forms with the same code share a disk. */
async function compileModules(
  engine: GuestEngine,
  subjects: readonly CodeSource[],
  workloads: readonly string[],
  spec: MachineSpec,
  { cacheDir, qemu, startMachine, signal }: GuestMeasureTools,
): Promise<Readonly<{ disks: MachineSpec['disks']; folderOf: MeasuringGuest['modulesOf'] }>> {
  const keyOf = ({ subject, overrides }: CodeSource): string =>
    JSON.stringify([formatConfiguration(representativeOf(engine.kind, subject, overrides)), overrides]);
  const disks = new Map<string, MachineSpec['disks'][number]>();
  for (const code of subjects) {
    if (disks.has(keyOf(code))) continue;
    const path = await compileAhead({
      engine,
      ...code,
      // The control loop is what proves the clock.
      workloads: [...new Set(['register-loop', ...workloads])],
      spec,
      cacheDir,
      qemuTitle: qemu.title,
      startMachine,
      signal,
    });
    signal.throwIfAborted();
    disks.set(keyOf(code), { name: `modules-${disks.size + 1}`, path });
  }
  return { disks: [...disks.values()], folderOf: (code) => mountPoint(disks.get(keyOf(code))?.name ?? '') };
}

/** Always emulated, also where KVM works: instructions are counted nowhere else. */
export function buildMeasureSpec(
  settings: Settings,
  images: BuiltImages,
  { qemu }: Pick<GuestMeasureTools, 'qemu'>,
): MachineSpec {
  const spec = buildMachineSpec(settings, images, { qemu: qemu.path, accelerator: 'tcg', icountShift });
  return { ...spec, cpuModel: `${spec.cpuModel}${withoutStrings}` };
}
