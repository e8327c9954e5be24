/** A test machine's guest as plain values: what a boot depends on, and nothing else. */
import type { BuiltImages } from '../../images/build.ts';
import { parseCpu } from '../axes/cpu-kind.ts';
import { cpuModels } from '../axes/cpu-models.ts';
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
  /** A source of entropy: the CPU has none of its own, and without one a clone cannot draw fresh random numbers. */
  entropy?: true;
  /** Swap, on a writable disk that lives as long as the machine. Absent: no such disk. */
  swapMib?: number;
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
  return {
    qemu: options.qemu,
    accelerator: options.accelerator,
    // Under emulation every feature QEMU has; under KVM the real CPU, as a wasm host would see it.
    cpuModel: settings.cpu ?? (options.accelerator === 'kvm' ? 'host' : 'max'),
    memoryMib: settings.memory / (1024 * 1024),
    cpus: settings.cpus,
    kernel: images.kernel.path,
    initramfs: images.initramfs.path,
    disks: images.disks.map(({ name, path }) => ({ name, path })),
    icountShift: options.icountShift ?? null,
    ...(lacksRandomNumbers(settings.cpu) && { entropy: true }),
    ...(settings.swap !== null && { swapMib: settings.swap / (1024 * 1024) }),
  };
}

function lacksRandomNumbers(cpu: string | null): boolean {
  const parsed = cpu === null ? null : parseCpu(cpu);
  return parsed !== null && !(parsed.flags['rdrand'] ?? cpuModels[parsed.model]?.rdrand === true);
}
