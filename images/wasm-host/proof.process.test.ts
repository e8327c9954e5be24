import { createHash } from 'node:crypto';
import { appendFileSync, copyFileSync, readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { GiB, KiB, MiB } from '../allocator/sizes.ts';
import { engines } from '../definitions.ts';
import { findEngineLibrary } from '../package-files.ts';
import { patchLibrary } from '../fixtures/patch-library.ts';
import { library, runHost, scratch, version, wasmtime } from '../fixtures/run-host.ts';
import { findPinnedVersion, hashFile } from './library-digest.ts';

t.test('every tier is measured, whatever its pool was told to be', async (t) => {
  for (const [choice, parameters, memory] of [
    [
      'standard',
      'memories=3,tables=3,stacks=0,guard=0',
      { strideBytes: 4 * GiB, guardBeforeBytes: 0, slots: 3 },
    ],
    [
      'standard',
      'memories=5,guard=2147483648',
      { strideBytes: 6 * GiB, guardBeforeBytes: 2 * GiB, slots: 5 },
    ],
    ['standard', 'memories=1,reservation=8589934592', { strideBytes: null, slots: 1 }],
    [
      'standard',
      'memories=9,reservation=67108864,maxMemory=67108864,guard=65536',
      { strideBytes: 64 * MiB + 64 * KiB },
    ],
    // The canary's first size: its growth is refused, and proven so.
    ['standard', 'memories=9,maxMemory=1048576', { slots: 9 }],
    ['on-demand', 'reservation=0,guard=65536', { mappingBytes: MiB + 2 * GiB + 128 * KiB, slots: null }],
    ['on-demand', 'reservation=67108864,guard=0', { mappingBytes: 64 * MiB, guardBeforeBytes: 0 }],
    ['on-demand', 'reservation=8589934592', { mappingBytes: 8 * GiB + 64 * MiB, strideBytes: null }],
  ] as const) {
    const options = { ...wasmtime, parameters };
    const { code, report, stderr } = await runHost({ options, env: { SPIN_ALLOCATOR: choice } });
    t.equal(code, 0, `${choice} ${parameters} ${stderr}`);
    t.match(report?.proof?.kernel?.memory, memory, parameters);
    t.equal(report?.proof?.checks, report?.proof?.model?.checks);
  }
});

/** A setter that does nothing, and settings under which that is another engine than was configured. */
const faults: readonly (readonly [symbol: string, choice: string, parameters: string, words: RegExp])[] = [
  [
    'wasmtime_pooling_allocation_strategy_set',
    'standard',
    '',
    /no mapping of the new engine holds the memory/,
  ],
  ['wasmtime_pooling_allocation_config_total_memories_set', 'conservative', '', /has 1000 slots, not 64/],
  [
    'wasmtime_pooling_allocation_config_total_tables_set',
    'conservative',
    '',
    /tables and stacks of 155451392 bytes/,
  ],
  [
    'wasmtime_pooling_allocation_config_total_stacks_set',
    'conservative',
    '',
    /tables and stacks of 155451392 bytes/,
  ],
  [
    'wasmtime_pooling_allocation_config_table_elements_set',
    'standard',
    '',
    /tables and stacks of 3706880000 bytes/,
  ],
  [
    'wasmtime_pooling_allocation_config_max_memory_size_set',
    'standard',
    'memories=9,maxMemory=1048576',
    /memory\.grow by one page: 16 instead of -1/,
  ],
  ['wasmtime_config_memory_reservation_set', 'standard', 'memories=9,reservation=8589934592', /are apart/],
  ['wasmtime_config_memory_guard_size_set', 'standard', 'memories=9,guard=2147483648', /are apart/],
  [
    'wasmtime_config_memory_guard_size_set',
    'standard',
    'memories=9,guard=0',
    /explicit bounds checks were configured/,
  ],
  ['wasmtime_config_memory_guard_size_set', 'on-demand', 'guard=2147483648', /the guard before the memory/],
  [
    'wasmtime_config_memory_reservation_set',
    'on-demand',
    'reservation=8589934592',
    /the mapping of a memory/,
  ],
  [
    'wasmtime_config_memory_reservation_set',
    'on-demand',
    'reservation=0,guard=65536',
    /explicit bounds checks/,
  ],
];

t.test('an engine that is not what was configured proves no tier', async (t) => {
  for (const [symbol, choice, parameters, words] of faults) {
    const patched = path.join(scratch, 'patched.so');
    patchLibrary(library, symbol, patched);
    const options = { ...wasmtime, library: patched, parameters };
    const { code, report, stdout } = await runHost({ options, env: { SPIN_ALLOCATOR: choice } });
    t.equal(code, 3, `${symbol} ${parameters}`);
    t.match(report, {
      outcome: 'exhausted',
      proof: null,
      attempts: [{ ok: false, failure: { class: 'verification', message: words } }],
    });
    t.notMatch(stdout, new RegExp(`^wasm host: ${choice}`));
  }
});

t.test('an engine without pools is refused, and no lower tier of it is tried', async (t) => {
  const patched = path.join(scratch, 'no-pools.so');
  patchLibrary(library, 'wasmtime_pooling_allocation_strategy_set', patched);
  const { code, stderr, report } = await runHost({ options: { ...wasmtime, library: patched } });
  t.equal(code, 3);
  t.match(report, {
    outcome: 'exhausted',
    tier: null,
    attempts: [{ tier: 'standard', failure: { class: 'verification' } }],
  });
  t.equal(report?.attempts.length, 1);
  t.match(stderr, /no tier of it is believed: replace its library/);
});

t.test('a pinned library is known by its digest, wherever it lies', async (t) => {
  const elsewhere = path.join(scratch, 'some.so');
  copyFileSync(library, elsewhere);
  const { report } = await runHost({
    options: { engine: 'wasmtime', library: elsewhere, digest: true },
    env: { SPIN_ALLOCATOR: 'conservative' },
  });
  const [major = ''] = version.split('.');
  t.match(report?.engine, { kind: 'wasmtime', version, library: { saysVersion: major } });
  const sha256 = createHash('sha256').update(readFileSync(library)).digest('hex');
  t.equal(report?.engine.library?.sha256, sha256);
});

t.test(
  'a library of another version than was asked for is a usage error, and says which it is',
  async (t) => {
    for (const choice of ['auto', 'conservative', 'on-demand']) {
      const { code, stderr, stdout } = await runHost({
        options: { engine: 'wasmtime@38.0.0', library },
        env: { SPIN_ALLOCATOR: choice },
      });
      t.equal(code, 2, choice);
      t.match(stderr, /--engine wasmtime@38\.0\.0: .* is wasmtime 50, as it says itself/);
      t.equal(stdout, '');
    }
  },
);

t.test('the digest of each pinned library names its version', async (t) => {
  for (const pinned of engines)
    t.equal(findPinnedVersion(hashFile(await findEngineLibrary(pinned))), pinned, pinned);
});

t.test('another minor version than that of the pinned library is refused', async (t) => {
  const { code, stderr, stdout } = await runHost({
    options: { engine: 'wasmtime@50.0.2', library, digest: true },
    env: { SPIN_ALLOCATOR: 'on-demand' },
  });
  t.equal(code, 2);
  t.match(stderr, /--engine wasmtime@50\.0\.2: .* is wasmtime 50\.0\.1, by its digest/);
  t.equal(stdout, '');
});

t.test(
  'of a library that is not pinned no more of the version is reported than it says itself',
  async (t) => {
    const unknown = path.join(scratch, 'unknown.so');
    copyFileSync(library, unknown);
    appendFileSync(unknown, '\0');
    const env = { SPIN_ALLOCATOR: 'on-demand' };
    const options = { engine: 'wasmtime@50.0.2', library: unknown };
    const read = await runHost({ options: { ...options, digest: true }, env });
    t.match(read.report?.engine, { version: '50', library: { saysVersion: '50' } });
    t.match(read.stdout, /wasmtime 50 \(its library says no more of its version\), Node/);
    // In a guest the lock of the images pins the library, and nobody hashes it.
    const unread = await runHost({ options, env });
    t.match(unread.report?.engine, { version: '50.0.2', library: { saysVersion: '50', sha256: null } });
    t.match(unread.stdout, /wasmtime 50\.0\.2 \(its library says 50\), Node/);
  },
);
