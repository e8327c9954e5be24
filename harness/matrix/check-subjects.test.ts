import { writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import t from 'tap';
import { defaultArchitecture } from '../../images/architectures.ts';
import { findProgram, loaderPath, readElfMachine, readInterpreter } from './interpreter.ts';
import { loadMatrix } from './load.ts';

const subject = `subject:
  name: server
  run: ['{files}/server']
  files:
    server: ./server
  tiers: { standard: '^on$' }
axes: { memory: [1G] }
`;

t.test(
  'a file of a subject that is not there is refused with its place, before a run and not for a plan',
  async (t) => {
    const dir = t.testdir({ 'm.yaml': subject, there: { 'm.yaml': subject, server: '' } });
    const file = path.join(dir, 'm.yaml');
    t.equal((await loadMatrix(file)).size, 1);
    t.equal((await loadMatrix(path.join(dir, 'there/m.yaml'), { requireFiles: true })).size, 1);
    await t.rejects(loadMatrix(file, { requireFiles: true }), {
      code: 'MATRIX_INVALID',
      problems: [
        { code: 'MATRIX_BAD_VALUE', message: /^a file of the subject `server` is not there/, line: 5 },
      ],
    });
  },
);

t.test('a program whose interpreter no guest has is refused with its name before a run', async (t) => {
  const refusal = async (server: string | Buffer): Promise<unknown> => {
    const dir = t.testdir({ 'm.yaml': subject });
    await writeFile(path.join(dir, 'server'), server);
    return loadMatrix(path.join(dir, 'm.yaml'), { requireFiles: true }).then(
      () => null,
      (error: unknown) => error,
    );
  };
  const found = loaderPath(defaultArchitecture);
  const programs = [
    '#!/bin/sh\n',
    '#! /bin/awk -f\n',
    '#!/disks/node-22/bin/node\n',
    'no program',
    buildElf(found),
  ];
  const cut = [20, 70, 125].map((end) => buildElf(found).subarray(0, end));
  for (const program of [...programs, '#!\n', buildElf(null), ...cut])
    t.equal(await refusal(program), null, String(program).slice(0, 30));
  for (const [program, name] of [
    ['#!/usr/bin/env node\n', '/usr/bin/env'],
    ['#!/usr/bin/python3\n', '/usr/bin/python3'],
    [buildElf('/lib/ld-musl-x86_64.so.1'), '/lib/ld-musl-x86_64.so.1'],
  ] as const)
    t.match(await refusal(program), {
      code: 'MATRIX_INVALID',
      problems: [
        { message: `the program of the subject \`server\` needs \`${name}\`, which no guest has`, line: 5 },
      ],
    });
});

t.test('the program is found in a folder and in bin, and a package is not looked into', (t) => {
  const of = (word: string, to: string, from: string) => findProgram({ run: [word], files: [{ to, from }] });
  t.equal(of('{files}/app/run', 'app', '/src'), '/src/run');
  t.equal(of('run', 'bin/run', '/src/run'), '/src/run');
  t.equal(of('{node}', 'run', '/src/run'), null);
  t.equal(findProgram({ run: [], files: [] }), null);
  t.equal(readInterpreter('/nowhere'), null);
  t.equal(readElfMachine('/nowhere'), null);
  const file = path.join(t.testdir({}), 'server');
  writeFileSync(file, buildElf(null));
  t.equal(readElfMachine(file), 62);
  t.end();
});

/** An ELF file with one program header, of PT_INTERP or of PT_LOAD. */
function buildElf(interpreter: string | null): Buffer {
  const head = Buffer.alloc(120);
  head.write('\x7fELF\x02\x01', 'latin1');
  head.writeUInt16LE(62, 18);
  head.writeBigUInt64LE(64n, 32);
  head.writeUInt16LE(56, 54);
  head.writeUInt16LE(1, 56);
  head.writeUInt32LE(interpreter === null ? 1 : 3, 64);
  head.writeBigUInt64LE(120n, 72);
  return Buffer.concat([head, Buffer.from(`${interpreter ?? ''}\0`)]);
}

t.test('a rule that demands a tier nobody tells is refused with its place', async (t) => {
  const rule = (demand: string): string =>
    `${subject}expect:\n  - where: { subject: server }\n    ${demand}\n`;
  const rows = [
    ['tier: standard', null],
    ['tier: { at least: conservative }', null],
    ['tier: conservative', /^the subject `server` has no pattern for conservative/],
    ['tier: { at least: conservative }', null],
    ['outcome: crashed', null],
  ] as const;
  for (const [demand, message] of rows) {
    const file = path.join(t.testdir({ 'm.yaml': rule(demand) }), 'm.yaml');
    if (message === null) t.equal((await loadMatrix(file)).size, 1, demand);
    else
      await t.rejects(loadMatrix(file), {
        code: 'MATRIX_INVALID',
        problems: [{ code: 'MATRIX_BAD_VALUE', message, line: 10 }],
      });
  }
});
