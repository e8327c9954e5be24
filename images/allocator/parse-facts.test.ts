import t from 'tap';
import { factFiles, parseFacts } from './parse-facts.ts';
import { GiB, KiB } from './sizes.ts';

/** As a 1 GB guest under strict overcommit shows them, `ulimit -v 8388608`. */
const files = {
  '/proc/meminfo':
    'MemTotal:         995744 kB\nMemFree:          900000 kB\nMemAvailable:     910000 kB\nSwapTotal:             0 kB\nCommitLimit:      497872 kB\nCommitted_AS:       3048 kB\nHugePages_Total:      12\n',
  '/proc/sys/vm/overcommit_memory': '2\n',
  '/proc/sys/vm/overcommit_ratio': '50\n',
  '/proc/sys/vm/overcommit_kbytes': '0\n',
  '/proc/sys/vm/user_reserve_kbytes': '30000\n',
  '/proc/sys/vm/admin_reserve_kbytes': '8192\n',
  '/proc/sys/vm/max_map_count': '65530\n',
  '/sys/kernel/mm/transparent_hugepage/enabled': 'always [madvise] never\n',
  '/proc/cpuinfo':
    'processor\t: 0\nvendor_id\t: AuthenticAMD\nmodel name\t: QEMU TCG CPU version 2.5+\nflags\t\t: fpu hypervisor lm\naddress sizes\t: 40 bits physical, 57 bits virtual\n\nprocessor\t: 1\nmodel name\t: QEMU TCG CPU version 2.5+\n',
  '/proc/self/limits':
    'Limit                     Soft Limit           Hard Limit           Units     \nMax data size             unlimited            unlimited            bytes     \nMax stack size            8388608              unlimited            bytes     \nMax address space         8589934592           8589934592           bytes     \nMax processes             70                   7594                 processes \n',
  '/proc/self/status': 'Name:\tsh\nCapEff:\t000001ffffffffff\n',
  '/proc/self/stat': '12 (a) b (c) R 1 2',
  '/proc/sys/kernel/osrelease': '6.1.0-50-cloud-amd64\n',
  'poolproof/write-execute': '13\n',
  'cgroup/memory.max': 'max\n536870912\n1073741824\n',
  'cgroup/memory.high': 'max\n',
  'cgroup/pids.max': '64\nmax\n',
  '/proc/cmdline': 'console=ttyS0 poolproof.disks=4 no5lvl isolcpus=0,1\n',
};

t.test("a guest's files become facts", (t) => {
  t.same(parseFacts(files), {
    kernelRelease: '6.1.0-50-cloud-amd64',
    architecture: 'x86-64',
    kernelArguments: 'no5lvl isolcpus=0,1',
    memTotal: 995_744 * KiB,
    memAvailable: 910_000 * KiB,
    swapTotal: 0,
    commitLimit: 497_872 * KiB,
    committedAs: 3048 * KiB,
    overcommitMemory: 2,
    overcommitRatio: 50,
    overcommitKbytes: 0,
    userReserve: 30_000 * KiB,
    adminReserve: 8192 * KiB,
    hugePages: 12,
    maxMapCount: 65_530,
    thp: 'madvise',
    addressSpaceLimit: 8 * GiB,
    dataLimit: null,
    stackLimit: 8_388_608,
    cgroupMemoryMax: 536_870_912,
    cgroupMemoryHigh: null,
    pidsMax: 64,
    processLimit: 70,
    mdwe: 'prctl',
    addressBits: 47,
    pageSize: 4096,
    cpus: 2,
    cpuModel: 'QEMU TCG CPU version 2.5+',
    cpuFlags: ['fpu', 'hypervisor', 'lm'],
    virtualised: true,
    emulated: true,
    sysAdmin: true,
  });
  t.same(factFiles.toSorted(), Object.keys(files).toSorted());
  t.end();
});

t.test('only what a cell added to the command line is its kernel arguments', (t) => {
  const of = (text: string) => parseFacts({ '/proc/cmdline': text }).kernelArguments;
  t.equal(of('console=ttyS0 poolproof.disks=4\n'), '');
  t.equal(of('BOOT_IMAGE=/vmlinuz root=UUID=1 ro quiet\n'), null, 'no guest of the harness');
  t.end();
});

t.test('what is missing stays unknown', (t) => {
  const facts = parseFacts({ '/proc/meminfo': null, '/proc/sys/vm/overcommit_memory': '3\n' });
  for (const [name, value] of Object.entries(facts)) {
    const known: Readonly<Record<string, unknown>> = {
      cpuFlags: [],
      virtualised: false,
      emulated: false,
      pageSize: 4096,
    };
    t.same(value, known[name] ?? null, name);
  }
  t.end();
});

t.test(
  'the architecture, its page size and an emulated processor are read from what each kernel says',
  (t) => {
    const read = (cpuinfo: string, huge: number) => {
      const { architecture, pageSize, emulated } = parseFacts({
        '/proc/cpuinfo': cpuinfo,
        '/proc/meminfo': `MemTotal: 1000 kB\nHugepagesize:   ${huge} kB\n`,
      });
      return [architecture, pageSize, emulated];
    };
    const arm = 'processor\t: 0\nFeatures\t: fp asimd\nCPU implementer\t: 0x00\n';
    t.same(read(arm, 2048), ['arm64', 4096, true]);
    t.same(read(arm, 32_768), ['arm64', 16_384, true]);
    t.same(read(arm.replace('0x00', '0x41'), 524_288), ['arm64', 65_536, false]);
    t.same(read('vendor_id\t: GenuineIntel\n', 1_048_576), ['x86-64', 4096, false], 'huge pages of 1 GiB');
    const riscv = 'isa\t\t: rv64imafdc\nmmu\t\t: sv39\nmvendorid\t: 0x489\n';
    t.same(read(riscv, 2048), ['riscv64', 4096, false]);
    t.same(read(riscv.replace('0x489', '0x0'), 2048), ['riscv64', 4096, true]);
    t.end();
  },
);

t.test('the address width is told by the CPU, or by where the stack is', (t) => {
  const bits = (cpuinfo: string, stat = '') =>
    parseFacts({ '/proc/cpuinfo': cpuinfo, '/proc/self/stat': stat }).addressBits;
  const statWith = (stack: string) => `9 (x) R ${'0 '.repeat(24)}${stack} 0 0`;
  t.equal(bits('address sizes : 39 bits physical, 48 bits virtual\n'), 47);
  t.equal(bits('mmu\t\t: sv39\n'), 38);
  t.equal(bits('mmu\t\t: sv48\n'), 47);
  t.equal(bits('mmu\t\t: sv57\n', statWith('140737000000000')), 56, 'more than the stack shows');
  t.equal(bits('address sizes : 52 bits physical, 57 bits virtual\n'), 47, 'more only with a hint');
  t.equal(bits('', statWith('281474409488288')), 48, 'arm64');
  t.equal(bits('', statWith('549755000000')), 39, 'arm64 with 39 bits');
  t.equal(bits('', statWith('1')), null, 'hidden from those who may not look');
  t.end();
});

t.test('an ordinary user has no CAP_SYS_ADMIN', (t) => {
  t.equal(parseFacts({ '/proc/self/status': 'CapEff:\t0000000000000000\n' }).sysAdmin, false);
  t.equal(
    parseFacts({ '/sys/kernel/mm/transparent_hugepage/enabled': '[always] madvise never' }).thp,
    'always',
  );
  t.end();
});
