/** Version 2 of a field report: the kernel's own files → facts. An unreadable value is null, hence unknown. */
import { constants } from 'node:os';
import { z } from 'zod';
import {
  countCpuList,
  countCpus,
  readAddressBits,
  readCapability,
  readCgroupValue,
  readChoice,
  readCpuBits,
  readCpuField,
  readCpuFlags,
  readCpuModel,
  readLimit,
  readLine,
  readMeminfo,
  readMeminfoCount,
  readNumber,
  readStackBits,
  readStatusNumber,
} from '../../images/allocator/kernel-files.ts';
import { sysAdminBit, writeExecuteFile } from '../../images/allocator/parse-facts.ts';
import { text } from './report-shape.ts';

const file = z.union([z.literal('unknown').transform(() => null), z.string('is not text').max(64 * 1024)]);

/** The sections that capture.sh writes. A cut-off report has only the first of them. */
export const rawShape = z.strictObject({
  files: z.record(z.string(), file).exactOptional(),
  cgroup: z
    .strictObject({
      version: z.union([z.literal('unknown').transform(() => null), z.literal([1, 2])]).exactOptional(),
      levels: z
        .union([
          z.literal('unknown').transform(() => null),
          z.array(z.record(z.string(), z.string('is not text').max(32))).max(32),
        ])
        .exactOptional(),
    })
    .exactOptional(),
  signs: z.array(text).max(64).nullable().exactOptional(),
  programs: z.record(z.string(), z.unknown()).exactOptional(),
  command: z
    .strictObject({
      words: z.unknown().exactOptional(),
      output: z.unknown().exactOptional(),
      status: z.union([z.literal('unknown').transform(() => null), z.int().min(0).max(255)]).exactOptional(),
    })
    .exactOptional(),
  end: z.literal('field-report').exactOptional(),
});

type Body = Readonly<Record<string, unknown>>;
type Raw = Readonly<z.infer<typeof rawShape>>;

/** A file of the report and its reader; a fact of several files names the most important one. */
type Row = readonly [file: string, read: (text: string, files: (path: string) => string) => unknown];

const kib = (name: string): Row => [
  '/proc/meminfo',
  (meminfo) => {
    const bytes = readMeminfo(meminfo, name);
    return bytes === null ? null : bytes / 1024;
  },
];
const sysctl = (name: string): Row => [`/proc/sys/${name}`, readNumber];
const limit = (name: string): Row => ['/proc/self/limits', (limits) => readLimit(limits, `Max ${name}`)];
const cpu = (read: (cpuinfo: string) => unknown): Row => ['/proc/cpuinfo', read];
const yesNo = (value: boolean | null): string | null => (value === null ? null : value ? 'yes' : 'no');
const line = (path: string): Row => [path, readLine];

/** `ID=debian` of /etc/os-release. */
const release = (name: string): Row => [
  '/etc/os-release',
  (lines) => new RegExp(`^${name}=["']?([^"'\n]*)["']?$`, 'm').exec(lines)?.[1] ?? null,
];

/** Other sources of a fact whose file cannot be read. */
const substitutes: Readonly<Record<string, string>> = {
  '/proc/sys/kernel/osrelease': 'uname -r',
  '/proc/self/smaps': 'getconf PAGESIZE',
};

const seccompModes = ['none', 'strict', 'filter'];

export const rows: Readonly<Record<string, Readonly<Record<string, Row>>>> = {
  kernel: {
    release: line('/proc/sys/kernel/osrelease'),
    architecture: line('uname -m'),
    pageSize: [
      '/proc/self/smaps',
      (smaps) => {
        const found = /^KernelPageSize:\s+(\d+) kB/m.exec(smaps)?.[1];
        return found === undefined ? readNumber(smaps) : Number(found) * 1024;
      },
    ],
  },
  system: { id: release('ID'), version: release('VERSION_ID') },
  memory: {
    totalKib: kib('MemTotal'),
    availableKib: kib('MemAvailable'),
    swapTotalKib: kib('SwapTotal'),
    swapFreeKib: kib('SwapFree'),
    commitLimitKib: kib('CommitLimit'),
    committedKib: kib('Committed_AS'),
    vmallocTotalKib: kib('VmallocTotal'),
    hugePages: ['/proc/meminfo', (meminfo) => readMeminfoCount(meminfo, 'HugePages_Total')],
    hugePageKib: kib('Hugepagesize'),
  },
  overcommit: {
    mode: sysctl('vm/overcommit_memory'),
    ratio: sysctl('vm/overcommit_ratio'),
    kib: sysctl('vm/overcommit_kbytes'),
    userReserveKib: sysctl('vm/user_reserve_kbytes'),
    adminReserveKib: sysctl('vm/admin_reserve_kbytes'),
  },
  transparentHugePages: {
    enabled: ['/sys/kernel/mm/transparent_hugepage/enabled', readChoice],
    defrag: ['/sys/kernel/mm/transparent_hugepage/defrag', readChoice],
  },
  kernelLimits: {
    maxMapCount: sysctl('vm/max_map_count'),
    pidMax: sysctl('kernel/pid_max'),
    threadsMax: sysctl('kernel/threads-max'),
  },
  resourceLimits: {
    addressSpace: limit('address space'),
    core: limit('core file size'),
    cpu: limit('cpu time'),
    data: limit('data size'),
    fileLocks: limit('file locks'),
    fileSize: limit('file size'),
    lockedMemory: limit('locked memory'),
    messageQueues: limit('msgqueue size'),
    nice: limit('nice priority'),
    openFiles: limit('open files'),
    pendingSignals: limit('pending signals'),
    processes: limit('processes'),
    realTimePriority: limit('realtime priority'),
    realTimeTimeout: limit('realtime timeout'),
    resident: limit('resident set'),
    stack: limit('stack size'),
  },
  processor: {
    count: cpu((cpuinfo) => countCpus(cpuinfo)),
    model: cpu(readCpuModel),
    vendor: cpu((cpuinfo) => readCpuField(cpuinfo, 'vendor_id')),
    flags: cpu((cpuinfo) => readCpuField(cpuinfo, 'flags', 'Features', 'isa')),
    physicalBits: cpu((cpuinfo) => readCpuBits(cpuinfo).physical),
    virtualBits: cpu((cpuinfo) => readCpuBits(cpuinfo).virtual),
    mmu: cpu((cpuinfo) => readCpuField(cpuinfo, 'mmu')),
    // The process' own stack first: a 32-bit process of a 64-bit machine has 32 bits.
    processBits: [
      '/proc/self/stat',
      (stat, files) => readStackBits(stat) ?? readAddressBits(files('/proc/cpuinfo'), ''),
    ],
    virtualised: cpu((cpuinfo) => {
      const flags = readCpuFlags(cpuinfo);
      if (flags.includes('hypervisor')) return 'yes';
      return flags.length > 0 && readCpuField(cpuinfo, 'vendor_id') !== null ? 'no' : null;
    }),
    emulatedModel: cpu((cpuinfo) => {
      const model = readCpuModel(cpuinfo);
      return yesNo(model === null ? null : model.includes('QEMU'));
    }),
    machineVendor: line('/sys/class/dmi/id/sys_vendor'),
    hypervisor: line('/sys/hypervisor/type'),
  },
  process: {
    seccomp: [
      '/proc/self/status',
      (status) => seccompModes[readStatusNumber(status, 'Seccomp') ?? -1] ?? null,
    ],
    noNewPrivileges: [
      '/proc/self/status',
      (status) => ['no', 'yes'][readStatusNumber(status, 'NoNewPrivs') ?? -1] ?? null,
    ],
    sysAdmin: ['/proc/self/status', (status) => yesNo(readCapability(status, sysAdminBit))],
    // -1: a kernel without it. Bit 0 is PR_MDWE_REFUSE_EXEC_GAIN.
    memoryDenyWriteExecute: [
      'prctl PR_GET_MDWE',
      (answer) => {
        const bits = readNumber(answer);
        return yesNo(bits === null ? null : (bits & 1) === 1);
      },
    ],
    writableToExecutable: [
      writeExecuteFile,
      (answer) => {
        const errno = readNumber(answer);
        return yesNo(errno === null ? null : errno === 0);
      },
    ],
  },
};

const cgroupNames: Readonly<Record<1 | 2, Readonly<Record<string, string>>>> = {
  1: {
    memoryMax: 'memory.limit_in_bytes',
    memoryHigh: 'memory.soft_limit_in_bytes',
    memoryAndSwapMax: 'memory.memsw.limit_in_bytes',
    memoryCurrent: 'memory.usage_in_bytes',
  },
  2: {
    memoryMax: 'memory.max',
    memoryHigh: 'memory.high',
    swapMax: 'memory.swap.max',
    memoryCurrent: 'memory.current',
    pidsMax: 'pids.max',
    pidsCurrent: 'pids.current',
  },
};

function readCgroup({ version = null, levels = null }: NonNullable<Raw['cgroup']>): unknown {
  const names = Object.entries(version === null ? {} : cgroupNames[version]);
  const read = (level: Readonly<Record<string, string>>) =>
    Object.fromEntries(names.map(([key, name]) => [key, readCgroupValue(level[name] ?? '')]));
  return { version, levels: version === null ? null : (levels?.map(read) ?? null) };
}

/** Signs of a container, the strongest first: a container may see the files of another one around it. */
const containerSigns: readonly (readonly [container: string, sign: string, unless?: string])[] = [
  ['kubernetes', '/run/secrets/kubernetes.io'],
  ['kubernetes', '/var/run/secrets/kubernetes.io'],
  ['podman', '/run/.containerenv'],
  ['docker', '/.dockerenv'],
  ['openvz', '/proc/vz', '/proc/bc'],
];
const cgroupSigns: readonly (readonly [container: string, sign: string])[] = [
  ['kubernetes', 'cgroup kubepods'],
  ['podman', 'cgroup libpod'],
  ['docker', 'cgroup docker'],
  ['lxc', 'cgroup /lxc'],
];

function readSurroundings(
  signs: readonly string[] | undefined,
  files: (path: string) => string,
  hasProc: boolean,
) {
  if (signs === undefined) return { container: null, wsl: null, gvisor: null };
  const held = (list: typeof containerSigns) =>
    list.find(([, sign, unless]) => signs.includes(sign) && !signs.includes(unless ?? ''))?.[0];
  const kernel = files('/proc/sys/kernel/osrelease');
  const wsl = kernel.includes('-Microsoft') ? 'wsl1' : /microsoft|WSL2/.test(kernel) ? 'wsl2' : 'noSign';
  return {
    container:
      held(containerSigns) ?? readLine(files('/run/systemd/container')) ?? held(cgroupSigns) ?? 'noSign',
    wsl: kernel === '' ? null : wsl,
    // The sign is in /proc/version: unknown without a /proc.
    gvisor: signs.includes('gVisor') ? 'sign' : !hasProc ? null : 'noSign',
  };
}

/** The C library, by its program loaders; with several the right one is unknown. */
function readLibc(signs: readonly string[]): string | null {
  const found = [
    ...(signs.some((sign) => sign.includes('/ld-musl-')) ? ['musl'] : []),
    ...(signs.some((sign) => sign.includes('/ld-linux')) ? ['glibc'] : []),
  ];
  return found.length > 1 ? 'several' : (found[0] ?? null);
}

/** SIGABRT has a second name, SIGIOT, further down. */
const signalNames = new Map(
  Object.entries(constants.signals)
    .reverse()
    .map(([name, number]) => [number, name]),
);

/** A status above 128 is a signal where there is one of that number; some programs end so themselves. */
function readStatus(status: number | null | undefined): Readonly<{ exit: unknown; signal: string | null }> {
  if (status == null) return { exit: null, signal: null };
  const signal = signalNames.get(status - 128);
  return signal === undefined ? { exit: status, signal: 'none' } : { exit: 'none', signal };
}

/** The facts of a report, before their bounds are checked. */
export function readFiles({ files = {}, cgroup = {}, signs: listed, programs, command }: Raw): Body {
  const signs = listed ?? (listed === null ? [] : undefined);
  const textOf = (path: string): string => {
    const found = files[path] ?? files[substitutes[path] ?? ''] ?? '';
    return found.replaceAll('\t', ' ');
  };
  const facts = Object.fromEntries(
    Object.entries(rows).map(([section, row]) => [
      section,
      Object.fromEntries(Object.entries(row).map(([key, [path, read]]) => [key, read(textOf(path), textOf)])),
    ]),
  );
  const online = countCpuList(textOf('/sys/devices/system/cpu/online'));
  return {
    ...facts,
    system: { ...facts['system'], libc: readLibc(signs ?? []) },
    processor: { ...facts['processor'], ...(online !== null && { count: online }) },
    cgroup: readCgroup(cgroup),
    surroundings: readSurroundings(signs, textOf, files['/proc/sys/kernel/osrelease'] != null),
    programs,
    ...(command !== undefined && {
      command: {
        words: command.words ?? null,
        output: command.output ?? null,
        ...readStatus(command.status),
      },
    }),
  };
}

/** The place of a fact in a report. */
export function placeOfFact([section, key]: readonly PropertyKey[]): readonly PropertyKey[] | null {
  const path = rows[String(section)]?.[String(key)]?.[0];
  return path === undefined ? null : ['files', path];
}
