/**
 * Koffi's native part without its loader: the loader reads package files and ELF headers to find out which
 * build fits, 5 of 7 ms on hardware and a tenth of a second under emulation, in every attempt at a tier.
 */
import { createRequire } from 'node:module';
import type koffi from 'koffi';

type Koffi = typeof koffi;

/**
 * The build for this platform's glibc; where it does not load (musl, a platform without that package), what
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
