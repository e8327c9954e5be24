import { mkdir, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import t from 'tap';
import { checkUpToDate, loadHostFiles } from './host-files.ts';

const parts = {
  'wasm-host': {
    'worker.js': 'code',
    'worker.d.ts': 'types',
    'worker.test.js': 'test',
    'wasm-host.sh': 'script',
    'canary.wasm': 'module',
    'canary.wat': 'source',
    'README.md': 'text',
  },
  allocator: { 'tier.js': 'code' },
};

t.test(
  'code, scripts and modules are carried, in a fixed order; types, tests and texts are not',
  async (t) => {
    t.strictSame(
      [...(await loadHostFiles(t.testdir(parts)))].map(([name, data]) => `${name}: ${data.toString()}`),
      [
        'wasm-host/canary.wasm: module',
        'wasm-host/wasm-host.sh: script',
        'wasm-host/worker.js: code',
        'allocator/tier.js: code',
      ],
    );
  },
);

t.test('nothing compiled is an error that says what to run', async (t) => {
  await t.rejects(loadHostFiles(t.testdir({ allocator: { 'tier.js': '' } })), {
    code: 'IMAGE_BUILD',
    details: { hint: 'npm run build' },
  });
});

t.test('a source newer than what was made of it is refused, whatever its kind', async (t) => {
  for (const name of ['worker.ts', 'wasm-host.sh', 'canary.wat']) {
    const folder = t.testdir({ compiled: parts['wasm-host'], sources: {} });
    const source = path.join(folder, 'sources', name);
    await mkdir(path.dirname(source), { recursive: true });
    await writeFile(source, 'new');
    await utimes(source, 1, 1);
    await checkUpToDate(path.join(folder, 'sources'), path.join(folder, 'compiled'));
    const future = Date.now() / 1000 + 60;
    await utimes(source, future, future);
    await t.rejects(
      checkUpToDate(path.join(folder, 'sources'), path.join(folder, 'compiled')),
      { code: 'IMAGE_BUILD', message: /not up to date/ },
      name,
    );
  }
});

t.test('tests and texts need not be compiled, nor does anything of an installed package', async (t) => {
  const folder = t.testdir({ compiled: {}, sources: { 'a.test.ts': '', 'README.md': '', 'x.json': '' } });
  await t.resolves(checkUpToDate(path.join(folder, 'sources'), path.join(folder, 'compiled')));
  await t.resolves(checkUpToDate(path.join(folder, 'not there'), path.join(folder, 'compiled')));
  await t.resolves(checkUpToDate(path.join(folder, 'sources'), path.join(folder, 'sources')));
});
