import { execa } from 'execa';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
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
