/** What a guest will say about itself, before it has booted: for `plan`, never for a verdict. */
import type { Facts } from '../../images/allocator/facts.ts';
import type { Settings } from '../matrix/cell.ts';
import { limitAddressSpace } from './stand-in.ts';

const mib = 1024 * 1024;

/**
 * Measured on guests of 512 MiB to 8 GiB with kernel 6.1: 34 MiB for the kernel, 1.7 % for page structures, and
 * the bounce buffers for devices (linux swiotlb, 64 MiB) where RAM reaches beyond 4 GiB of addresses; q35 puts
 * it there from 2816 MiB on.
 */
function estimateMemTotal(memory: number): number {
  const bounceBuffers = memory >= 2816 * mib ? 64 * mib : 0;
  return Math.floor(memory - 34.3 * mib - memory * 0.01701 - bounceBuffers);
}

/** Facts of the process that becomes the wasm host, as its settings make them. */
export function estimateFacts(settings: Settings): Facts {
  const memTotal = estimateMemTotal(settings.memory);
  const free = memTotal * 0.94;
  const swap = settings.swap ?? 0;
  const huge = settings.hugepages * 2 * mib;
  const allowed = settings.overcommitKbytes ?? ((memTotal - huge) * settings.overcommitRatio) / 100;
  return {
    kernelRelease: null,
    memTotal,
    memAvailable: free,
    swapTotal: swap,
    commitLimit: Math.floor(allowed + swap),
    // The session and what it started for the run.
    committedAs: 5 * mib,
    overcommitMemory: settings.overcommit,
    overcommitRatio: settings.overcommitRatio,
    overcommitKbytes: settings.overcommitKbytes ?? 0,
    // linux mm/mmap.c init_user_reserve, init_admin_reserve: 1/32 of what is free at boot, capped.
    userReserve: Math.min(free / 32, 128 * mib),
    adminReserve: Math.min(free / 32, 8 * mib),
    hugePages: settings.hugepages,
    maxMapCount: settings.maxMapCount ?? 65_530,
    thp: settings.thp,
    addressSpaceLimit: limitAddressSpace(settings),
    dataLimit: settings.dataLimit,
    stackLimit: settings.stackLimit === 'unlimited' ? null : (settings.stackLimit ?? 8 * mib),
    cgroupMemoryMax: settings.cgroupMemory,
    mdwe: settings.mdwe === 'off' ? null : settings.mdwe,
    addressBits: 47,
    pageSize: 4096,
    cpus: settings.cpus,
    cpuModel: null,
    cpuFlags: [],
    virtualised: true,
    emulated: true,
    sysAdmin: true,
  };
}
