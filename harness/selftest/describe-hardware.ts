/** What the processor of this computer says of itself, as far as KVM depends on it. */
import { readFile } from 'node:fs/promises';
import { readCpuPart } from '../../images/allocator/kernel-files.ts';

const vendors: Readonly<Record<string, string>> = { GenuineIntel: 'Intel', AuthenticAMD: 'AMD' };

const features = ['vmx', 'svm', 'constant_tsc', 'nonstop_tsc', 'tsc_scale'];

/** linux arch/arm64/include/asm/cputype.h: those whose cores run KVM. */
const implementers: Readonly<Record<string, string>> = {
  ...{ '0x41': 'Arm', '0x42': 'Broadcom', '0x43': 'Cavium', '0x46': 'Fujitsu', '0x48': 'HiSilicon' },
  ...{ '0x4e': 'NVIDIA', '0x51': 'Qualcomm', '0x61': 'Apple', '0x6d': 'Microsoft', '0xc0': 'Ampere' },
};

/** @param cpuinfo text of /proc/cpuinfo */
export function describeCpuinfo(cpuinfo: string): string {
  const core = readCpuPart(cpuinfo);
  // No flag of an arm64 processor tells a virtual machine.
  if (core !== null)
    return `${implementers[core.implementer] ?? `implementer ${core.implementer}`}, part ${core.part}`;
  const vendor = /^vendor_id\s*: (.*)$/m.exec(cpuinfo)?.[1] ?? 'unknown';
  const flags = new Set((/^flags\s*: (.*)$/m.exec(cpuinfo)?.[1] ?? '').split(' '));
  const kind = flags.has('hypervisor') ? 'itself a virtual machine' : 'no virtual machine';
  const found = features.filter((flag) => flags.has(flag));
  return [vendors[vendor] ?? vendor, kind, ...(found.length > 0 ? [found.join(' ')] : [])].join(', ');
}

/** One line; `unknown` in place of what the kernel does not show. */
export const describeHardware = async (): Promise<string> =>
  describeCpuinfo(await readFile('/proc/cpuinfo', 'utf8').catch(() => ''));
