import { readdir } from 'node:fs/promises';
import path from 'node:path';
import t from 'tap';
import { buildImages } from '../build.ts';
import { openCache } from '../cache/image-cache.ts';
import { kernels, pinnedKernels } from '../definitions.ts';
import { isOwnKernelPart, recallOwnKernel, rememberOwnKernel, requireKernelSources } from './own-kernel.ts';

const debian =
  'deb http://deb.test/debian bookworm main\ndeb http://deb.test/debian-security bookworm-security main\n';
const ubuntu = 'deb http://u.test/ubuntu noble main universe\n';
const pin = {
  name: 'kernel/noble/image',
  package: 'linux-image-6.8.0-49-generic',
  version: '6.8.0-49.49',
  sha256: 'a'.repeat(64),
  size: 14,
};

t.test(
  "Ubuntu's kernels are refused where its sources are missing, before anything is fetched",
  async (t) => {
    const folder = t.testdir({ apt: { 'sources.list': debian } });
    const options = { cacheDir: path.join(folder, 'cache'), aptFolder: path.join(folder, 'apt') };
    await requireKernelSources(['bookworm', 'sid'], options);
    const refusal = {
      code: 'OS_UNSUPPORTED',
      message: /kernel of noble comes from Ubuntu's own sources, and .* has none/,
      details: {
        hint: /run this cell on Ubuntu, or build .* there and bring them here with `poolproof images export`/,
      },
    };
    await t.rejects(requireKernelSources(['bookworm', 'noble'], options), refusal);
    await t.rejects(buildImages({ kernel: 'noble', nodes: ['22'], engines: [], ...options }), refusal);
    t.same(await readdir(path.join(options.cacheDir, 'blobs')), []);
  },
);

t.test(
  'the sources of one suite of Ubuntu serve the others, and --locked refuses what nothing pins',
  async (t) => {
    const folder = t.testdir({ apt: { 'sources.list': ubuntu } });
    const options = { cacheDir: path.join(folder, 'cache'), aptFolder: path.join(folder, 'apt') };
    await requireKernelSources(['noble', 'jammy'], options);
    await t.rejects(requireKernelSources(['jammy'], { ...options, locked: true }), { code: 'IMAGE_LOCKED' });
  },
);

t.test('a kernel that was found once needs no sources; a damaged record counts as none', async (t) => {
  const cacheDir = path.join(t.testdir(), 'cache');
  const cache = await openCache(cacheDir);
  t.same(await recallOwnKernel(cache, 'noble'), []);
  await rememberOwnKernel(cache, 'noble', [pin]);
  t.same(await recallOwnKernel(cache, 'noble'), [pin]);
  await requireKernelSources(['noble'], { cacheDir, aptFolder: '/none', locked: true });
  await rememberOwnKernel(cache, 'jammy', [pin]);
  t.same(await recallOwnKernel(cache, 'jammy'), [], 'packages of another row');
});

t.test('what an archive may bring as part of such a kernel has its name', (t) => {
  t.equal(isOwnKernelPart(pin.name), true);
  t.equal(isOwnKernelPart('kernel/jammy/modules-extra'), true);
  for (const wrong of ['kernel/bookworm/image', 'kernel/noble/../x', 'kernel/noble', 'debian/libc6'])
    t.equal(isOwnKernelPart(wrong), false, wrong);
  t.same(
    kernels.filter((row) => !pinnedKernels.includes(row)).map(({ name }) => name),
    ['noble', 'jammy'],
  );
  t.end();
});
