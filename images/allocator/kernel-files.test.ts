import t from 'tap';
import {
  countCpuList,
  countCpus,
  readCapability,
  readChoice,
  readCgroupValue,
  readCpuBits,
  readCpuFlags,
  readCpuModel,
  readCpuPart,
  readLimit,
  readLine,
  readMeminfo,
  readMeminfoCount,
  readNumber,
  readStatusNumber,
} from './kernel-files.ts';

t.test('a value is read from its file, and what is missing or has another form is null', (t) => {
  const rows: readonly (readonly [title: string, found: unknown, expected: unknown])[] = [
    ['number', readNumber(' 65530\n'), 65_530],
    ['no number', readNumber('max\n'), null],
    ['line', readLine('tsc \n'), 'tsc'],
    ['empty line', readLine('\n'), null],
    ['two lines', readLine('a\nb\n'), null],
    ['memory', readMeminfo('MemTotal:  995744 kB\n', 'MemTotal'), 995_744 * 1024],
    ['no memory', readMeminfo('MemTotal:  995744 kB\n', 'MemFree'), null],
    ['pages', readMeminfoCount('HugePages_Total:  12\n', 'HugePages_Total'), 12],
    ['no pages', readMeminfoCount('MemTotal: 12 kB\n', 'MemTotal'), null],
    ['choice', readChoice('always [madvise] never\n'), 'madvise'],
    ['no choice', readChoice('always madvise never\n'), null],
    ['processors', countCpus('processor\t: 0\nflags\t: a\nprocessor\t: 1\n'), 2],
    ['no processors', countCpus('hart : 0\n'), null],
    ['list of processors', countCpuList('0-3,8\n'), 5],
    ['list backwards', countCpuList('3-0\n'), 0],
    ['no list', countCpuList('0-3 8\n'), null],
    ['capability', readCapability('CapEff:\t0000000000200000\n', 21), true],
    ['missing capability', readCapability('CapEff:\t0000000000200000\n', 20), false],
    ['no capabilities', readCapability('CapPrm:\t0\n', 21), null],
    ['status', readStatusNumber('Name:\tnode\nSeccomp:\t2\n', 'Seccomp'), 2],
    ['no status', readStatusNumber('Name:\tnode\n', 'Seccomp'), null],
    ['model', readCpuModel('model name\t: A CPU \nmodel name\t: Another\n'), 'A CPU'],
    ['no model', readCpuModel(''), null],
    [
      'part',
      readCpuPart('CPU implementer\t: 0x41\nCPU part\t: 0xd0c\n'),
      { implementer: '0x41', part: '0xd0c' },
    ],
    ['no part', readCpuPart('CPU implementer\t: 0x41\n'), null],
    ['no implementer', readCpuPart('vendor_id\t: GenuineIntel\n'), null],
    ['flags', readCpuFlags('flags\t\t: fpu  avx2\n'), ['fpu', 'avx2']],
    ['no flags', readCpuFlags(''), []],
    [
      'bits',
      readCpuBits('address sizes\t: 46 bits physical, 48 bits virtual\n'),
      { physical: 46, virtual: 48 },
    ],
  ];
  for (const [title, found, expected] of rows) t.strictSame(found, expected, title);
  t.end();
});

t.test('a limit is a number, or none at all in any of the ways the kernel writes that', (t) => {
  const limits = 'Max data size             unlimited            8388608              bytes     \n';
  t.strictSame(readLimit(limits, 'Max data size'), { soft: 'unlimited', hard: 8_388_608 });
  t.strictSame(readLimit(limits, 'Max stack size'), { soft: null, hard: null });
  for (const text of ['max\n', '-1\n', '9223372036854771712\n', '18446744073709551615\n'])
    t.equal(readCgroupValue(text), 'unlimited', text);
  t.equal(readCgroupValue('536870912\n'), 536_870_912);
  t.equal(readCgroupValue('none\n'), null);
  t.end();
});
