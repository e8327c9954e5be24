/** What the processor of this computer says of itself, as far as KVM depends on it. */
import { readFile } from 'node:fs/promises';

const vendors: Readonly<Record<string, string>> = { GenuineIntel: 'Intel', AuthenticAMD: 'AMD' };

const features = ['vmx', 'svm', 'constant_tsc', 'nonstop_tsc', 'tsc_scale'];

/** @param cpuinfo text of /proc/cpuinfo */
export function describeCpuinfo(cpuinfo: string): string {
  const vendor = /^vendor_id\s*: (.*)$/m.exec(cpuinfo)?.[1] ?? 'unknown';
  const flags = new Set((/^flags\s*: (.*)$/m.exec(cpuinfo)?.[1] ?? '').split(' '));
  const kind = flags.has('hypervisor') ? 'itself a virtual machine' : 'no virtual machine';
  const found = features.filter((flag) => flags.has(flag));
  return [vendors[vendor] ?? vendor, kind, ...(found.length > 0 ? [found.join(' ')] : [])].join(', ');
}

/** One line; `unknown` in place of what the kernel does not show. */
export const describeHardware = async (): Promise<string> =>
  describeCpuinfo(await readFile('/proc/cpuinfo', 'utf8').catch(() => ''));
