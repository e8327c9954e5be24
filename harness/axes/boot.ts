/** Axes of the guest's machine: another value is another boot. */
import {
  architectureNames,
  architectureOf,
  defaultArchitecture,
  type ArchitectureName,
} from '../../images/architectures.ts';
import { findKernelRow, isReleaseOf, isTried } from '../../images/definitions.ts';
import { labelKernel } from '../../images/kernel-file.ts';
import { usualPageBytes } from '../../images/allocator/mappings.ts';
import type { Facts } from '../../images/allocator/facts.ts';
import { type Axis, defineAxis } from './axis.ts';
import { cpuModel, parseCpu } from './cpu-kind.ts';
import { cpuFlags, cpuModels } from './cpu-models.ts';
import { kernelWords, spellOut } from './kernel-arguments.ts';
import { kernelName } from './kernel-kind.ts';
import { choice, integer, optional, size } from './kinds.ts';
import { formatFound, gib, kib, mib, tib } from './values.ts';

export const arch = defineAxis({
  name: 'arch',
  description: "Architecture of the guest; another than this computer's is emulated",
  unit: null,
  kind: choice(architectureNames, {
    ...{ x86_64: 'x86-64', amd64: 'x86-64', x64: 'x86-64', aarch64: 'arm64', armv8: 'arm64' },
    ...{ riscv: 'riscv64', rv64: 'riscv64', rv64gc: 'riscv64' },
  }),
  examples: ['arm64'],
  alsoCalled: ['architecture', 'isa', 'machine', 'platform'],
  applies: 'boot',
  // The row of a kernel may know the address width better.
  turn: 'first',
  default: defaultArchitecture.name,
  core: false,
  since: 4,
  provenBy: ['architecture'],
  machine: (value) => (value === defaultArchitecture.name ? {} : { architecture: value }),
  readBack: { asked: (value) => value, found: (facts) => formatFound(facts.architecture) },
  estimate: (value) => ({ architecture: value, addressBits: architectureOf(value).addressBits }),
  draw: { values: [defaultArchitecture.name], share: 0 },
});

export function estimateMemTotal(bytes: number, of: ArchitectureName = defaultArchitecture.name): number {
  const { kernel, part, bounced } = architectureOf(of).keptMemory;
  const bounceBuffers = bytes >= bounced * mib ? 64 * mib : 0;
  return Math.floor(bytes - kernel * mib - bytes * part - bounceBuffers);
}

export const memory = defineAxis({
  name: 'memory',
  description: 'RAM of the guest',
  unit: 'bytes',
  kind: size({ min: 128 * mib, max: tib, step: mib }),
  examples: ['512M', '1.5G'],
  alsoCalled: ['ram', 'mem', 'memorySize'],
  applies: 'boot',
  default: 2 * gib,
  core: true,
  since: 1,
  column: 1,
  isBare: true,
  provenBy: ['memTotal'],
  machine: (bytes) => ({ memoryMib: bytes / mib }),
  readBack: {
    asked: (bytes) => `${bytes / mib} MiB of RAM`,
    found: ({ memTotal }) =>
      `MemTotal ${memTotal === null ? 'unknown' : `${Math.round(memTotal / mib)} MiB`}`,
    // The kernel keeps some for itself: 31 MiB of 512 MiB, 169 MiB of 4 GiB (measured, 6.1).
    matches: (bytes, { memTotal }) =>
      memTotal !== null && memTotal <= bytes && memTotal >= bytes * 0.94 - 48 * mib,
  },
  estimate: (bytes, of) => {
    const memTotal = estimateMemTotal(bytes, of(arch));
    const free = memTotal * 0.94;
    // linux mm/mmap.c init_user_reserve, init_admin_reserve: 1/32 of the memory free at boot, capped.
    return {
      memTotal,
      memAvailable: free,
      userReserve: Math.min(free / 32, 128 * mib),
      adminReserve: Math.min(free / 32, 8 * mib),
    };
  },
  // Smaller guests do not boot; larger ones change no tier. Steps of 8 MiB: a guest's own usage varies by about that.
  search: { from: 256 * mib, to: 16 * gib, step: 8 * mib },
  draw: { values: [512 * mib, 768 * mib, gib, 2 * gib, 3 * gib, 4 * gib] },
});

const isKernelOf =
  (architecture: ArchitectureName) =>
  (kernel: string): boolean =>
    findKernelRow(kernel)?.metaPackages[architecture] !== undefined;

/** @param kernels names of kernels; the first is the default */
export const kernelAxis = (kernels: readonly string[]): Axis<string, 'kernel'> =>
  defineAxis({
    name: 'kernel',
    description: 'Kernel of the guest',
    unit: null,
    kind: kernelName(kernels),
    examples: [kernels[0] ?? 'bookworm', './bzImage:./modules'],
    alsoCalled: ['linux', 'kernelVersion'],
    applies: 'boot',
    default: kernels[0] ?? 'bookworm',
    core: false,
    since: 1,
    column: 10,
    label: labelKernel,
    provenBy: ['kernelRelease', 'pageSize'],
    readBack: {
      asked: (value) => value,
      found: ({ kernelRelease, pageSize }) =>
        `${formatFound(kernelRelease)}${pageSize === usualPageBytes ? '' : `, pages of ${pageSize} bytes`}`,
      matches: (value, { kernelRelease, pageSize }) =>
        kernelRelease !== null &&
        isReleaseOf(value, kernelRelease) &&
        pageSize === (findKernelRow(value)?.pageBytes ?? usualPageBytes),
    },
    estimate: (value) => {
      const { pageBytes, addressBits } = findKernelRow(value) ?? {};
      return {
        pageSize: pageBytes ?? usualPageBytes,
        ...(addressBits !== undefined && { addressBits }),
      };
    },
    search: kernels.filter(isTried),
    draw: { values: kernels.filter(isKernelOf(defaultArchitecture.name)).filter(isTried) },
  });

export const cpus = defineAxis({
  name: 'cpus',
  description: 'Processors of the guest',
  unit: null,
  kind: integer(1, 64),
  examples: ['2'],
  alsoCalled: ['vcpus', 'cores', 'smp', 'processors', 'threads'],
  applies: 'boot',
  default: 1,
  core: false,
  since: 1,
  column: 11,
  provenBy: ['cpus'],
  machine: (count) => ({ cpus: count }),
  readBack: { asked: String, found: (facts) => formatFound(facts.cpus) },
  estimate: (count) => ({ cpus: count }),
  search: { from: 1, to: 8, step: 1 },
  draw: { values: [1, 2] },
});

export const cpu = defineAxis({
  name: 'cpu',
  description: "QEMU CPU model and flags; `default` is `max` under emulation, this computer's under KVM",
  unit: null,
  kind: optional(cpuModel(), 'default'),
  examples: ['qemu64', 'max+pku=off'],
  alsoCalled: ['cpuModel', 'processor', 'cpuType'],
  applies: 'boot',
  default: null,
  core: false,
  since: 2,
  provenBy: ['cpuModel', 'cpuFlags'],
  machine: (model) => ({ cpuModel: model, ...(lacksRandomNumbers(model) && { entropy: true }) }),
  readBack: {
    asked: (model) => model,
    found: (facts) => formatFound(facts.cpuModel),
    matches: (model, facts) => model !== null && isCpu(model, facts),
  },
  draw: { values: [null, 'qemu64', 'Nehalem', 'max,pku=off', 'kvm64'] },
});

function lacksRandomNumbers(model: string | null): boolean {
  const parsed = model === null ? null : parseCpu(model);
  return parsed !== null && !(parsed.flags['rdrand'] ?? cpuModels[parsed.model]?.rdrand === true);
}

/** The model by the name it has in /proc/cpuinfo, and every flag of the setting. */
function isCpu(text: string, { cpuModel: model, cpuFlags: found, emulated }: Facts): boolean {
  const parsed = parseCpu(text);
  if (parsed === null || model === null) return false;
  const title = cpuModels[parsed.model]?.title;
  // Under KVM `max` is this computer's own.
  const isModel = model.replace(/\s+/g, ' ') === title || (parsed.model === 'max' && !emulated);
  return (
    isModel &&
    Object.entries(cpuFlags).every(
      ([flag, kernelName]) =>
        (parsed.flags[flag] ?? found.includes(kernelName)) === found.includes(kernelName),
    )
  );
}

export const swap = defineAxis({
  name: 'swap',
  description: 'Swap space, on a disk of its own',
  unit: 'bytes',
  kind: optional(size({ min: mib, max: tib, step: mib }), 'none'),
  examples: ['512M', 'none'],
  alsoCalled: ['swapTotal', 'swapSize', 'swapMb'],
  applies: 'boot',
  default: null,
  core: false,
  since: 2,
  provenBy: ['swapTotal'],
  machine: (bytes) => (bytes === null ? {} : { swapMib: bytes / mib }),
  readBack: {
    asked: (bytes) => (bytes === null ? null : `${bytes / mib} MiB of swap`),
    found: ({ swapTotal }) => `SwapTotal ${formatFound(swapTotal)}`,
    // The kernel keeps the first page for the signature.
    matches: (bytes, { swapTotal }) => bytes !== null && swapTotal === bytes - 4 * kib,
  },
  estimate: (bytes) => ({ swapTotal: bytes ?? 0 }),
  search: { from: 8 * mib, to: 16 * gib, step: 8 * mib },
  draw: { values: [null, 256 * mib, gib] },
});

export const kernelArguments = defineAxis({
  name: 'kernelArguments',
  description: "Words behind those of the harness on the kernel's command line",
  unit: null,
  kind: kernelWords(),
  examples: ['no5lvl', 'none'],
  alsoCalled: ['kernelArgs', 'cmdline', 'commandLine', 'bootArguments', 'append', 'kernelParameters'],
  applies: 'boot',
  default: null,
  core: false,
  since: 4,
  label: spellOut,
  provenBy: ['kernelArguments'],
  machine: (words) => (words === null ? {} : { kernelArguments: words }),
  readBack: { asked: (words) => words, found: (facts) => formatFound(facts.kernelArguments ?? null) },
  estimate: (words) => ({ kernelArguments: words ?? '' }),
  // What a word does is the kernel's business: no order, and nothing to draw.
  draw: { values: [null], share: 0 },
});
