/** Rules for facts of the machine and its kernel. */
import { axes } from '../matrix/axes.ts';
import { formatValue } from '../matrix/cell-id.ts';
import { formatSize } from '../matrix/size.ts';
import { say, type Rule } from './mapping.ts';

const [kib, mib, gib] = [2 ** 10, 2 ** 20, 2 ** 30];
/** Committed in a guest before its subject starts (plan/estimate-facts.ts). */
const guestCommitted = 5 * mib;
/** What RAM beyond this changes is the commit limit alone, and that is set by its ratio. */
const largestMemory = 8 * gib;

/**
 * RAM of a guest that shows this MemTotal: the inverse of plan/estimate-facts.ts, which is right within two
 * percent. Machines come in multiples of 256 MiB, so the nearest one is taken where it is as near as that.
 */
function ramFor(memTotal: number): number {
  const exact = (memTotal + 25 * mib) / (1 - 0.0163);
  const round = Math.round(exact / (256 * mib)) * 256 * mib;
  return Math.abs(round - exact) <= exact * 0.025 ? round : Math.round(exact / mib) * mib;
}

export const mapMemory: Rule = ({ memory }) => {
  if (memory.totalKib === null) {
    return {
      say: [
        say('memory.totalKib', null, 'approximated', {
          axis: 'memory',
          value: formatValue(axes, 'memory', axes.memory.default),
          why: 'the default size',
          decides: true,
        }),
      ],
    };
  }
  const wanted = ramFor(memory.totalKib * kib);
  const value = Math.min(Math.max(wanted, 256 * mib), largestMemory);
  const why =
    value === wanted
      ? 'RAM is set, and MemTotal follows within a percent'
      : value < wanted
        ? `no tier needs more than ${formatSize(largestMemory)}; the commit limit is set by its ratio`
        : 'a smaller guest does not boot';
  return {
    set: { memory: value },
    say: [
      say('memory.totalKib', memory.totalKib, 'approximated', {
        axis: 'memory',
        value: formatSize(value),
        why,
        decides: true,
      }),
    ],
  };
};

export const mapOvercommit: Rule = (report, so) => {
  const { overcommit, memory, process } = report;
  const mode = overcommit.mode ?? 0;
  const first = say('overcommit.mode', overcommit.mode, overcommit.mode === null ? 'approximated' : 'exact', {
    axis: 'overcommit',
    value: String(mode),
    why: overcommit.mode === null ? "the kernel's default" : null,
    decides: true,
  });
  if (mode !== 2) {
    const swap = memory.swapTotalKib ?? 0;
    // Mode 0 refuses a single charge larger than RAM and swap; engines since wasmtime 27 charge none.
    return {
      set: { overcommit: mode },
      say: [
        first,
        ...(swap > 0
          ? [
              say('memory.swapTotalKib', swap, 'not reproducible', {
                why: 'guests have no swap; no tier depends on it in this mode',
              }),
            ]
          : []),
      ],
    };
  }
  if (memory.commitLimitKib === null) {
    const ratio = overcommit.ratio ?? 50;
    return {
      set: { overcommit: mode, overcommitRatio: Math.min(ratio, 1000) },
      say: [
        first,
        say('overcommit.ratio', overcommit.ratio, overcommit.ratio === null ? 'approximated' : 'exact', {
          axis: 'overcommitRatio',
          value: String(ratio),
          why: overcommit.ratio === null ? "the kernel's default" : null,
          decides: true,
        }),
      ],
    };
  }
  // What decides is what is left: less what others hold and what is kept from ordinary users.
  const reserve = process.sysAdmin === 'yes' ? 0 : (overcommit.adminReserveKib ?? 8192);
  const left = (memory.commitLimitKib - (memory.committedKib ?? 0) - reserve) * kib + guestCommitted;
  // Of the guest: the report's own, unless it is given less RAM.
  const memTotal =
    memory.totalKib !== null && so.memory < largestMemory
      ? memory.totalKib * kib
      : so.memory - 25 * mib - so.memory * 0.0163;
  const ratio = Math.min(1000, Math.max(0, Math.round((left * 100) / memTotal)));
  const value = String(ratio);
  const why = `a ratio of ${ratio} leaves as much, within ${Math.ceil(memTotal / 200 / mib)} MiB: swap, overcommit_kbytes, what others hold and the reserve are part of it`;
  return {
    set: { overcommit: mode, overcommitRatio: ratio },
    say: [
      first,
      ...(['memory.commitLimitKib', 'memory.committedKib'] as const).map((fact) =>
        say(
          fact,
          fact === 'memory.commitLimitKib' ? memory.commitLimitKib : memory.committedKib,
          'approximated',
          { axis: 'overcommitRatio', value, why, decides: true },
        ),
      ),
    ],
  };
};

export const mapPages: Rule = ({ transparentHugePages: { enabled }, kernelLimits: { maxMapCount } }) => ({
  set: {
    ...(enabled !== null && { thp: enabled }),
    ...(maxMapCount !== null && maxMapCount >= 64 && { maxMapCount }),
  },
  say: [
    say('transparentHugePages.enabled', enabled, enabled === null ? 'approximated' : 'exact', {
      axis: 'thp',
      value: enabled ?? axes.thp.default,
      why: enabled === null ? "the kernel's default" : null,
    }),
    maxMapCount !== null && maxMapCount < 64
      ? say('kernelLimits.maxMapCount', maxMapCount, 'not reproducible', {
          why: 'a guest does not run with fewer than 64',
          decides: true,
        })
      : say('kernelLimits.maxMapCount', maxMapCount, maxMapCount === null ? 'approximated' : 'exact', {
          axis: 'maxMapCount',
          value: maxMapCount === null ? 'default' : String(maxMapCount),
          why: maxMapCount === null ? "the kernel's default" : null,
          decides: true,
        }),
  ],
});

/** Bits a process of this guest gets (x86-64). */
const guestBits = 47;

export const mapWidth: Rule = ({ processor, kernel }, so) => {
  const bits = processor.processBits;
  const foreign = kernel.architecture !== 'x86_64';
  const machine = foreign
    ? [
        say(
          'kernel.architecture',
          kernel.architecture,
          kernel.architecture === 'aarch64' || kernel.architecture === 'riscv64'
            ? 'approximated'
            : 'not reproducible',
          {
            why: 'the guest is x86_64; pools have the same sizes on 64-bit machines',
            standIn: true,
            decides: true,
          },
        ),
      ]
    : [say('kernel.architecture', kernel.architecture, 'exact')];
  if (bits === null || bits >= guestBits) {
    return {
      say: [
        ...machine,
        say('processor.processBits', bits, bits === guestBits ? 'exact' : 'approximated', {
          why: bits === guestBits ? null : `the guest has ${guestBits}`,
          decides: true,
        }),
      ],
    };
  }
  const space = Math.min(2 ** bits, so.addressSpace ?? Infinity);
  return {
    set: { addressSpace: space },
    say: [
      ...machine,
      say('processor.processBits', bits, 'approximated', {
        axis: 'addressSpace',
        value: formatSize(space),
        why: 'a limit of the same size stands in for the address width',
        standIn: true,
        decides: true,
      }),
    ],
  };
};

export const mapProcessor: Rule = ({ processor, kernel }, so) => {
  const count = processor.count;
  const cpus = Math.min(count ?? 1, 4);
  const flags = processor.flags?.split(' ') ?? null;
  const lacking = kernel.architecture === 'x86_64' && flags !== null && !flags.includes('sse4_1');
  return {
    set: { cpus },
    say: [
      say('processor.count', count, count === cpus ? 'exact' : 'approximated', {
        axis: 'cpus',
        value: String(cpus),
        why: count === cpus ? null : 'four stand for more',
      }),
      say(
        'processor.flags',
        lacking ? 'no sse4_1' : flags === null ? null : `${flags.length} flags`,
        lacking ? 'not reproducible' : 'approximated',
        {
          why: lacking
            ? 'the guest has a processor with every flag, and V8 compiles no SIMD without sse4_1'
            : 'the guest has a processor with every flag',
          decides: lacking && so.engine === 'v8',
        },
      ),
    ],
  };
};

export const mapKernel: Rule = ({ kernel }, so) => ({
  say: [
    say('kernel.release', kernel.release, 'approximated', {
      axis: 'kernel',
      value: so.kernel,
      why: 'the pinned kernel stands for it',
    }),
    say('kernel.pageSize', kernel.pageSize, kernel.pageSize === 4096 ? 'exact' : 'not reproducible', {
      why: kernel.pageSize === 4096 ? null : 'the guest has pages of 4096 bytes; pools are rounded otherwise',
    }),
  ],
});
