/** What a guest under KVM takes from the processor of this computer, as one text. */
import { readFile } from 'node:fs/promises';
import { release } from 'node:os';

/** Fields of /proc/cpuinfo that stay; others are measured anew at each look. `Features` is arm64's. */
const lasting =
  /^(?:vendor_id|cpu family|model|model name|stepping|microcode|flags|CPU \w+|Features)\s*:.*$/gm;

/**
 * Of the first processor. The kernel's release stands for KVM, which decides what of the CPU a guest gets.
 *
 * @param cpuinfo text of /proc/cpuinfo
 */
export function identifyCpu(cpuinfo: string, kernelRelease: string): string {
  const [first = ''] = cpuinfo.split('\n\n');
  return [kernelRelease, ...(first.match(lasting) ?? [])].join('\n');
}

/** Of this computer. */
export const readCpuIdentity = async (): Promise<string> =>
  identifyCpu(await readFile('/proc/cpuinfo', 'utf8'), release());
