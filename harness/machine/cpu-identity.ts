/** What a guest under KVM takes from the processor of this computer, as one text. */
import { readFile } from 'node:fs/promises';
import { release } from 'node:os';

/** Fields of /proc/cpuinfo that stay; others are measured anew at each look. `Features` is arm64's. */
const lasting =
  /^(?:vendor_id|cpu family|model|model name|stepping|microcode|flags|CPU \w+|Features)\s*:.*$/gm;

/**
 * Of every kind of core, in the order of the text: a guest may run on any of them. The kernel's release stands for KVM,
 * which decides what of the CPU a guest gets; so does `nested`, which a module takes anew without a reboot.
 *
 * @param cpuinfo text of /proc/cpuinfo
 * @param nested texts of the modules' parameter: whether guests see vmx or svm
 */
export function identifyCpu(cpuinfo: string, kernelRelease: string, nested: readonly string[] = []): string {
  return [kernelRelease, ...nested.map((text) => `nested ${text.trim()}`), ...listCores(cpuinfo)].join('\n');
}

/** What lasts of each kind of core; one where all are alike. */
export const listCores = (cpuinfo: string): readonly string[] => [
  ...new Set(
    cpuinfo
      .split('\n\n')
      .map((core) => (core.match(lasting) ?? []).join('\n'))
      .filter((core) => core !== ''),
  ),
];

/** Of this computer. */
export async function readCpuIdentity(): Promise<string> {
  const nested = await Promise.all(
    ['kvm_intel', 'kvm_amd'].map((name) =>
      readFile(`/sys/module/${name}/parameters/nested`, 'utf8').catch(() => ''),
    ),
  );
  return identifyCpu(await readFile('/proc/cpuinfo', 'utf8'), release(), nested.filter(Boolean));
}
