import t from 'tap';
import { defaultSettings, type Settings } from '../axes/table.ts';
import { base, reportOf } from '../fixtures/field/reports.ts';
import { buildResult } from '../fixtures/report/results.ts';
import { estimateFacts } from '../plan/estimate-facts.ts';
import type { Result } from '../store/result.ts';
import { listCandidates, listPopular } from './candidates.ts';
import { mapReport } from './map.ts';
import { predictSettings } from './model.ts';
import { listRaisesOf } from './raised-limits.ts';
import { moveMappings, moveToHost } from './real-host.ts';

const [mib, gib] = [2 ** 20, 2 ** 30];
const settings = (change: Partial<Settings>): Settings => ({
  ...defaultSettings(),
  memory: 512 * mib,
  ...change,
});

/** The model's cures; each was tried in a guest, and the host had a pool then. */
const failures: readonly (readonly [what: string, change: Partial<Settings>, now: string, cure: RegExp])[] = [
  [
    'Spin exits under strict overcommit',
    { subject: 'spin-sizes', overcommit: 2 },
    'exhausted',
    /^SPIN_MAX_INSTANCE_COUNT=\d\d$/,
  ],
  [
    'Spin loses its pool below 4 TiB of address space, whatever its size',
    { subject: 'spin-sizes', addressSpace: 512 * gib, env: { SPIN_MAX_INSTANCE_COUNT: '100' } },
    'on-demand',
    /^SPIN_WASMTIME_POOLING=1 SPIN_WASMTIME_TOTAL_MEMORIES=\d+$/,
  ],
  [
    'wasmtime serve exits under strict overcommit',
    { subject: 'wasmtime-serve', overcommit: 2 },
    'exhausted',
    /^-O pooling-allocator=y,pooling-total-memories=32,pooling-total-tables=64,pooling-total-stacks=32,/,
  ],
  [
    'wasmtime serve answers nothing with 2 GiB of address space',
    { subject: 'wasmtime-serve', addressSpace: 2 * gib },
    'exhausted',
    /^ulimit -v/,
  ],
  [
    'wasmtime serve loses its pool with 8 GiB of address space',
    { subject: 'wasmtime-serve', addressSpace: 8 * gib },
    'on-demand',
    /^-O pooling-allocator=y,memory-reservation=134217728,/,
  ],
  [
    'wasmtime run has no mappings for its stacks',
    { subject: 'wasmtime-run', allocator: 'standard', maxMapCount: 1000 },
    'exhausted',
    /^-O pooling-total-stacks=\d{3}$/,
  ],
  [
    'wash exits under strict overcommit: no pool of it fits alone',
    { subject: 'wash', overcommit: 2 },
    'exhausted',
    /^WASMTIME_POOLING_TOTAL_MEMORIES=(\d\d) WASMTIME_POOLING_TOTAL_TABLES=\d+ WASMTIME_POOLING_TOTAL_STACKS=\1 /,
  ],
  [
    'wash loses its pool with 8 GiB of address space, and has no word to do without the trial',
    { subject: 'wash', addressSpace: 8 * gib },
    'on-demand',
    /^ulimit -v/,
  ],
];

t.test('a failure of a real host has a cure in its own words', (t) => {
  for (const [what, change, now, cure] of failures) {
    const cell = settings(change);
    const { wanted } = moveToHost(null, cell);
    const prediction = predictSettings(cell);
    t.equal(prediction?.tier ?? prediction?.outcome, now, what);
    const [first] = listCandidates(cell, wanted);
    t.match(first?.change, cure, what);
    t.equal(first?.settings.subject, cell.subject, 'proven on that host');
  }
  t.end();
});

t.test('of a program that the model does not know, every limit is given up whole', (t) => {
  const changes = (change: Partial<Settings>) =>
    listCandidates(settings(change), 'standard').map(({ change: what, settings: { subject } }) => [
      what,
      subject,
    ]);
  t.same(changes({ subject: 'extism', addressSpace: 8 * gib }), [['ulimit -v unlimited', 'extism']]);
  t.same(changes({ subject: 'deno@2.9.6', overcommit: 2 }), [
    ['sysctl vm.overcommit_memory=0', 'deno@2.9.6'],
  ]);
  t.match(changes({ subject: 'workerd', cpu: 'Penryn' }), [
    [/^a processor with sse4\.2 and popcnt /, 'workerd'],
    ['QEMU: -cpu Nehalem', 'workerd'],
  ]);
  t.same(changes({ subject: 'deno@2.9.6' }), [], 'there is nothing to give up');
  t.end();
});

t.test('another Node is tried where one runs, and on no host without', (t) => {
  const rows = [
    ['wasm-host', true],
    ['node-fetch', true],
    ['extism', true],
    ['wasmtime-run', false],
    ['wasmtime-serve@42.0.1', false],
    ['spin-sizes', false],
    ['wash', false],
    ['deno@2.9.6', false],
  ] as const;
  for (const [subject, tried] of rows) {
    const cell = settings({ subject, node: '22', overcommit: 2, addressSpace: 8 * gib });
    const all = [...listPopular(cell), ...listCandidates(cell, 'conservative')];
    t.equal(
      listPopular(cell).some(({ change }) => change === 'the newest Node'),
      tried,
      subject,
    );
    if (!tried)
      t.same(
        all.filter(({ settings: { node } }) => node !== '22'),
        [],
        subject,
      );
  }
  t.end();
});

t.test('what a smaller pool does not bring back is said, with the limits to raise for it', (t) => {
  const of = (cell: Settings): Result => ({ ...buildResult(), settings: cell, tier: null });
  const strict = of(settings({ subject: 'wasmtime-serve', overcommit: 2 }));
  const facts = estimateFacts(strict.settings);
  t.match(listRaisesOf({ ...strict, facts }, 'standard'), [
    { limit: 'CommitLimit', change: /^sysctl vm\.overcommit_kbytes=\d+ \(or vm\.overcommit_memory=0\)$/ },
  ]);
  t.same(listRaisesOf({ ...strict, facts, tier: 'standard' }, 'standard'), []);
  t.same(listRaisesOf({ ...strict, facts: null }, 'standard'), []);
  const unknown = settings({ subject: 'bun', addressSpace: 8 * gib });
  t.same(listRaisesOf({ ...of(unknown), facts: estimateFacts(unknown) }, 'standard'), []);
  t.end();
});

t.test('a release of Spin is told only of variables that it reads', (t) => {
  const cell = settings({ subject: 'spin-sizes', overcommit: 2, overcommitBytes: 2 * gib });
  const names = (spin: string | null): readonly string[] =>
    listCandidates(cell, 'conservative', spin).flatMap(({ change }) => /SPIN_\w+(?==)/.exec(change) ?? []);
  t.ok(names('3.6.3').includes('SPIN_MAX_INSTANCE_COUNT'));
  t.notOk(names('3.3.1').includes('SPIN_MAX_INSTANCE_COUNT'));
  t.notOk(names('3.3.1').includes('SPIN_WASMTIME_TOTAL_STACKS'));
  const [unknown] = listCandidates(cell, 'conservative').filter(({ change }) =>
    change.startsWith('SPIN_MAX'),
  );
  t.match(unknown?.also, 'Spin before 3.4 ignores SPIN_MAX_INSTANCE_COUNT');
  t.end();
});

t.test('a report is cured on its own host, or on the one that stands for it', (t) => {
  const tables = ['Error: failed to create table pool mapping', 'mmap failed to allocate 0x5fb40000 bytes'];
  const move = (words: readonly string[], output: readonly string[] = tables) => {
    const report = reportOf({ words, output });
    return moveToHost(report, mapReport(report).settings);
  };
  t.match(move(['spin', 'up']), { settings: { subject: 'spin-sizes' }, wanted: 'conservative' });
  t.match(move(['spin', 'up']).standsFor, /in Spin's place/);
  t.equal(move(['wasmtime', 'serve', 'app.wasm']).settings.subject, 'wasmtime-serve');
  t.match(move(['WASMTIME_POOLING_TOTAL_TABLES=50', 'wash', 'dev']), {
    settings: { subject: 'wash', env: { WASMTIME_POOLING_TOTAL_TABLES: '50' } },
    wanted: 'conservative',
  });
  const memory = ['Error: mmap failed to reserve 0x104000000 bytes'];
  t.match(move(['wasmtime', 'run', 'app.wasm'], memory), {
    settings: { subject: 'wasmtime-run', allocator: 'on-demand' },
    wanted: 'on-demand',
  });
  t.match(move(['node', 'app.js'], []), {
    settings: { subject: 'wasm-host' },
    wanted: 'standard',
    standsFor: null,
  });
  t.match(moveToHost(null, settings({})), { wanted: 'standard', spin: null, standsFor: null });
  t.end();
});

t.test('no cure names a variable of Spin where Spin was not run', (t) => {
  const table = ['Error: failed to create table pool mapping', 'mmap failed to allocate 0x5fb40000 bytes'];
  const stack = ['failed to create stack pool mapping: mmap failed to allocate 0x7d3e8000 bytes'];
  const memory = ['failed to create memory pool mapping: mmap failed to reserve 0x3efd2000000 bytes'];
  const one = ['mmap failed to reserve 0x104000000 bytes'];
  const instance = ['RangeError: WebAssembly.instantiate(): Out of memory: Cannot allocate Wasm memory'];
  const strict = { ...base.overcommit, mode: 2 as const };
  for (const [words, output] of [
    ...[table, stack, memory, one].flatMap((output) =>
      ['wasmtime', 'wash', 'graph-node', 'node', '/usr/bin/shim'].map((name) => [[name, 'run'], output]),
    ),
    [['node', 'x.js'], instance],
    [['next', 'build'], ['# Fatal process out of memory: Failed to reserve virtual memory for CodeRange']],
    [['deno', 'run'], ['Fatal process out of memory: Oilpan: CagedHeap reservation.']],
    [['workerd', 'serve'], ['Illegal instruction']],
    [undefined, []],
  ] as const)
    for (const space of [2 * gib, 64 * gib, 'unlimited'] as const)
      for (const more of [{}, { overcommit: strict, memory: { ...base.memory, totalKib: 500_000 } }]) {
        const report = reportOf({ ...(words && { words }), output, space, node: 'notFound', more });
        const { settings: moved, wanted, spin } = moveToHost(report, mapReport(report).settings);
        const said = listCandidates(moved, wanted, spin).map(({ change, also, cost }) =>
          [change, also, cost].join(' '),
        );
        t.notMatch(said.join('\n'), /spin/i, `${words?.[0] ?? 'no program'}: ${output[0] ?? ''}`);
      }
  t.end();
});

t.test('the version of a report decides which host stands for it, and its facts say so', (t) => {
  const move = (wasmtime: string) => {
    const report = reportOf({
      words: ['wasmtime', 'serve', 'app.wasm'],
      output: ['Error: failed to create stack pool mapping', 'mmap failed to allocate 0x7d3e8000 bytes'],
      more: { programs: { ...base.programs, wasmtime } },
    });
    const { settings: own, mappings } = mapReport(report);
    const host = moveToHost(report, own);
    return { host, mappings: moveMappings(mappings, host), own: mappings };
  };
  const old = move('42.0.1');
  t.match(old.host, { settings: { subject: 'wasmtime-serve@42.0.1', engine: 'wasmtime' }, exact: true });
  t.match(
    old.mappings.find(({ fact }) => fact === 'programs.wasmtime'),
    { how: 'exact', axis: 'subject', value: 'wasmtime-serve@42.0.1', why: null, decides: true },
  );
  t.notOk(
    old.mappings.some(({ axis }) => axis === 'node' || axis === 'engine'),
    'neither is in that host',
  );
  t.equal(move('49.0.3').host.settings.subject, 'wasmtime-serve', 'what the wheel 49.0.4 says of itself');
  const library = move('38.0.0');
  t.match(library.host, { settings: { subject: 'wasm-host', engine: 'wasmtime@38.0.0' }, standsFor: null });
  t.same(library.mappings, library.own, 'a release that there is a library of, and no program');
  t.match(move('30.0.0').host, { settings: { subject: 'wasmtime-serve' }, exact: false });
  const spin = reportOf({ words: ['spin', 'up'], output: ['Error: failed to create table pool mapping'] });
  const found = mapReport(spin);
  t.match(
    moveMappings(found.mappings, moveToHost(spin, found.settings)).find(
      ({ fact }) => fact === 'programs.spin',
    ),
    { how: 'approximated', value: 'spin-sizes', why: /in Spin's place: it stands for/ },
  );
  t.end();
});
