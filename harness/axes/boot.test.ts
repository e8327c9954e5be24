import t from 'tap';
import { parseFacts } from '../../images/allocator/parse-facts.ts';
import { lookUp } from './axis.ts';
import { compareSettings, estimateSettings } from './guest-settings.ts';
import { axes, defaultSettings } from './table.ts';

const { arch, kernel, kernelArguments } = axes;
const plain = lookUp(defaultSettings());

t.test('the guest of another architecture has another machine', (t) => {
  t.same(arch.machine?.('x86-64', plain), {});
  t.same(
    ['aarch64', 'AMD64', 'x86_64', 'riscv', 'arm65', 'arm64', 'vax'].map((word) => arch.suggest(word)),
    ['arm64', 'x86-64', 'x86-64', 'riscv64', 'arm64', null, null],
  );
  t.same(arch.machine?.('arm64', plain), { architecture: 'arm64' });
  t.end();
});

t.test('a kernel counts as the one that was asked for with its pages only', (t) => {
  const of = (kernelRelease: string | null, pageSize: number) => ({
    ...parseFacts({}),
    kernelRelease,
    pageSize,
  });
  const large = of('6.12.118+deb13-arm64-16k', 16_384);
  t.equal(kernel.readBack?.found(large), '6.12.118+deb13-arm64-16k, pages of 16384 bytes');
  t.equal(kernel.readBack?.found(of('6.1.0-50-cloud-arm64', 4096)), '6.1.0-50-cloud-arm64');
  const matches = (name: string, facts: ReturnType<typeof of>) => kernel.readBack?.matches?.(name, facts);
  t.equal(matches('trixie-16k', large), true);
  t.equal(matches('trixie-16k', { ...large, pageSize: 4096 }), false);
  t.equal(matches('bookworm', of('6.1.0-50-cloud-arm64', 4096)), true);
  t.equal(matches('bookworm', of('6.1.0-50-cloud-arm64', 16_384)), false);
  t.equal(matches('bookworm', of(null, 4096)), false);
  t.equal(matches('own', of('7.3.0', 4096)), false, 'a kernel that has no row');
  t.end();
});

t.test('pages and address widths of a kernel are known before it boots', (t) => {
  const estimate = (name: string): unknown => kernel.estimate?.(name, (axis) => axis.default);
  t.same(estimate('bookworm'), { pageSize: 4096 });
  t.same(estimate('trixie-16k'), { pageSize: 16_384, addressBits: 47 });
  t.same(estimate('own'), { pageSize: 4096 });
  t.end();
});

t.test('the RAM that a kernel keeps, and so what may be committed, follow the architecture', (t) => {
  // MemTotal and CommitLimit that guests of 2 GiB had, in kB.
  for (const [name, memTotal] of [
    ['x86-64', 2_026_400],
    ['arm64', 2_033_340],
  ] as const) {
    const found = estimateSettings({ ...defaultSettings(), arch: name, memory: 2 ** 31 });
    t.ok(Math.abs((found.memTotal ?? 0) - memTotal * 1024) < 2 ** 20, `${name} has ${found.memTotal}`);
    t.ok(Math.abs((found.commitLimit ?? 0) - memTotal * 512) < 2 ** 20, `${name} may ${found.commitLimit}`);
  }
  t.end();
});

t.test('kernel arguments are words in their order, and travel in a cell id', (t) => {
  const read = (text: string): unknown => kernelArguments.schema.parse(text);
  t.equal(read('nosmap  hpet=disable'), 'nosmap hpet=disable');
  t.equal(read('hpet=disable+nosmap'), 'hpet=disable nosmap');
  t.equal(read('none'), null);
  t.equal(kernelArguments.format('isolcpus=0,1 no5lvl'), 'isolcpus=0%2C1+no5lvl');
  t.equal(read('isolcpus=0%2C1+no5lvl'), 'isolcpus=0,1 no5lvl');
  t.equal(kernelArguments.label?.('isolcpus=0%2C1+no5lvl'), 'isolcpus=0,1 no5lvl');
  t.same(kernelArguments.machine?.(null, plain), {});
  t.same(kernelArguments.machine?.('no5lvl', plain), { kernelArguments: 'no5lvl' });
  t.end();
});

t.test('arguments that are set otherwise are refused with what to write instead', (t) => {
  const rows: readonly (readonly [string, RegExp])[] = [
    ['console=tty0', /the console belongs to the harness/],
    ['rdinit=/bin/sh', /runs from its initramfs/],
    ['panic=5', /a panic ends the guest/],
    ['no5lvl quiet', /quiet cannot be set here: the first line/],
    ['random.trust-cpu=off', /every guest has it/],
    ['mem=1G', /use the axis `memory`/],
    ['nr_cpus=2', /use the axis `cpus`/],
    ['transparent_hugepage=never', /use the axis `thp`/],
    ['sysctl.vm.overcommit_memory=2', /use the axis of that setting/],
    ['-- single', /init takes no arguments/],
    ['a"b', /no cell id can hold/],
    ['   ', /`none` leaves/],
  ];
  for (const [text, message] of rows) {
    const { error } = kernelArguments.schema.safeParse(text);
    t.match(JSON.stringify(error?.issues), message, text);
  }
  t.end();
});

t.test('kernel arguments count when the guest has them on its command line', (t) => {
  const facts = (text: string) =>
    parseFacts({ '/proc/cmdline': `console=ttyS0 poolproof.disks=4 ${text}\n` });
  const of = (words: string | null, found: string) =>
    compareSettings({ ...defaultSettings(), kernelArguments: words }, facts(found)).filter(
      ({ axis }) => axis === 'kernelArguments',
    );
  t.match(of('no5lvl nosmap', 'no5lvl nosmap'), [{ ok: true }]);
  t.match(of('no5lvl nosmap', 'no5lvl'), [{ ok: false, found: 'no5lvl' }]);
  t.same(of(null, ''), []);
  t.same(
    kernelArguments.estimate?.('no5lvl', (axis) => axis.default),
    { kernelArguments: 'no5lvl' },
  );
  t.same(
    kernelArguments.estimate?.(null, (axis) => axis.default),
    { kernelArguments: '' },
  );
  const { kernelArguments: _unknown, ...old } = parseFacts({});
  t.equal(kernelArguments.readBack?.found(old), 'unknown', 'in results before it was known');
  t.end();
});
