/** Boot plans: cells that share a boot, with their machine and their template, which is found or made. */
import type { BuiltImages } from '../../images/build.ts';
import { type ErrorCode, PoolproofError } from '../errors.ts';
import { buildTemplate, chooseWarmRuns, templateKey } from '../guest/build-template.ts';
import { startMachine } from '../machine/machine.ts';
import type { Template, TemplateStore } from '../machine/template-store.ts';
import { deadlinesFor } from '../plan/deadlines.ts';
import { buildMachineSpec } from '../plan/machine-spec.ts';
import type { BootGroup } from '../plan/order.ts';
import type { RunContext } from './context.ts';
import type { Stage } from './run-cell.ts';

/** A boot that hangs or dies says nothing about the next one: measured, one in some hundred on a loaded machine. */
const templateTries = 2;
const worthAnotherBoot: readonly ErrorCode[] = [
  'MACHINE_TIMEOUT',
  'MACHINE_STALLED',
  'MACHINE_EXITED',
  'TEMPLATE_INVALID',
];

/** Cells that share a boot, with their machine and the key of their template. */
export type BootPlan = Readonly<{ group: BootGroup; stage: Stage; key: string }>;

/** The boot of a group, with its template if the cache has it. */
export async function planBoot(
  group: BootGroup,
  built: BuiltImages,
  { prepared, cold, options }: RunContext,
  templates: TemplateStore,
  signal: AbortSignal,
): Promise<BootPlan> {
  const {
    qemu,
    accelerator: { accelerator },
  } = prepared;
  const spec = buildMachineSpec(group.settings, built, { qemu: qemu.path, accelerator });
  const stage: Stage = {
    spec,
    images: built,
    deadlines: { ...deadlinesFor(accelerator), ...options.deadlines },
    template: null,
    onDoubtfulClone: async ({ key }, reason, isBad) => {
      const dropped = isBad ? ', and its template is dropped' : '';
      options.onNotice?.(`a clone failed and its cell was booted instead${dropped}: ${reason}`);
      if (isBad) await templates.distrust(key);
    },
    signal,
    startMachine: options.startMachine ?? startMachine,
  };
  const key = await templateKey(templateRequest(group, stage, templates, qemu.title));
  if (cold) return { group, key, stage };
  await templates.use(key);
  return { group, key, stage: { ...stage, template: await templates.find(key) } };
}

function templateRequest(
  { cells }: BootGroup,
  { spec, deadlines, startMachine: start }: Stage,
  store: TemplateStore,
  qemuTitle: string,
) {
  const warm = chooseWarmRuns(
    cells.map(({ settings }) => settings),
    deadlines,
  );
  return { store, spec, qemuTitle, warm, deadlines, startMachine: start };
}

/** A template booted and saved now; null when it cannot be made, and then every cell boots. */
export async function makeTemplate(
  { group, stage, key }: BootPlan,
  templates: TemplateStore,
  { prepared: { qemu }, options: { onNotice } }: RunContext,
): Promise<Template | null> {
  for (let left = templateTries; !stage.signal.aborted;) {
    try {
      return await buildTemplate(templateRequest(group, stage, templates, qemu.title), key);
    } catch (error) {
      if (!(error instanceof PoolproofError)) throw error;
      left -= 1;
      const again = left > 0 && worthAnotherBoot.includes(error.code);
      const then = again ? 'it is booted again' : 'its cells are booted';
      onNotice?.(`no template for ${stage.spec.memoryMib} MiB, ${then}: ${error.message}`);
      if (!again) return null;
    }
  }
  return null;
}
