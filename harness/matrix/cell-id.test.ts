import assert from 'node:assert/strict';
import t from 'tap';
import { PoolproofError } from '../errors.ts';
import { axes, axisNames, defaultSettings } from '../axes/table.ts';
import { formatCellId, parseCellId, renewCellId } from './cell-id.ts';
import type { Settings } from '../axes/table.ts';
import { parseMatrix } from './load.ts';
import { selectCells } from './select.ts';

/** Small seeded generator (mulberry32), so that a failure can be repeated. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function randomSettings(next: () => number): Settings {
  const pick = <T>(values: readonly T[]): T => values[Math.floor(next() * values.length)]!;
  const whole = (min: number, max: number): number => min + Math.floor(next() * (max - min + 1));
  const text = (): string =>
    Array.from({ length: whole(0, 6) }, () =>
      pick([...Array.from('aZ0_-.,=|%!~*\'"() /:@+ü日😀'), '%2C', '\\']),
    ).join('');
  return {
    memory: whole(128, 2 ** 20) * 2 ** 20,
    overcommit: pick([0, 1, 2]),
    overcommitRatio: whole(0, 1000),
    thp: pick(['always', 'madvise', 'never']),
    engine: pick(['wasmtime', 'wasmtime@38.0.0', 'wasmtime@41.0.3', 'v8']),
    node: pick(['18', '20', '22', '24', '26', '12.16.1']),
    addressSpace: pick([null, whole(2 ** 14, 2 ** 40) * 1024]),
    dataLimit: pick([null, whole(2 ** 14, 2 ** 24) * 1024]),
    maxMapCount: pick([null, whole(64, 2 ** 31 - 1)]),
    kernel: 'bookworm',
    cpus: whole(1, 64),
    cgroupHigh: pick([null, whole(256, 2 ** 28) * 4096]),
    pidsMax: pick([null, whole(1, 2 ** 22)]),
    processes: pick([null, whole(1, 2 ** 22)]),
    cpu: pick([null, 'max', 'qemu64', 'max,pku=off,sse4.1=on', 'Skylake-Client-noTSX-IBRS,avx=off']),
    swap: pick([null, whole(1, 2 ** 20) * 2 ** 20]),
    overcommitBytes: pick([null, whole(1, 2 ** 30) * 1024]),
    hugepages: pick([0, whole(1, 2 ** 20)]),
    stackLimit: pick([null, 'unlimited', whole(128, 2 ** 30) * 1024]),
    cgroupMemory: pick([null, whole(256, 2 ** 28) * 4096]),
    mdwe: pick(['off', 'prctl', 'seccomp']),
    addressBits: pick([null, whole(36, 46)]),
    memories: pick([null, whole(0, 1_000_000)]),
    tables: pick([null, whole(0, 1_000_000)]),
    tableElements: pick([null, whole(0, 100_000_000)]),
    stacks: pick([null, whole(0, 1_000_000)]),
    maxMemory: pick([null, whole(1, 2 ** 24) * 2 ** 16]),
    reservation: pick([null, whole(0, 2 ** 20) * 2 ** 16]),
    guard: pick([null, whole(0, 2 ** 20) * 2 ** 16]),
    arch: pick(['x86-64', 'arm64']),
    kernelArguments: pick([null, 'no5lvl', 'isolcpus=0,1 nosmap']),
    subject: pick(['wasm-host', 'node-fetch', 'x1']),
    allocator: pick(['auto', 'standard', 'conservative', 'on-demand']),
    profile: pick(['spin', 'wasmtime']),
    env: Object.fromEntries(
      Array.from({ length: whole(0, 3) }, () => [`V_${text().replace(/\W/g, '')}`, text()]),
    ),
  };
}

function usageError(run: () => unknown): PoolproofError {
  try {
    run();
  } catch (error) {
    if (error instanceof PoolproofError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

t.test('an id is the core axes, then what differs from its default', (t) => {
  const settings = { ...defaultSettings(), memory: 2 ** 29, overcommit: 2 } as const;
  t.equal(formatCellId(settings), 'memory=512M,overcommit=2,thp=always,engine=wasmtime,node=22');
  t.equal(
    formatCellId({ ...settings, overcommitRatio: 100, addressSpace: 2 ** 33, env: { B: 'x y', A: '1' } }),
    'memory=512M,overcommit=2,thp=always,engine=wasmtime,node=22,overcommitRatio=100,addressSpace=8G,env.A=1,env.B=x%20y',
  );
  t.end();
});

t.test('parseCellId is the inverse of formatCellId for 2000 random settings', (t) => {
  const next = random(20_261_123);
  const ids = new Map<string, string>();
  for (let round = 0; round < 2000; round += 1) {
    const settings = randomSettings(next);
    const id = formatCellId(settings);
    try {
      assert.deepEqual({ ...parseCellId(id) }, settings);
    } catch (error) {
      t.fail(`${id} is not read as what it was: ${String(error)}`);
    }
    if (!/^[A-Za-z0-9._+@%=,-]+$/.test(id)) t.fail(`unsafe letters in ${id}`);
    const key = JSON.stringify(axisNames.map((axis) => axes[axis].format(settings[axis] as never)));
    if (ids.has(id) && ids.get(id) !== key) t.fail(`two settings have the id ${id}`);
    ids.set(id, key);
  }
  t.ok(ids.size > 1990);
  t.end();
});

t.test('an id may be short, in any order, and with sizes written otherwise', (t) => {
  t.same(parseCellId('overcommit=2, memory=1024M'), { ...defaultSettings(), overcommit: 2, memory: 2 ** 30 });
  t.same(parseCellId('addressSpace=unlimited,maxMapCount=default'), defaultSettings());
  t.end();
});

t.test('a wrong id is a usage error with the nearest word', (t) => {
  const table: [string, RegExp][] = [
    ['memory', /`memory` is not axis=value/],
    ['', /is not axis=value/],
    ['memroy=1G', /unknown axis `memroy`; did you mean `memory`/],
    ['colour=red', /unknown axis `colour`$/],
    ['memory=1GB', /`1GB` is not a value of `memory`.*did you mean `1G`/],
    ['overcommit=7', /one of 0, 1, 2$/],
    ['memory=1G,memory=2G', /stands twice/],
    ['env=x', /env\.NAME=value/],
    ['env.A=%', /broken %XX escape/],
    ['env.SPIN_ALLOCATOR=auto', /use the axis `allocator`/],
    ['env.1=x', /variables are a map|pattern|nvalid/],
    ['env.__proto__=x', /not a name of a variable/],
  ];
  for (const [id, message] of table) {
    const error = usageError(() => parseCellId(id));
    t.equal(error.code, 'USAGE', id);
    t.match(error.message, message);
  }
  t.match(usageError(() => parseCellId('colour=red')).details.hint, /^known: memory, /);
  t.end();
});

const matrix = parseMatrix(
  `
axes: {memory: [512M, 1G, 2G], overcommit: [0, 1, 2], node: [20, 24]}
include: [{memory: 1G, addressSpace: 8G, node: 20}, {memory: 1G, node: 20, env: {A: 'x,y'}}]
`,
  'm.yaml',
);
const idsOf = (...texts: string[]): string[] => [...selectCells(matrix, texts).cells()].map(({ id }) => id);

t.test('--only selects by values, several values, and by what is not so', (t) => {
  t.equal(selectCells(matrix, []), matrix);
  t.equal(selectCells(matrix, ['memory=512M|1G,overcommit=2']).size, 4);
  t.equal(idsOf('memory = 512M , overcommit != 0|1').length, 2);
  t.equal(idsOf('node!=24').length, 11);
  t.equal(idsOf('addressSpace=8G').length, 1);
  t.equal(
    idsOf('addressSpace!=unlimited', 'memory=2048M,node=24').length,
    4,
    'several expressions are alternatives',
  );
  t.same(idsOf('env.A=x%2Cy'), ['memory=1G,overcommit=0,thp=always,engine=wasmtime,node=20,env.A=x%2Cy']);
  t.equal(idsOf('env.A!=x%2Cy').length, 19, 'a variable that is not set is not that value');
  const selected = selectCells(matrix, ['overcommit=2']);
  t.equal([...selected.cells()].length, selected.size);
  t.equal([...selected.cells()].length, selected.size, 'restartable');
  t.end();
});

t.test('a cell id selects exactly its cell', (t) => {
  const id = 'memory=1G,overcommit=0,thp=always,engine=wasmtime,node=20';
  t.same(idsOf(id), [id]);
  t.same(idsOf(`${id},addressSpace=8G`), [`${id},addressSpace=8G`]);
  t.same(idsOf(`${id},env.A=x%2Cy`), [`${id},env.A=x%2Cy`]);
  t.equal(
    idsOf('memory=1G,overcommit=0,thp=always,engine=wasmtime,node=20|24').length,
    4,
    'two values are no id',
  );
  t.equal(idsOf(`${id},addressSpace!=8G`).length, 2, 'nor is a negation');
  t.end();
});

t.test('a selection that cannot be meant is refused', (t) => {
  const table: [string, string, RegExp][] = [
    ['memory', 'USAGE', /is not axis=value/],
    ['memroy=1G', 'USAGE', /did you mean `memory`/],
    ['memory=1g', 'USAGE', /did you mean `1G`/],
    ['memory=512M|3G', 'USAGE', /no cell of m\.yaml has memory=3G/],
    ['cpus=2', 'USAGE', /no cell of m\.yaml has cpus=2/],
    ['env.A=%', 'USAGE', /broken/],
    ['addressSpace=8G,overcommit=2', 'CELL_NOT_FOUND', /no cell of m\.yaml matches/],
    ['memory=4G,overcommit=0,thp=always,engine=wasmtime,node=20', 'CELL_NOT_FOUND', /no cell/],
  ];
  for (const [text, code, message] of table) {
    const error = usageError(() => selectCells(matrix, ['memory=1G', text]));
    t.equal(error.code, code, text);
    t.match(error.message, message);
  }
  t.equal(usageError(() => selectCells(matrix, ['memory=3G'])).details.hint, 'the matrix has 512M, 1G, 2G');
  const many = parseMatrix(
    `axes: {overcommitRatio: [${Array.from({ length: 20 }, (_, n) => n).join(',')}]}`,
    'm',
  );
  t.match(usageError(() => selectCells(many, ['overcommitRatio=50'])).details.hint, /, …$/);
  t.end();
});

t.test('an id with the former name of an axis is read, and renewed to the id of the same cell', (t) => {
  const core = 'memory=1G,overcommit=2,thp=always,engine=wasmtime,node=22';
  const [former, present] = [`${core},overcommitKbytes=600M,cpus=2`, `${core},overcommitBytes=600M,cpus=2`];
  t.equal(parseCellId(former).overcommitBytes, 600 * 2 ** 20);
  t.same(parseCellId(former), parseCellId(present));
  t.equal(renewCellId(former), present);
  t.equal(renewCellId(present), present);
  t.equal(
    renewCellId(`${core},env.overcommitKbytes=1`),
    `${core},env.overcommitKbytes=1`,
    'a variable is none',
  );
  t.throws(() => parseCellId(`${former},overcommitBytes=1G`), /stands twice/);
  t.end();
});

t.test('kernel arguments travel in an id, and one that is set otherwise is refused with the reason', (t) => {
  const id = formatCellId({ ...defaultSettings(), kernelArguments: 'isolcpus=0,1 no5lvl' });
  t.match(id, /,kernelArguments=isolcpus=0%2C1\+no5lvl$/);
  t.equal(parseCellId(id).kernelArguments, 'isolcpus=0,1 no5lvl');
  t.throws(() => parseMatrix('axes: {memory: [512M], kernelArguments: [nosmap, console=tty0]}', 'm'), {
    message: /1:50: console=tty0 cannot be set here: the console belongs to the harness/,
  });
  t.end();
});
