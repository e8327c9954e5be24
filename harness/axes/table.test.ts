import t from 'tap';
import {
  axes,
  axisNames,
  axisWords,
  defaultSettings,
  defineAxes,
  defineTable,
  knownImages,
} from './table.ts';
import { formatValue, rowOf } from './table.ts';
import { distance, nearest } from './nearest-word.ts';
import { formatSize, guessSize, parseSize } from './size.ts';

t.test('sizes are read in powers of 1024 and written in the largest whole unit', (t) => {
  const table: [string, number, string][] = [
    ['512M', 2 ** 29, '512M'],
    ['1.5G', 3 * 2 ** 29, '1536M'],
    ['2097152K', 2 ** 31, '2G'],
    ['1024G', 2 ** 40, '1T'],
    ['4000000K', 4_096_000_000, '4000000K'],
  ];
  for (const [text, bytes, canonical] of table) {
    t.equal(parseSize(text), bytes);
    t.equal(formatSize(bytes), canonical);
    t.equal(parseSize(canonical), bytes);
  }
  for (const wrong of ['512', '512m', '512MB', ' 1G', '-1G', '1e3M', '', 'G', '99999999999999G', '0x1M']) {
    t.equal(parseSize(wrong), null, wrong);
  }
  t.equal(formatSize(0), '0K');
  t.end();
});

t.test('what was meant by a wrong size is guessed, or not at all', (t) => {
  t.equal(guessSize(512), '512M', 'a bare small number is mebibytes');
  t.equal(guessSize(536_870_912), '512M', 'a large one is bytes');
  t.equal(guessSize('512MB'), '512M');
  t.equal(guessSize('1 gib'), '1G');
  t.equal(guessSize('512 bytes'), '512M');
  t.equal(guessSize(' 5T'), '5T');
  t.equal(guessSize('much'), null);
  t.equal(guessSize('0'), null);
  t.equal(guessSize('0.0001K'), null);
  t.equal(guessSize('9007199254740993 T'), null, 'more than can be counted');
  t.equal(axes.memory.suggest('much'), null);
  t.equal(axes.memory.suggest(' 5T'), null, 'a guess outside the range helps nobody');
  t.end();
});

t.test('distance counts inserted, deleted, replaced and swapped letters', (t) => {
  t.equal(distance('', 'abc'), 3);
  t.equal(distance('abc', ''), 3);
  t.equal(distance('memory', 'memroy'), 1);
  t.equal(distance('kitten', 'sitting'), 3);
  t.equal(distance('ca', 'abc'), 3, 'the restricted form: no edit inside a swap');
  t.end();
});

t.test('the nearest word is near, or there is none', (t) => {
  t.equal(nearest('overcomit', axisNames), 'overcommit');
  t.equal(nearest('max_map_count', axisNames), 'maxMapCount');
  t.equal(nearest('MEMORY', axisNames), 'memory');
  t.equal(nearest('xyz', axisNames), null);
  t.equal(nearest('', axisNames), null);
  t.equal(nearest('x'.repeat(41), ['x'.repeat(41)]), null);
  t.equal(nearest('v9', ['v8x', 'v']), null);
  t.equal(nearest('memori', ['memory', 'memore']), 'memory', 'the first of equally near ones');
  t.equal(nearest('memori', ['memoyr', 'memory']), 'memory', 'the nearer one of two');
  t.end();
});

t.test('each axis reads its own examples and default, and writes them so that they are read again', (t) => {
  for (const axis of axisNames) {
    const row = axes[axis];
    t.equal(row.name, axis);
    t.match(row.description, /^[^\n]{10,120}$/);
    const value = row.default as never;
    t.equal(formatValue(axes, axis, value), formatValue(axes, axis, value));
    if (axis === 'env') continue;
    const texts = [formatValue(axes, axis, value), ...row.examples];
    for (const text of texts) {
      const number = /^\d+$/.test(text) ? Number(text) : text;
      const read = row.schema.safeParse(number);
      t.ok(read.success, `${axis} reads ${text}`);
      const canonical = formatValue(axes, axis, read.data);
      const again = row.schema.safeParse(/^\d+$/.test(canonical) ? Number(canonical) : canonical);
      t.same(again.data, read.data, `${axis} reads ${canonical} as the same`);
    }
  }
  t.end();
});

t.test('versions may be written as numbers or texts', (t) => {
  for (const axis of [axes.node]) {
    t.equal(axis.schema.parse(22), '22');
    t.equal(axis.schema.parse('22'), '22');
  }
  t.equal(axes.engine.schema.parse('wasmtime@38.0.0'), 'wasmtime@38.0.0');
  t.equal(axes.engine.suggest('38.0.0'), 'wasmtime@38.0.0');
  t.equal(axes.engine.suggest(38), 'wasmtime@38.0.0');
  t.equal(axes.engine.suggest('wasmtme'), 'wasmtime');
  t.equal(axes.node.suggest('v22'), '22');
  t.equal(axes.node.suggest('21'), null, 'no number is near another one');
  t.equal(axes.node.schema.parse('22.13.0'), '22.13.0');
  t.equal(axes.node.suggest('v16.20.0'), '16.20.0');
  t.equal(axes.node.schema.safeParse('11.15.0').success, false, 'older than what is supported');
  t.equal(axes.engine.schema.parse('wasmtime@41.0.3'), 'wasmtime@41.0.3');
  t.equal(axes.engine.schema.safeParse('wasmtime@31.0.0').success, false, 'its C interface has no pools');
  t.equal(axes.engine.suggest('41.0.3'), 'wasmtime@41.0.3');
  t.equal(axes.engine.suggest(' v8'), 'v8', 'a name, not a version');
  t.equal(axes.engine.suggest('wasmtime@41.0.3 '), 'wasmtime@41.0.3');
  t.equal(axes.engine.suggest('7'), null, 'no number is near another one');
  t.equal(axes.node.suggest('22'), null, 'it is right');
  t.equal(axes.node.suggest('v16.20'), null);
  t.equal(axes.kernel.suggest(' bookworm'), 'bookworm');
  t.equal(axes.kernel.suggest('bokworm'), 'bookworm');
  t.equal(axes.kernel.suggest('6'), null);
  t.end();
});

t.test('limits may be absent: the word, or null', (t) => {
  t.equal(axes.addressSpace.schema.parse('unlimited'), null);
  t.equal(axes.addressSpace.schema.safeParse('1K').success, false, 'outside the range');
  t.equal(axes.addressSpace.schema.parse(null), null);
  t.equal(axes.maxMapCount.schema.parse('default'), null);
  t.equal(axes.maxMapCount.schema.parse(1000), 1000);
  t.equal(axes.addressSpace.format(null), 'unlimited');
  t.equal(axes.maxMapCount.format(null), 'default');
  t.equal(axes.addressSpace.suggest('unlimted'), 'unlimited');
  t.end();
});

t.test('a CPU is a model of QEMU with flags, written in many ways and meant in one', (t) => {
  const { schema, format, suggest } = axes.cpu;
  t.equal(schema.parse('default'), null);
  for (const text of [
    'max,pku=off,sse4.1=on',
    'max,+sse4_1,-pku',
    'max+sse4-1=on+pku=off',
    'max:-pku:sse4.1',
  ])
    t.equal(schema.parse(text), 'max,pku=off,sse4.1=on', text);
  t.equal(format('max,pku=off,sse4.1=on'), 'max+pku=off+sse4.1=on', 'no comma in an id');
  for (const wrong of [
    'qemu32',
    'Pentium 4',
    'max,',
    'max,pku',
    'max,pku=maybe',
    'max,pku=on,pku=off',
    'max,vmx=on',
    'max;ls',
    '__proto__',
  ])
    t.equal(schema.safeParse(wrong).success, wrong === 'max,pku', wrong);
  t.equal(suggest('nehalem'), 'Nehalem');
  t.equal(suggest('Nehalem,-sse4.2x'), 'Nehalem+sse4.2=off');
  t.equal(suggest('vax'), 'max');
  t.equal(suggest('16'), null);
  t.equal(suggest('MAX,PKU'), 'max+pku=on');
  t.equal(suggest('MAX,-=,pku'), null);
  t.equal(suggest('max,unheard-of'), null);
  t.equal(suggest('max,a\nb'), null);
  t.equal(suggest('max'), null, 'it is right');
  t.equal(schema.safeParse('max,-pku=on').success, false, 'two switches for one flag');
  t.equal(schema.parse('max,pku,+pku'), 'max,pku=on');
  t.end();
});

t.test('a stack may be left alone, lifted, or be of a size', (t) => {
  t.equal(axes.stackLimit.schema.parse('unlimited'), 'unlimited');
  t.equal(axes.stackLimit.schema.parse('default'), null);
  t.equal(axes.stackLimit.schema.parse('64M'), 2 ** 26);
  t.equal(axes.stackLimit.format('unlimited'), 'unlimited');
  t.equal(axes.stackLimit.format(null), 'default');
  t.equal(axes.stackLimit.format(2 ** 26), '64M');
  t.equal(axes.stackLimit.suggest('unlimted'), 'unlimited');
  t.equal(axes.stackLimit.suggest('64 MB'), '64M');
  t.end();
});

t.test('suggestions repair numbers and case, and never suggest what is there already', (t) => {
  t.equal(axes.cpus.suggest('4'), '4');
  t.equal(axes.cpus.suggest('400'), null);
  t.equal(axes.cpus.suggest('0'), null);
  t.equal(axes.cpus.suggest('many'), null);
  t.equal(axes.maxMapCount.suggest('65,530'), '65530');
  t.equal(axes.thp.suggest('Always'), 'always');
  t.equal(axes.thp.suggest('always'), null);
  t.equal(axes.overcommit.suggest('2'), '2');
  t.equal(axes.overcommit.suggest(7), null);
  t.equal(axes.memory.suggest('512M'), null);
  t.equal(axes.env.suggest('x'), null);
  t.end();
});

t.test('variables: names and values that cannot reach the wasm host are refused', (t) => {
  const { schema, format } = axes.env;
  t.same(schema.parse({ A: 1, B: true, C_9: 'x' }), { A: '1', B: 'true', C_9: 'x' });
  t.equal(format({ B: 'x,y=|% ü', A: '' }), 'env.A=,env.B=x%2Cy%3D%7C%25%20%C3%BC');
  t.equal(format({ A: 'x', B: 'y' }), 'env.A=x,env.B=y');
  t.equal(format({ A: "~!*'()" }), 'env.A=%7E%21%2A%27%28%29');
  const bad: [Record<string, unknown>, RegExp][] = [
    [{ SPIN_ALLOCATOR: 'x' }, /use the axis `allocator`/],
    [{ POOLPROOF_X: 'x' }, /belong to the harness/],
    [{ RUST_BACKTRACE: '1' }, /hang in their backtrace: leave it unset/],
    [{ A: 'a\nb' }, /line break/],
    [{ A: '\ud800' }, /Unicode/],
    [{ A: 'x'.repeat(3000) }, /at most 2048/],
    [{ '1A': 'x' }, /./],
    [{ A: null }, /./],
  ];
  for (const [value, message] of bad) {
    const result = schema.safeParse(value);
    t.notOk(result.success);
    t.match(result.error?.issues[0]?.message, message);
  }
  t.end();
});

t.test('the table follows what is known of images', (t) => {
  const table = defineAxes({ kernels: ['trixie'], nodes: ['30'], engines: ['60.0.0'] });
  t.equal(table.kernel.default, 'trixie');
  t.equal(table.node.default, '30', 'without Node 22 the first is the default');
  t.match(table.engine.expects, /wasmtime, wasmtime@60\.0\.0, v8/);
  t.notOk(table.node.schema.safeParse(22).success);
  t.equal(defineAxes({ kernels: [], nodes: [], engines: [] }).kernel.default, 'bookworm');
  t.equal(knownImages.nodes.includes('22'), true);
  t.end();
});

t.test('a table has each name once, and every shipped axis', (t) => {
  t.throws(() => defineTable([axes.memory, axes.memory]), new RangeError('two axes are called memory'));
  t.throws(() => rowOf(axes, 'colour'), new RangeError('no axis is called colour'));
  t.throws(() => rowOf(axes, 'toString'), new RangeError('no axis is called toString'));
  const table = { ...axes };
  Reflect.deleteProperty(table, 'memory');
  t.throws(() => defaultSettings(table), new RangeError('the table lacks a shipped axis'));
  t.end();
});

t.test('labels leave out what the heading says', (t) => {
  t.equal(axes.env.label?.('env.A=1,env.B=2'), 'A=1,B=2');
  t.equal(axes.env.label?.(''), 'none');
  t.equal(axes.subject.suggest('wasm-hst'), 'wasm-host');
  t.equal(axes.subject.format('wasm-host'), 'wasm-host');
  t.end();
});

t.test('defaults and words for axes', (t) => {
  t.match(defaultSettings(), {
    memory: 2 ** 31,
    overcommit: 0,
    overcommitRatio: 50,
    engine: 'wasmtime',
    node: '22',
    env: {},
  });
  t.equal(axisWords().get('RLIMIT_AS'), 'addressSpace');
  t.equal(axisWords().get('ram'), 'memory');
  t.end();
});
