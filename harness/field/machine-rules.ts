/** Rules for memory and kernel: RAM, swap, huge pages set aside, the kernel itself. */
import { usualPageBytes } from '../../images/allocator/mappings.ts';
import { architectureOf, defaultArchitecture, type ArchitectureName } from '../../images/architectures.ts';
import { findKernelRow, lockNamesOf } from '../../images/definitions.ts';
import { defaultSettings, type Settings } from '../axes/table.ts';
import { formatSize } from '../axes/size.ts';
import { estimateFacts } from '../plan/estimate-facts.ts';
import { axisOf, say, type FieldImages, type Rule } from './mapping.ts';

const [kib, mib, gib] = [2 ** 10, 2 ** 20, 2 ** 30];
/** More RAM than this changes only the commit limit, which has an axis of its own. */
export const largestMemory = 8 * gib;
const largestSwap = 16 * gib;
/** Smaller guests do not boot. */
const smallestMemory = 256 * mib;
/** The estimate of a guest's MemTotal is as exact as that; the kernel's own share differs as much between builds. */
const nearOf = (memTotal: number): number => Math.max(0.004 * memTotal, 10 * mib);

/** RAM of a guest that shows this MemTotal: whole pieces of 64 MiB where one is as near as the estimate is exact. */
function ramFor(memTotal: number, { arch }: Settings): number {
  const at = (bytes: number): number =>
    estimateFacts({ ...defaultSettings(), arch, memory: bytes }).memTotal ?? bytes;
  let memory = memTotal;
  // The kernel's share hardly depends on the size: a few steps meet.
  for (let step = 0; step < 6; step += 1) memory += memTotal - at(memory);
  const round = Math.round(memory / (64 * mib)) * 64 * mib;
  return Math.abs(at(round) - memTotal) <= nearOf(memTotal) ? round : Math.round(memory / mib) * mib;
}

export const mapMemory: Rule = ({ memory: { totalKib } }, so) => {
  if (totalKib === null)
    return {
      say: [
        say('memory.totalKib', null, 'approximated', {
          ...axisOf('memory', so),
          why: 'the default size',
          decides: true,
        }),
      ],
    };
  const wanted = ramFor(totalKib * kib, so);
  const memory = Math.min(Math.max(wanted, smallestMemory), largestMemory);
  const set = { memory };
  const shown = estimateFacts({ ...so, memory }).memTotal ?? memory;
  const exact = Math.abs(shown - totalKib * kib) <= nearOf(totalKib * kib);
  const why =
    memory < wanted
      ? `no tier needs more than ${formatSize(largestMemory)}; the commit limit is set separately`
      : memory > wanted
        ? 'a smaller guest does not boot'
        : `MemTotal follows within ${Math.ceil(nearOf(totalKib * kib) / mib)} MiB`;
  return {
    set,
    say: [
      say('memory.totalKib', totalKib, exact ? 'exact' : 'approximated', {
        ...axisOf('memory', { ...so, ...set }),
        why,
        decides: true,
      }),
    ],
  };
};

/** A guest's swap is whole MiB, less a page for its signature. */
export const mapSwap: Rule = ({ memory: { swapTotalKib } }, so) => {
  const fact = 'memory.swapTotalKib';
  if (swapTotalKib === null || swapTotalKib === 0) {
    const why = swapTotalKib === null ? 'no swap' : null;
    return {
      say: [say(fact, swapTotalKib, why === null ? 'exact' : 'approximated', { ...axisOf('swap', so), why })],
    };
  }
  const wanted = Math.max(1, Math.round((swapTotalKib * kib + 4 * kib) / mib)) * mib;
  const swap = Math.min(wanted, largestSwap);
  const exact = swap - 4 * kib === swapTotalKib * kib;
  const why = exact ? null : swap < wanted ? 'no tier depends on more' : 'whole MiB, less a page';
  return {
    set: { swap },
    say: [
      say(fact, swapTotalKib, exact ? 'exact' : 'approximated', { ...axisOf('swap', { ...so, swap }), why }),
    ],
  };
};

/** Set aside in pieces of 2 MiB, whatever their size was there. */
export const mapHugePages: Rule = ({ memory: { hugePages, hugePageKib } }, so) => {
  const fact = 'memory.hugePages';
  if (hugePages === null || hugePages === 0) {
    const why = hugePages === null ? 'none' : null;
    return {
      say: [
        say(fact, hugePages, why === null ? 'exact' : 'approximated', { ...axisOf('hugepages', so), why }),
      ],
    };
  }
  const size = (hugePageKib ?? 2048) * kib;
  const wanted = Math.round((hugePages * size) / (2 * mib));
  // What is left must do for the guest itself.
  const most = Math.floor((so.memory - 320 * mib) / (2 * mib));
  const hugepages = Math.max(0, Math.min(wanted, most));
  const exact = hugepages === wanted && size === 2 * mib;
  const why = exact
    ? null
    : hugepages < wanted
      ? 'the guest has no room for more'
      : 'pages of 2 MiB, as many bytes';
  return {
    set: { hugepages },
    say: [
      say(fact, hugePages, exact ? 'exact' : 'approximated', {
        ...axisOf('hugepages', { ...so, hugepages }),
        why,
      }),
    ],
  };
};

/** `6.1.0-26-amd64` → 6001; null for what is no release. */
function orderOf(release: string | null): number | null {
  const [, major, minor] = /^(\d{1,3})\.(\d{1,3})/.exec(release ?? '') ?? [];
  return major === undefined ? null : Number(major) * 1000 + Number(minor);
}

/** Rows of the kernel table with what is pinned of each for an architecture, oldest first. */
export function listKernels(
  { kernels, versions }: FieldImages,
  arch: ArchitectureName = defaultArchitecture.name,
): readonly Readonly<{ name: string; order: number }>[] {
  const lockNames = lockNamesOf(architectureOf(arch));
  return kernels
    .flatMap((name) => {
      const order = orderOf(versions.get(lockNames.kernel(name, 'image')) ?? null);
      return order === null ? [] : [{ name, order }];
    })
    .sort((a, b) => a.order - b.order);
}

const pageBytesOf = (kernel: string): number => findKernelRow(kernel)?.pageBytes ?? usualPageBytes;

export const mapKernel: Rule = ({ kernel }, so, known) => {
  const order = orderOf(kernel.release);
  const all = listKernels(known, so.arch);
  const withPages = all.filter(({ name }) => pageBytesOf(name) === (kernel.pageSize ?? usualPageBytes));
  const rows =
    withPages.length > 0 ? withPages : all.filter(({ name }) => pageBytesOf(name) === usualPageBytes);
  const nearest =
    order === null
      ? undefined
      : [...rows].sort((a, b) => Math.abs(a.order - order) - Math.abs(b.order - order))[0];
  const set = nearest === undefined ? {} : { kernel: nearest.name };
  const pageBytes = pageBytesOf(nearest?.name ?? so.kernel);
  const exact = nearest !== undefined && nearest.order === order;
  return {
    set,
    say: [
      say('kernel.release', kernel.release, exact ? 'exact' : 'approximated', {
        ...axisOf('kernel', { ...so, ...set }),
        why: exact
          ? "Debian's kernel of this version"
          : nearest === undefined
            ? 'the default kernel'
            : 'the nearest pinned kernel',
      }),
      say('kernel.pageSize', kernel.pageSize, kernel.pageSize === pageBytes ? 'exact' : 'not reproducible', {
        why:
          kernel.pageSize === pageBytes
            ? null
            : `the guest has pages of ${pageBytes} bytes; pools are rounded otherwise`,
      }),
    ],
  };
};
