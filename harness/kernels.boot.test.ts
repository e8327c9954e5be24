/** Every kernel boots, sees its disks and its console, and runs the host under strict overcommit as predicted. */
import t from 'tap';
import { resolveCacheFolder } from '../images/cache/cache-folder.ts';
import { buildImages } from '../images/build.ts';
import { pinnedKernels } from '../images/definitions.ts';
import { defaultArchitecture } from '../images/architectures.ts';
import { startMachine } from './machine/machine.ts';
import { defaultSettings } from './axes/table.ts';
import type { Settings } from './axes/table.ts';
import { predictCell } from './outcome/predict-cell.ts';
import { readReport } from './outcome/read-report.ts';
import { findQemu } from './plan/computer.ts';
import { deadlinesFor } from './plan/deadlines.ts';
import { buildMachineSpec } from './plan/machine-spec.ts';
import { observeCell } from './guest/observe.ts';

const qemu = await findQemu();

// The first is what all other boot tests run on.
for (const { name: kernel, metaPackages } of pinnedKernels.slice(1)) {
  if (metaPackages[defaultArchitecture.name] === undefined) continue;
  t.test(`the kernel of ${kernel} under strict overcommit`, async (t) => {
    const images = await buildImages({
      kernel,
      nodes: ['20'],
      engines: ['50.0.1'],
      cacheDir: resolveCacheFolder(),
    });
    const settings: Settings = {
      ...defaultSettings(),
      kernel,
      node: '20',
      memory: 512 * 2 ** 20,
      overcommit: 2,
    };
    const spec = buildMachineSpec(settings, images, { qemu: qemu.path, accelerator: 'tcg' });
    await using machine = await startMachine(spec, { kind: 'boot' });
    const { observation } = await observeCell(machine, settings, deadlinesFor('tcg'));
    t.notMatch(machine.console.text(), /(module|disk) .*failed/);
    t.equal(observation.facts?.kernelRelease, images.kernel.release);
    t.same(
      observation.readBack.filter(({ ok }) => !ok),
      [],
    );
    t.match(
      observation.readBack.find(({ axis }) => axis === 'kernel'),
      { asked: kernel, found: images.kernel.release },
    );
    const prediction = predictCell(settings, observation.facts, images.nodes['20'] ?? '');
    t.match(prediction, { outcome: 'reached', tier: 'conservative' });
    t.match(readReport(observation.subject?.stdout ?? '').report, {
      outcome: 'reached',
      tier: 'conservative',
    });
  });
}
