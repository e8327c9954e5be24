/** Settings that only a kernel can prove, set in a real guest and read back from the process that becomes the host. */
import t from 'tap';
import { resolveCacheFolder } from '../../images/cache/cache-folder.ts';
import { buildImages } from '../../images/build.ts';
import { startMachine } from '../machine/machine.ts';
import { defaultSettings } from '../axes/table.ts';
import type { Settings } from '../axes/table.ts';
import { findQemu } from '../plan/computer.ts';
import { deadlinesFor } from '../plan/deadlines.ts';
import { buildMachineSpec } from '../plan/machine-spec.ts';
import { observeCell } from './observe.ts';

const deadlines = deadlinesFor('tcg');
const qemu = await findQemu();
const images = await buildImages({
  kernel: 'bookworm',
  nodes: ['22'],
  engines: ['50.0.1'],
  cacheDir: resolveCacheFolder(),
});
const mib = 2 ** 20;

async function observe(more: Partial<Settings>): ReturnType<typeof observeCell> {
  const settings: Settings = { ...defaultSettings(), memory: 512 * mib, ...more };
  const spec = buildMachineSpec(settings, images, { qemu: qemu.path, accelerator: 'tcg' });
  await using machine = await startMachine(spec, { kind: 'boot' });
  return await observeCell(machine, settings, deadlines);
}

t.test(
  'an old CPU, swap, huge pages, a commit limit in KiB, a group and limits, all in one guest',
  async (t) => {
    const { observation } = await observe({
      cpu: 'kvm64',
      swap: 256 * mib,
      hugepages: 10,
      overcommit: 2,
      overcommitBytes: 600 * mib,
      stackLimit: 16 * mib,
      cgroupMemory: 256 * mib,
      cgroupHigh: 240 * mib,
      pidsMax: 60,
      addressBits: 39,
    });
    t.match(observation.facts, {
      cpuModel: 'Common KVM processor',
      swapTotal: 256 * mib - 4096,
      hugePages: 10,
      overcommitKbytes: 600 * mib,
      commitLimit: 856 * mib - 4096,
      stackLimit: 16 * mib,
      cgroupMemoryMax: 256 * mib,
      cgroupMemoryHigh: 240 * mib,
      pidsMax: 60,
      addressSpaceLimit: 2 ** 39,
    });
    t.same(
      observation.readBack.filter(({ ok }) => !ok),
      [],
    );
    t.match(
      observation.readBack.find(({ axis }) => axis === 'addressBits'),
      { asked: '39 bits', standIn: true },
    );
    t.equal(
      observation.subject?.exitCode,
      0,
      'the host reached a tier: a CPU without RDRAND has a source of entropy',
    );
  },
);

const filtered =
  'memory both writable and executable is refused by the filter, and Node dies of it, a user as root';
t.test(filtered, async (t) => {
  const { observation } = await observe({ mdwe: 'seccomp', processes: 70, cpu: 'max,pku=off' });
  t.match(observation.facts, { mdwe: 'seccomp', processLimit: 70, sysAdmin: false });
  t.notOk(observation.facts?.cpuFlags.includes('pku'));
  t.same(
    observation.readBack.filter(({ ok }) => !ok),
    [],
  );
  t.match(
    observation.subject?.stderr,
    /Check failed: 12 == \(\*__errno_location \(\)\)[^]*Node did not start/,
  );
});
