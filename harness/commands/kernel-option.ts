/** `--kernel` and `--modules`: a kernel of one's own, as a value of the axis `kernel`. */
import { formatKernelFile } from '../../images/kernel-file.ts';
import type { Settings } from '../axes/table.ts';
import { PoolproofError } from '../errors.ts';

export type KernelOptions = Readonly<{ kernel?: string | undefined; modules?: string | undefined }>;

/** Null without one. @throws PoolproofError USAGE */
export function readKernelOption({ kernel, modules }: KernelOptions): string | null {
  if (kernel === undefined && modules === undefined) return null;
  if (kernel === undefined) throw new PoolproofError('USAGE', '--modules stands beside --kernel');
  const text = formatKernelFile({ label: null, file: kernel, modules: modules ?? null });
  if (text !== null) return text;
  throw new PoolproofError('USAGE', `--kernel ${kernel}: cell ids cannot hold these paths`, {
    hint: 'a link to it will do, with letters, digits and _ - . + ~ / in its path',
  });
}

/** The settings with that kernel, where one was given. */
export function useKernel(settings: Settings, options: KernelOptions): Settings {
  const kernel = readKernelOption(options);
  return kernel === null ? settings : { ...settings, kernel };
}
