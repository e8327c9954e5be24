import t from 'tap';
import { base } from '../fixtures/field/reports.ts';
import { mapReport } from './map.ts';
import { plainImages } from './mapping.ts';
import { factsOf } from './report-facts.ts';
import type { FieldReport } from './report.ts';

const known = {
  ...plainImages,
  kernels: ['bookworm', 'bullseye', 'trixie', 'trixie-16k'],
  versions: new Map([
    ['kernel/bookworm/image', '6.1.192-2'],
    ['kernel/bullseye/image', '5.10.1-1'],
    ['kernel/trixie/image', '6.12.1-1'],
    ['arm64/kernel/bookworm/image', '6.1.192-2'],
    ['arm64/kernel/trixie/image', '6.12.1-1'],
    ['arm64/kernel/trixie-16k/image', '6.12.1-1'],
    ['riscv64/kernel/trixie/image', '6.12.1-1'],
    ['riscv64/debian/nodejs', '24.21.0+dfsg-1'],
  ]),
};

const machine = (kernel: Partial<FieldReport['kernel']>, processBits = 48): FieldReport => ({
  ...base,
  kernel: { ...base.kernel, ...kernel },
  processor: { ...base.processor, processBits },
});

const map = (report: FieldReport) => {
  const { settings, mappings } = mapReport(report, known);
  return { settings, how: (fact: string) => mappings.find((one) => one.fact === fact) };
};

t.test('a report of an arm64 machine is met by an arm64 guest, with its kernel and its addresses', (t) => {
  const { settings, how } = map(machine({ architecture: 'aarch64', release: '5.10.0-9-arm64' }));
  t.match(settings, { arch: 'arm64', kernel: 'bookworm', cpu: null, addressBits: null });
  t.match(how('kernel.architecture'), { how: 'exact', axis: 'arch', value: 'arm64' });
  t.match(how('processor.processBits'), { how: 'exact' });
  t.match(how('kernel.release'), { how: 'approximated', value: 'bookworm' }, 'it has no kernel 5.10');
  t.match(how('processor.flags'), { how: 'approximated', why: 'the guest has a processor with every flag' });
  t.end();
});

t.test('pages of 16 KiB come with the kernel that has them, and pages of 64 KiB with none', (t) => {
  const of = (pageSize: 16_384 | 65_536) =>
    map(machine({ architecture: 'aarch64', pageSize, release: '6.1.0' }, 47));
  const { settings, how } = of(16_384);
  t.equal(settings.kernel, 'trixie-16k');
  t.match(how('kernel.pageSize'), { how: 'exact' });
  t.match(how('processor.processBits'), { how: 'exact' }, 'such a kernel gives 47 bits');
  t.equal(of(65_536).settings.kernel, 'bookworm');
  t.match(of(65_536).how('kernel.pageSize'), { how: 'not reproducible', why: /pages of 4096 bytes/ });
  t.end();
});

t.test('an x86-64 guest stands for machines without guests, and for programs of x86-64 only', (t) => {
  t.match(map(machine({ architecture: 'x86_64' }, 47)).how('kernel.architecture'), {
    how: 'exact',
    axis: null,
  });
  const other = map(machine({ architecture: 's390x' }));
  t.equal(other.settings.arch, 'x86-64');
  t.match(other.how('kernel.architecture'), { how: 'approximated', standIn: true });
  t.match(map(machine({ architecture: 'i686' })).how('kernel.architecture'), { how: 'not reproducible' });
  const deno = map({
    ...machine({ architecture: 'aarch64' }),
    programs: { ...base.programs, deno: '2.4.0' },
    command: { words: ['deno', 'run', 'x.js'], output: [], exit: 1, signal: 'none' },
  });
  t.equal(deno.settings.arch, 'x86-64');
  t.match(deno.how('kernel.architecture'), { how: 'approximated', why: /as is npm:@deno\/linux-x64/ });
  t.end();
});

t.test('a report of V8 on riscv64 is met by a guest with its mode of the processor', (t) => {
  const board = (node: string | null, bits: number): FieldReport => ({
    ...machine({ architecture: 'riscv64', release: null }, bits),
    programs: { ...base.programs, node },
    command: { words: ['node', 'x.js'], output: [], exit: 1, signal: 'none' },
  });
  const { settings, how } = map(board('24.21.0', 38));
  t.match(settings, { arch: 'riscv64', kernel: 'trixie', node: '24', engine: 'v8', addressBits: 38 });
  t.match(how('kernel.architecture'), { how: 'exact', axis: 'arch' });
  t.match(how('processor.processBits'), { how: 'exact', axis: 'addressBits', standIn: false });
  const nodeOf = (report: FieldReport) =>
    mapReport(report, known).mappings.find(({ axis }) => axis === 'node');
  t.match(nodeOf(board('24.21.0', 38)), { how: 'exact', value: '24' });
  t.match(nodeOf(board('24.1.0', 39)), {
    how: 'approximated',
    why: 'Debian has this Node alone for riscv64',
  });
  t.match(map(board('24.1.0', 39)).how('processor.processBits'), { how: 'approximated', standIn: true });
  t.match(
    map(board(null, 38)).settings,
    { arch: 'riscv64', node: '24' },
    'no Node that is not there is assumed',
  );
  t.end();
});

t.test('what no guest of riscv64 can run is met on x86-64, with the reason', (t) => {
  const { settings, how } = map({
    ...machine({ architecture: 'riscv64' }, 38),
    programs: { ...base.programs, node: null },
    command: { words: ['spin', 'up'], output: [], exit: 1, signal: 'none' },
  });
  t.match(settings, { arch: 'x86-64', engine: 'wasmtime', addressBits: 38 });
  t.match(how('kernel.architecture'), { how: 'approximated', why: /no build of libwasmtime for riscv64/ });
  t.match(how('processor.processBits'), { how: 'approximated', standIn: true });
  const old = map({
    ...machine({ architecture: 'riscv64' }, 38),
    programs: { ...base.programs, node: '22.1.0' },
    command: { words: ['node', 'x.js'], output: [], exit: 1, signal: 'none' },
  });
  t.match(old.settings, { arch: 'x86-64', node: '22.1.0' });
  t.match(old.how('kernel.architecture'), { why: /no Node 22\.1\.0 for riscv64/ });
  t.end();
});

t.test('the model knows the architecture and the pages of a report', (t) => {
  const { architecture, pageSize } = factsOf(machine({ architecture: 'aarch64', pageSize: 16_384 }));
  t.same({ architecture, pageSize }, { architecture: 'arm64', pageSize: 16_384 });
  t.equal(factsOf(machine({ architecture: 's390x', pageSize: null })).architecture, null);
  t.end();
});
