/** The machine in which instructions are counted: its images, its modules, its template. */
import type { ImageEvent } from '../../images/build.ts';
import { buildImages, type BuiltImages } from '../../images/build.ts';
import { mountPoint } from '../../images/definitions.ts';
import { buildTemplate, startClone, templateKey, type TemplateRequest } from '../guest/build-template.ts';
import type { Machine, StartMachine } from '../machine/machine.ts';
import type { TemplateStore } from '../machine/template-store.ts';
import type { Settings } from '../axes/table.ts';
import { deadlinesFor } from '../plan/deadlines.ts';
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

/** What decides a process' machine code beside its engine. */
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
  const { onImageEvent: onEvent, locked = false } = tools;
  const images = await buildImages({
    kernel: settings.kernel,
    nodes: [settings.node],
    engines: version === null ? [] : [version],
    measure: true,
    cacheDir: tools.cacheDir,
    locked,
    ...(onEvent && { onEvent }),
  });
  const engine: GuestEngine = {
    kind,
    version,
    node: settings.node,
    nodeVersion: images.nodes[settings.node] ?? settings.node,
    profile: settings.profile,
  };
  const bare = buildMeasureSpec(settings, images, tools);
  const names = new Map<string, string>();
  const disks = [...bare.disks];
  const nameOf = ({ subject, overrides }: CodeSource): string =>
    JSON.stringify([formatConfiguration(representativeOf(kind, subject, overrides)), overrides]);
  for (const code of subjects) {
    const form = nameOf(code);
    if (names.has(form)) continue;
    const { cacheDir, qemu, startMachine, signal } = tools;
    const path = await compileAhead({
      engine,
      ...code,
      // The control loop is what proves the clock.
      workloads: [...new Set(['register-loop', ...workloads])],
      spec: bare,
      cacheDir,
      qemuTitle: qemu.title,
      startMachine,
      signal,
    });
    signal.throwIfAborted();
    const name = `modules-${names.size + 1}`;
    names.set(form, name);
    disks.push({ name, path });
  }
  const spec: MachineSpec = { ...bare, disks };
  const modulesOf = (code: CodeSource): string => mountPoint(names.get(nameOf(code)) ?? '');
  const boot = (): Promise<Machine> => tools.startMachine(spec, { kind: 'boot' });
  if (cold) return { spec, engine, modulesOf, start: boot };
  const deadlines = deadlinesFor('tcg');
  const { store, startMachine, qemu } = tools;
  const request: TemplateRequest = { store, spec, qemuTitle: qemu.title, warm: [], deadlines, startMachine };
  const key = await templateKey(request);
  await store.use(key);
  const template = (await store.find(key)) ?? (await buildTemplate(request, key));
  const start = (): Promise<Machine> => startClone(spec, template, startMachine);
  return { spec, engine, modulesOf, start };
}

/** Always emulated, also where KVM works: instructions are counted nowhere else. */
function buildMeasureSpec(settings: Settings, images: BuiltImages, { qemu }: GuestMeasureTools): MachineSpec {
  const spec = buildMachineSpec(settings, images, { qemu: qemu.path, accelerator: 'tcg', icountShift });
  return { ...spec, cpuModel: `${spec.cpuModel}${withoutStrings}` };
}
