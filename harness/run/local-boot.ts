/** A boot plan on this computer: its machine, and its template, which is found or made. */
import type { BuiltImages } from '../../images/build.ts';
import { type ErrorCode, PoolproofError } from '../errors.ts';
import {
  buildTemplate,
  chooseWarmRuns,
  findTemplate,
  type TemplateRequest,
} from '../guest/build-template.ts';
import type { StartMachine } from '../machine/machine.ts';
import type { Template, TemplateStore } from '../machine/template-store.ts';
import { deadlinesFor, type Deadlines } from '../plan/deadlines.ts';
import { buildMachineSpec } from '../plan/machine-spec.ts';
import { bootKey } from '../plan/order.ts';
import type { BootPlan, PlannedImages } from './boot-plan.ts';
import { emulatorOf, type Prepared } from './prepare.ts';
import type { CellContext } from './run-cell.ts';

/** A boot that hangs or dies says nothing about the next one: measured, one in some hundred on a loaded machine. */
const templateTries = 2;
const worthAnotherBoot: readonly ErrorCode[] = [
  'MACHINE_TIMEOUT',
  'MACHINE_STALLED',
  'MACHINE_EXITED',
  'TEMPLATE_INVALID',
];

export type BootTools = Readonly<{
  prepared: Prepared;
  templates: TemplateStore;
  /** Other deadlines than the accelerator's, milliseconds of the guest's time. */
  deadlines: Partial<Deadlines>;
  startMachine: StartMachine;
  onNotice: (text: string) => void;
  signal: AbortSignal;
}>;

export type LocalBoot = Readonly<{
  cells: BootPlan['cells'];
  /** Names what all its cells boot with. */
  bootKey: string;
  context: CellContext;
  /** How its template is named and made; null where every cell boots. */
  template: Readonly<{ key: string; request: TemplateRequest }> | null;
}>;

/**
 * The boot of a plan, with its template if the cache has it.
 * @throws PoolproofError IMAGE_CHECKSUM when this computer has other images than the plan is about
 */
export async function prepareBoot({ cells, images, cold }: BootPlan, tools: BootTools): Promise<LocalBoot> {
  const { prepared, templates, startMachine, onNotice, signal } = tools;
  const [first] = cells;
  if (first === undefined) throw new RangeError('a boot plan without cells');
  const emulator = emulatorOf(prepared, first.settings);
  const { accelerator } = emulator.accelerator;
  const { path: qemu, title: qemuTitle } = emulator.qemu;
  const built = selectImages(images, prepared.images);
  const deadlines = { ...deadlinesFor(accelerator), ...tools.deadlines };
  const spec = buildMachineSpec(first.settings, built, { qemu, accelerator });
  const context: CellContext = {
    spec,
    images: built,
    deadlines,
    template: null,
    onDoubtfulClone: async ({ key }, reason, isBad) => {
      const dropped = isBad ? ', and its template is dropped' : '';
      onNotice(`a clone failed and its cell was booted instead${dropped}: ${reason}`);
      if (isBad) await templates.distrust(key);
    },
    signal,
    startMachine,
  };
  const boot = { cells, bootKey: bootKey(first.settings) };
  if (cold) return { ...boot, context, template: null };
  const settings = cells.map((cell) => cell.settings);
  const warm = chooseWarmRuns(settings, deadlines);
  const request = { store: templates, spec, qemuTitle, warm, deadlines, startMachine };
  const { key, template } = await findTemplate(request);
  return { ...boot, context: { ...context, template }, template: { key, request } };
}

function selectImages(
  { kernel, digest, disks }: PlannedImages,
  own: ReadonlyMap<string, BuiltImages>,
): BuiltImages {
  const built = own.get(kernel);
  if (built?.digest !== digest) {
    const found = built === undefined ? 'there are none' : `this computer has ${built.digest}`;
    throw new PoolproofError('IMAGE_CHECKSUM', `cells of images ${digest} for ${kernel}: ${found}`);
  }
  const wanted = new Set(disks);
  return { ...built, disks: built.disks.filter(({ name }) => wanted.has(name)) };
}

/**
 * A template booted and saved now; null when it cannot be made, and then every cell boots.
 * @throws PoolproofError KERNEL_UNFIT
 */
export async function makeTemplate(
  { context: { spec, signal }, template }: LocalBoot,
  onNotice: (text: string) => void,
): Promise<Template | null> {
  for (let left = templateTries; template !== null && !signal.aborted;) {
    try {
      return await buildTemplate(template.request, template.key);
    } catch (error) {
      // A kernel that lacks something lacks it at the next boot, too.
      if (!(error instanceof PoolproofError) || error.code === 'KERNEL_UNFIT') throw error;
      left -= 1;
      const again = left > 0 && worthAnotherBoot.includes(error.code);
      const then = again ? 'it is booted again' : 'its cells are booted';
      onNotice(`no template for ${spec.memoryMib} MiB, ${then}: ${error.message}`);
      if (!again) return null;
    }
  }
  return null;
}
