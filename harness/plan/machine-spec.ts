/** A test machine's guest as plain values: what a boot depends on, and nothing else. */
import type { BuiltImages } from '../../images/build.ts';
import type { Settings } from '../matrix/cell.ts';

export type Accelerator = 'kvm' | 'tcg';

/** Everything a boot depends on. Two machines with equal specs are the same machine. */
export type MachineSpec = Readonly<{
  /** Path of qemu-system-x86_64. */
  qemu: string;
  accelerator: Accelerator;
  /** QEMU CPU model and flags. */
  cpuModel: string;
  memoryMib: number;
  cpus: number;
  kernel: string;
  initramfs: string;
  /** Read-only disks; the name is the disk's serial and its mount point under /disks. At most 20 characters. */
  disks: readonly Readonly<{ name: string; path: string }>[];
  /** One instruction is 1 << shift nanoseconds of guest time; null for the host's clock. */
  icountShift: number | null;
}>;

/**
 * The machine a cell needs. Every disk of its image is attached, so that cells that differ only in Node or
 * engine share one boot.
 */
export function buildMachineSpec(
  settings: Settings,
  images: BuiltImages,
  options: Readonly<{ qemu: string; accelerator: Accelerator; icountShift?: number | null }>,
): MachineSpec {
  return {
    qemu: options.qemu,
    accelerator: options.accelerator,
    // Under emulation every feature QEMU has; under KVM the real CPU, as a wasm host would see it.
    cpuModel: options.accelerator === 'kvm' ? 'host' : 'max',
    memoryMib: settings.memory / (1024 * 1024),
    cpus: settings.cpus,
    kernel: images.kernel.path,
    initramfs: images.initramfs.path,
    disks: images.disks.map(({ name, path }) => ({ name, path })),
    icountShift: options.icountShift ?? null,
  };
}
