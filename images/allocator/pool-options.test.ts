import t from 'tap';
import { resolveTierConfiguration } from './configuration.ts';
import { formatPoolOptions, readPoolOptions } from './pool-options.ts';
import { GiB, KiB, MiB } from './sizes.ts';

const facts = { addressSpaceLimit: null, addressBits: 47 };
const resolve = (profile: 'spin' | 'wasmtime', env: Readonly<Record<string, string>> = {}) => {
  const engine = { kind: 'wasmtime', version: '49.0.3' } as const;
  const found = resolveTierConfiguration('standard', { engine, profile, env, facts });
  if (found.kind !== 'wasmtime' || found.pool === null) throw new RangeError('no pool');
  return { ...found.pool, reservationBytes: found.reservationBytes, guardBytes: found.guardBytes };
};

t.test("Spin's pool is one list of options of wasmtime, without what is its default anyway", (t) => {
  const [flag, list] = formatPoolOptions(resolve('spin'), '49.0.3');
  t.equal(flag, '-O');
  t.same(list?.split(','), [
    'pooling-total-tables=2000',
    'pooling-table-elements=100000',
    'pooling-total-core-instances=4000',
    'pooling-total-component-instances=1000',
    'pooling-max-core-instance-size=10485760',
    'pooling-max-component-instance-size=10485760',
    'pooling-max-core-instances-per-component=200',
    'pooling-max-tables-per-component=64',
    'pooling-max-memories-per-component=32',
    'pooling-max-tables-per-module=2',
    'pooling-max-memories-per-module=2',
    'pooling-memory-keep-resident=2097152',
    'pooling-table-keep-resident=524288',
  ]);
  t.end();
});

t.test('what is written is read again, whatever else the command line has', (t) => {
  const sizes = resolve('spin', { SPIN_MAX_INSTANCE_COUNT: '100' });
  const options = formatPoolOptions(sizes, '49.0.3', true);
  const read = readPoolOptions(['serve', '-C', 'cache=n', ...options, 'app.wasm']);
  t.equal(read.pooling, true);
  t.same({ ...sizes, ...read.sizes }, sizes);
  t.match(read.sizes, { memories: 100, tables: 200, stacks: 100, coreInstances: 400 });
  t.end();
});

t.test('a pool of the engine itself needs no options', (t) => {
  t.same(formatPoolOptions(resolve('wasmtime'), '49.0.3'), []);
  t.same(formatPoolOptions({}, '49.0.3', false), ['-O', 'pooling-allocator=n']);
  t.same(formatPoolOptions({ reservationBytes: 4 * GiB, guardBytes: 64 * KiB }, '49.0.3'), [
    '-O',
    'memory-guard-size=65536',
  ]);
  t.same(formatPoolOptions({ stacks: 5, reservationBytes: GiB }, '49.0.3'), [
    '-O',
    `memory-reservation=${GiB},pooling-total-stacks=5`,
  ]);
  t.end();
});

t.test('every way to write an option is read, and the last one counts', (t) => {
  const words = [
    ['-Opooling-allocator', '-O', 'static-memory-maximum-size=0x8000000,memory-guard-size=65536'],
    ['--optimize=pooling-allocator=n', '-O', 'opt-level=2', '-O', 'pooling-allocator=y'],
    ['--optimize', 'pooling-allocator=no'],
    ['serve', '-O'],
  ];
  t.same(
    words.map((line) => readPoolOptions(line)),
    [
      { pooling: true, sizes: { reservationBytes: 128 * MiB, guardBytes: 64 * KiB } },
      { pooling: true, sizes: {} },
      { pooling: false, sizes: {} },
      { pooling: null, sizes: {} },
    ],
  );
  for (const bad of ['pooling-total-stacks', 'pooling-total-stacks=many', 'pooling-allocator=2'])
    t.throws(() => readPoolOptions(['-O', bad]), { code: 'BAD_PARAMETER' }, bad);
  t.end();
});
