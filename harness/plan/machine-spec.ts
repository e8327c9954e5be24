/** A guest's machine as plain values: everything a boot depends on, and nothing else. */
import { architectureOf } from '../../images/architectures.ts';
import type { BuiltImages } from '../../images/build.ts';
import type { GuestMachine } from '../axes/axis.ts';
import { buildMachine } from '../axes/guest-settings.ts';
import type { Settings } from '../axes/table.ts';

export type Accelerator = 'kvm' | 'tcg';

/** Everything a boot depends on. Two machines with equal specs are the same machine. */
export type MachineSpec = GuestMachine &
  Readonly<{
    /** Path of the architecture's QEMU. */
    qemu: string;
    accelerator: Accelerator;
    /** QEMU CPU model and flags. */
    cpuModel: string;
    kernel: string;
    initramfs: string;
    /** Read-only disks; the name is the disk's serial and its mount point under /disks. At most 20 characters. */
    disks: readonly Readonly<{ name: string; path: string }>[];
    /** One instruction is 1 << shift nanoseconds of guest time; null for the host's clock. */
    icountShift: number | null;
  }>;

/** Serial number of the swap disk; init leaves a disk of that name alone. */
export const swapDisk = 'swap';

/**
 * The machine a cell needs. Every disk of its image is attached, so that cells that differ only in Node or
 * engine share one boot.
 */
export function buildMachineSpec(
  settings: Settings,
  images: BuiltImages,
  options: Readonly<{ qemu: string; accelerator: Accelerator; icountShift?: number | null }>,
): MachineSpec {
  const { cpuModel, ...machine } = buildMachine(settings);
  return {
    ...machine,
    qemu: options.qemu,
    accelerator: options.accelerator,
    // Under KVM the real CPU, as a wasm host would see it.
    cpuModel:
      cpuModel ?? (options.accelerator === 'kvm' ? 'host' : architectureOf(settings.arch).qemu.emulatedCpu),
    kernel: images.kernel.path,
    initramfs: images.initramfs.path,
    disks: images.disks.map(({ name, path }) => ({ name, path })),
    icountShift: options.icountShift ?? null,
  };
}
