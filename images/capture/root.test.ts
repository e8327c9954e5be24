import { execa } from 'execa';
import { chmod, cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import t from 'tap';
import { parseFieldReport } from '../../harness/field/report.ts';
import { readCaptureScript } from './capture-script.ts';

const script = await readCaptureScript();
const readReport = (text: string) => parseFieldReport(text, 'captured');
const linesOf = (lines: readonly string[] | null | undefined): readonly string[] => lines ?? [];

async function isHere(program: string): Promise<boolean> {
  return (await execa('sh', ['-c', 'command -v "$1"', 'sh', program], { reject: false })).exitCode === 0;
}

type Root = Readonly<{
  /** Path → content. */
  files?: Readonly<Record<string, string>>;
  args?: readonly string[];
  /** A shell to copy into the root; busybox's own otherwise. */
  shell?: string;
  env?: Readonly<Record<string, string>>;
}>;

/** Runs the script in a root with a static busybox, files of our choice and nothing else: no /dev/null, no tools. */
async function inRoot({ files = {}, args = [], shell, env }: Root) {
  const root = await mkdtemp(path.join(os.tmpdir(), 'capture-root-'));
  t.teardown(() => rm(root, { recursive: true, force: true }));
  await mkdir(path.join(root, 'bin'));
  const { stdout: busybox } = await execa('sh', ['-c', 'command -v busybox']);
  await cp(busybox, path.join(root, 'bin/busybox'), { dereference: true });
  if (shell !== undefined) await copyProgram(root, shell);
  await writeFile(path.join(root, 'capture.sh'), script);
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(root, name)), { recursive: true });
    await writeFile(path.join(root, name), text, { mode: name.startsWith('bin/') ? 0o755 : 0o644 });
  }
  await chmod(root, 0o755);
  const command = shell === undefined ? ['/bin/busybox', 'sh'] : [`/bin/${shell}`];
  const { stdout, stderr } = await execa(
    'unshare',
    ['-r', 'chroot', root, ...command, '/capture.sh', ...args],
    {
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', ...env },
      extendEnv: false,
    },
  );
  return { text: stdout, stderr, report: readReport(stdout), left: await readdir(root) };
}

/** A program with its libraries. */
async function copyProgram(root: string, name: string): Promise<void> {
  const { stdout } = await execa('sh', ['-c', 'command -v "$1"; ldd "$(command -v "$1")"', 'sh', name]);
  for (const [file] of stdout.matchAll(/\/[^\s]+/g)) {
    const target = file.endsWith(`/${name}`) ? `/bin/${name}` : file;
    await mkdir(path.dirname(path.join(root, target)), { recursive: true });
    await cp(file, path.join(root, target), { dereference: true });
  }
}

const canChroot =
  (await isHere('busybox')) &&
  (
    await execa('unshare', ['-r', 'chroot', '/', 'true'], {
      reject: false,
      env: { PATH: '/usr/sbin:/usr/bin:/bin' },
    })
  ).exitCode === 0;
const skip = canChroot ? false : 'no user namespaces here';

t.test('an empty root: every fact is unknown and none is guessed', { skip }, async (t) => {
  const { text, report } = await inRoot({});
  const unknown = (facts: object) => t.same(new Set(Object.values(facts)), new Set([null]));
  t.equal(report.kernel.pageSize, null);
  unknown(report.memory);
  unknown(report.overcommit);
  unknown(report.processor);
  unknown(report.process);
  t.same(report.resourceLimits.addressSpace, { soft: null, hard: null });
  t.same(report.cgroup, { version: null, levels: null });
  t.same(report.surroundings, { container: 'noSign', wsl: 'noSign', gvisor: null });
  t.match(report.kernel, { release: os.release(), architecture: os.machine() }, 'what uname says');
  t.same(new Set(Object.values(report.programs)), new Set(['notFound']));
  t.notMatch(text, os.hostname().length > 3 ? os.hostname() : 'cannot be');
});

for (const shell of [undefined, 'dash', 'bash']) {
  const title = `${shell ?? 'busybox'}: without /dev/null, and with busybox for all tools, a command is reported whole`;
  const missing = skip || shell === undefined || (await isHere(shell)) ? skip : `no ${shell} here`;
  t.test(title, { skip: missing }, async (t) => {
    const args = ['--', '/bin/busybox', 'sh', '-c', 'echo "at /srv/app of ann"; exit 7'];
    const run = {
      args,
      env: { LOGNAME: 'ann' },
      files: { 'bin/node': '#!/bin/busybox sh\necho v22.1.0\n' },
    };
    const { report, stderr, left } = await inRoot({ ...run, ...(shell !== undefined && { shell }) });
    t.same(report.command, {
      words: args.slice(1).map((word) => word.replace('ann', '<user>')),
      output: ['at <path> of <user>'],
      exit: 7,
      signal: 'none',
    });
    t.equal(report.kernel.architecture, os.machine());
    t.equal(report.programs.node, '22.1.0');
    t.notOk(left.includes('dev'), 'nothing is made');
    t.notMatch(stderr, 'null');
  });
}

t.test('kernel files of other systems are read as what they say', { skip }, async (t) => {
  const { report: alpine } = await inRoot({
    files: {
      'etc/os-release': 'NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.22.1\nPRETTY_NAME="own name"\n',
      'lib/ld-musl-x86_64.so.1': '',
      'proc/self/cgroup': '0::/user.slice/somebody.scope\n',
      'proc/self/status': 'Name:\tx\nCapEff:\t000001ffffdfffff\nNoNewPrivs:\t1\nSeccomp:\t2\n',
      'proc/self/smaps': '0-1 r-xp\nSize: 4 kB\nKernelPageSize:       16 kB\n',
      'sys/fs/cgroup/cgroup.controllers': 'memory\n',
      'sys/fs/cgroup/user.slice/memory.max': '536870912\n',
      'sys/fs/cgroup/user.slice/memory.swap.max': '0\n',
      'sys/fs/cgroup/user.slice/somebody.scope/memory.max': 'max\n',
      'sys/fs/cgroup/user.slice/somebody.scope/memory.current': '4096\n',
      'proc/sys/kernel/osrelease': '5.15.167.4-microsoft-standard-WSL2\n',
      'proc/sys/vm/overcommit_memory': 'not a number\n',
      'proc/meminfo': 'MemTotal:        2026400 kB\nCommitted_AS:   99 kB\n',
      'proc/version': 'Linux version 6.1 (somebody@builder) x\n',
      'run/.containerenv': '',
    },
  });
  t.same(alpine.system, { id: 'alpine', version: '3.22.1', libc: 'musl' });
  t.equal(alpine.kernel.pageSize, 16_384);
  t.match(alpine.cgroup, {
    version: 2,
    levels: [
      { memoryMax: 'unlimited', memoryCurrent: 4096, pidsMax: null },
      { memoryMax: 536_870_912, swapMax: 0, memoryCurrent: null },
    ],
  });
  t.match(alpine.process, { seccomp: 'filter', noNewPrivileges: 'yes', sysAdmin: 'no' });
  t.match(alpine.surroundings, { container: 'podman', wsl: 'wsl2', gvisor: 'noSign' });
  t.match(alpine.memory, { totalKib: 2_026_400, committedKib: 99, swapTotalKib: null });
  t.equal(alpine.overcommit.mode, null);

  const { text, report: old } = await inRoot({
    files: {
      'proc/self/cgroup': '5:cpu,memory:/docker/0123456789\n1:name=systemd:/docker/0123456789\n',
      'sys/fs/cgroup/memory/memory.limit_in_bytes': '268435456\n',
      'sys/fs/cgroup/memory/memory.usage_in_bytes': '1\n',
      'proc/version': 'Linux version 4.4.0 #1 SMP Sun Jan 10 15:06:54 PST 2016\n',
      'proc/cpuinfo':
        'processor\t: 0\nhart\t: 0\nisa\t: rv64imafdc\nmmu\t: sv39\n\nprocessor\t: 1\nmmu\t: sv39\n',
      'proc/self/stat': `1 (a) b) R ${'0 '.repeat(24)}274877906000 0 0\n`,
      'proc/self/status': 'CapEff:\t0000000000200000\nSeccomp:\t0\n',
    },
  });
  const { report: counted } = await inRoot({
    files: {
      'proc/self/cgroup': '0::/app\n',
      'sys/fs/cgroup/cgroup.controllers': 'pids\n',
      'sys/fs/cgroup/app/pids.max': '64\n',
      'sys/fs/cgroup/app/pids.current': '7\n',
    },
  });
  t.match(counted.cgroup, {
    version: 2,
    levels: [{ pidsMax: 64, pidsCurrent: 7, memoryMax: null }],
  });
  t.match(old.cgroup, { version: 1, levels: [{ memoryMax: 268_435_456, memoryCurrent: 1 }] });
  t.match(old.surroundings, { container: 'docker', gvisor: 'sign' });
  t.match(old.processor, { count: 2, mmu: 'sv39', flags: 'rv64imafdc', processBits: 38, model: null });
  t.match(old.process, { sysAdmin: 'yes', seccomp: 'none', noNewPrivileges: null });
  t.notMatch(text, '0123456789');
});

t.test('a hostile kernel file cannot end its text', { skip }, async (t) => {
  const { report } = await inRoot({
    files: {
      'proc/cpuinfo': 'model name\t: a"\\$(reboot)`x` {y}: [z]\u0007 é\nflags\t: hypervisor\n',
      'etc/os-release': 'ID="x\nVERSION_ID=$(reboot)\n',
      'proc/sys/vm/max_map_count': '1; reboot\n',
    },
  });
  t.equal(report.processor.model, 'a"\\$(reboot)`x` {y}: [z]? ??');
  t.equal(report.system.version, '$(reboot)');
  t.equal(report.kernelLimits.maxMapCount, null);
});

t.test(
  'of a file only the lines on the list are taken, and of these as much as a report can hold',
  { skip },
  async (t) => {
    const { text, report } = await inRoot({
      files: {
        'proc/self/status':
          'Name:\tsecret\nCapEff:\t0000000000000000\nGroups:\t1 secret\nSeccomp_filters:\t77\n',
        'proc/self/stat': `1 (secret) S ${'0 '.repeat(24)}140736450283904 0 0\n`,
        'proc/meminfo': `MemTotal: 995744 kB\nsecret: 1 kB\n${'SwapFree: 0 kB\n'.repeat(100_000)}`,
        'proc/cpuinfo': `processor: 0\nFeatures: ${'fp '.repeat(100_000)}\nSerial: secret\n\nprocessor: 1\n\nSerial: secret\nModel: Raspberry Pi 4\n`,
        'proc/version': 'Linux version 6.1 (secret@secret) #1\n',
        'etc/os-release': 'ID=debian\nHOME_URL=secret\n',
        'proc/sys/kernel/hostname': 'secret\n',
        'proc/self/cgroup': '0::/secret/docker-secret\n',
      },
    });
    t.notMatch(text, 'secret');
    t.notMatch(text, 'Seccomp_filters');
    t.ok(text.length < 12_000, `${text.length} bytes`);
    t.match(report.processor, { count: 2, model: 'Raspberry Pi 4', processBits: 47 });
    t.match(report.memory, { totalKib: 995_744 });
    t.equal(report.surroundings.container, 'docker');
  },
);

t.test("a program's name is no user's", { skip }, async (t) => {
  const output = async (user: string, words: readonly string[]) => {
    const { report } = await inRoot({
      args: ['--', ...words],
      env: { LOGNAME: user, HOME: `/home/${user}` },
    });
    return { words: report.command?.words, output: linesOf(report.command?.output) };
  };
  const says = (text: string) => ['/bin/busybox', 'echo', text];
  t.same((await output('node', says('node: node:internal of node'))).output, ['node: node:internal of node']);
  t.same((await output('busybox', says('busybox failed'))).output, ['busybox failed']);
  t.same((await output('ann', says('node of ann'))).output, ['node of <user>']);
  const named = await output('envoy', ['/bin/busybox', 'env', 'A=secret', '/bin/busybox', 'echo', 'envoy']);
  t.same(named.output, ['<user>'], 'a word of the command that is no program');
  const wrapped = await output('workerd', ['env', 'A=1', 'workerd']);
  t.same(wrapped.words, ['env', 'A=<value>', 'workerd']);
});
