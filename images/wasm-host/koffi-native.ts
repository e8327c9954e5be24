/**
 * Loads koffi's native part without its loader. The loader reads package files and ELF headers to find the right build:
 * 5 of 7 ms on hardware, a tenth of a second under emulation, in every attempt at a tier.
 */
import { createRequire } from 'node:module';
import type koffi from 'koffi';

type Koffi = typeof koffi;

/**
 * The build for this platform's glibc; if it does not load (musl, a platform without that package), the one that
 * koffi's own loader finds.
 * @throws what the loader throws
 */
export function loadKoffi(): Koffi {
  const load = createRequire(import.meta.url);
  const { platform, arch } = process;
  try {
    return load(`@koromix/koffi-${platform}-${arch}/${platform}_${arch}/koffi.node`) as Koffi;
  } catch {
    return load('koffi') as Koffi;
  }
}
