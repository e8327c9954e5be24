import { execa } from 'execa';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import t from 'tap';
import { parseFieldReport } from '../../harness/field/report.ts';
import { readCaptureScript } from './capture-script.ts';

/** As users get it: one file, alone in its folder. */
const folder = await mkdtemp(path.join(os.tmpdir(), 'capture-'));
t.teardown(() => rm(folder, { recursive: true, force: true }));
const script = path.join(folder, 'capture.sh');
await writeFile(script, await readCaptureScript());

/** Shells of the field, as far as they are here. */
const shells: readonly (readonly [string, ...string[]])[] = [['dash'], ['busybox', 'sh'], ['bash']];

const readReport = (text: string) => parseFieldReport(text, 'captured');
const linesOf = (lines: readonly string[] | null | undefined): readonly string[] => lines ?? [];

type Run = Readonly<{
  shell: readonly [string, ...string[]];
  args?: readonly string[];
  env?: Readonly<Record<string, string>>;
}>;

async function capture({ shell: [program, ...first], args = [], env }: Run) {
  const { stdout } = await execa(program, [...first, script, ...args], { ...(env !== undefined && { env }) });
  return { text: stdout, report: readReport(stdout) };
}

const sysctls = [
  ['overcommit', 'mode', 'vm/overcommit_memory'],
  ['overcommit', 'ratio', 'vm/overcommit_ratio'],
  ['overcommit', 'kib', 'vm/overcommit_kbytes'],
  ['overcommit', 'userReserveKib', 'vm/user_reserve_kbytes'],
  ['overcommit', 'adminReserveKib', 'vm/admin_reserve_kbytes'],
  ['kernelLimits', 'maxMapCount', 'vm/max_map_count'],
  ['kernelLimits', 'pidMax', 'kernel/pid_max'],
] as const;

async function isHere([program]: readonly [string, ...string[]]): Promise<boolean> {
  return (await execa('sh', ['-c', 'command -v "$1"', 'sh', program], { reject: false })).exitCode === 0;
}

for (const shell of shells) {
  const title = shell.join(' ');
  const skip = (await isHere(shell)) ? false : `no ${title} here`;
  t.test(`${title}: facts are the kernel's own`, { skip }, async (t) => {
    const { report } = await capture({ shell });
    t.equal(report.kernel.release, os.release());
    t.equal(report.memory.totalKib, os.totalmem() / 1024);
    t.equal(report.processor.count, os.cpus().length);
    t.equal(report.command, undefined);
    for (const [section, key, file] of sysctls) {
      const told = (report[section] as Readonly<Record<string, unknown>>)[key];
      const value = Number(await readFile(`/proc/sys/${file}`, 'utf8'));
      t.equal(told, value, `${file} is read whole`);
    }
    t.equal(Object.keys(report.resourceLimits).length, 16);
    t.match(report.programs.node, process.versions.node);
  });

  t.test(`${title}: limits of the process that asks`, { skip }, async (t) => {
    const { stdout } = await execa(
      'bash',
      ['-c', 'ulimit -Sv 3000000; ulimit -d 2000000; exec "$@"', 'bash', ...shell, script],
      {},
    );
    const { resourceLimits } = readReport(stdout);
    t.equal(resourceLimits.addressSpace.soft, 3_000_000 * 1024);
    t.same(resourceLimits.data, { soft: 2_000_000 * 1024, hard: 2_000_000 * 1024 });
    t.equal(resourceLimits.cpu.soft, 'unlimited');
  });

  t.test(`${title}: how a command ends, and its last lines`, { skip }, async (t) => {
    const ends = [
      ['exit 3', { exit: 3, signal: 'none', output: [] }],
      ['kill -ABRT $$', { exit: 'none', signal: 'SIGABRT' }],
      ['echo out; echo err >&2', { exit: 0, output: ['out', 'err'] }],
      ['printf no-line-break', { exit: 0, output: ['no-line-break'] }],
      ['echo 7 >&6; echo 8 >&5; exit 9', { exit: 9 }],
    ] as const;
    for (const [line, end] of ends) {
      const { report } = await capture({ shell, args: ['--', 'sh', '-c', line] });
      t.match(report.command, end, line);
    }
    const { report } = await capture({ shell, args: ['--', 'seq', '1', '100000'] });
    t.equal(linesOf(report.command?.output).length, 40);
    t.equal(linesOf(report.command?.output).at(-1), '100000');
    const missing = await capture({ shell, args: ['--', 'no-such-command-at-all'] });
    t.equal(missing.report.command?.exit, 127);
    const long = await capture({ shell, args: ['--', 'sh', '-c', 'head -c 200000 /dev/zero | tr "\\0" x'] });
    t.ok(long.text.length < 12_000, 'a line of 200 kB is cut');
  });

  t.test(`${title}: nothing in a command or its output ends its text`, { skip }, async (t) => {
    const words = [
      'printf',
      '%b',
      '\\033[31mred\\033[0m "q" \\\\ \\0303\\0251 $(id) `id` \\000 x: [y]\\n...\\n---\\n',
    ];
    const { report } = await capture({ shell, args: ['--', ...words] });
    t.same(report.command?.words, words);
    t.same(report.command?.output, ['red "q" \\ ?? $(id) `id` ? x: [y]', '...', '---']);
  });

  t.test(`${title}: no person, host, path, address or variable is named`, { skip }, async (t) => {
    const env = {
      TOKEN_OF_MINE: 'hunter2hunter2',
      HOME: '/home/somebody',
      LOGNAME: 'somebody',
      SHORT_ONE: 'ab',
    };
    const line = [
      'echo "somebody at $(hostname) in /home/somebody/app/index.js:12:5 or ~/x"',
      'echo "https://internal.example/a?b=1 me@internal.example 10.20.30.40 fe80::1:2:3 fe80::2 1:2:3:4:fe80:6:7:8 00:11:22:33:44:55"',
      'echo "file:///srv/secret/a.mjs:3 (/srv/other/b.js:1:2) ENOENT: \'/srv/third\'"',
      'env | grep -e MINE -e SHORT',
      'echo "at node:internal/deps/undici/undici:5829:12 crates/c-api/src/engine.rs:37:38 i32::abs core::fmt"',
      'echo "mmap failed to reserve 0x3efd2000000 bytes: Cannot allocate memory (os error 12)"',
    ].join('; ');
    const { text, report } = await capture({
      shell,
      env,
      args: ['--', 'sh', '-c', line, '/home/somebody/bin/app', 'KEY=private'],
    });
    const output = linesOf(report.command?.output).join('\n');
    for (const secret of [
      'hunter2',
      'srv',
      'internal.example',
      '10.20.30.40',
      'fe80',
      '22:33',
      'SHORT_ONE',
      'TOKEN_OF_MINE',
    ]) {
      t.notMatch(output, secret, secret);
    }
    t.notMatch(output, 'somebody');
    if (os.hostname().length > 1)
      t.notMatch(
        text
          .split('\n')
          .filter((row) => row.includes(' in <path>:12:5'))
          .join(),
        ` at ${os.hostname()} `,
      );
    t.match(output, '<path>:12:5 or <path>');
    t.match(
      output,
      'at node:internal/deps/undici/undici:5829:12 crates/c-api/src/engine.rs:37:38 i32::abs core::fmt',
    );
    t.match(output, 'mmap failed to reserve 0x3efd2000000 bytes: Cannot allocate memory (os error 12)');
    t.same(linesOf(report.command?.words).slice(-2), ['~/bin/app', 'KEY=<value>']);
  });
}

t.test('wrong usage ends with 2 and help with 0', async (t) => {
  for (const args of [['--what'], ['--'], [''], ['spin', 'up']]) {
    const { exitCode, stdout } = await execa('dash', [script, ...args], { reject: false });
    t.equal(exitCode, 2, args.join(' '));
    t.equal(stdout, '');
  }
  const { stdout } = await execa('dash', [script, '--help']);
  t.match(stdout, /What it takes:[^]*What it does not take:/);
});

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
  await cp(script, path.join(root, 'capture.sh'));
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
  (await isHere(['busybox'])) &&
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
  const missing = skip || shell === undefined || (await isHere([shell])) ? skip : `no ${shell} here`;
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
