import t from 'tap';
import { parseMatrix } from '../matrix/load.ts';
import { checkArchitecture } from './check-architecture.ts';
import { collectRequirements } from './requirements.ts';

const cellsOf = (text: string) => [...parseMatrix(text, 'm.yaml').cells()];

t.test('an architecture takes what there is for it, and images of its own', (t) => {
  const cells = cellsOf('axes: { arch: [x86-64, arm64], kernel: [bookworm, trixie], node: [22, 24] }');
  for (const cell of cells) checkArchitecture(cell);
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
    ['axes: { arch: arm64, cpu: qemu64 }', /qemu64 is a model of x86-64/],
    ['axes: { arch: arm64, subject: deno }', /npm:@deno\/linux-x64.* is of x86-64/],
    ['axes: { arch: arm64 }\nmeasure: { where: {} }', /costs are measured in guests of x86-64/],
    ['axes: { arch: arm64 }\nmeasure: { serving: true }', /costs are measured in guests of x86-64/],
  ] as const) {
    t.throws(() => cellsOf(text).forEach(checkArchitecture), { code: 'USAGE', message }, text);
  }
  t.end();
});
