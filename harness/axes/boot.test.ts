import t from 'tap';
import { parseFacts } from '../../images/allocator/parse-facts.ts';
import { estimateSettings } from './guest-settings.ts';
import { axes, defaultSettings } from './table.ts';

const { arch, kernel } = axes;

t.test('the guest of another architecture has another machine', (t) => {
  t.same(arch.machine?.('x86-64'), {});
  t.same(arch.machine?.('arm64'), { architecture: 'arm64' });
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
