/** An axis is added in one place: a row. What a row says appears wherever axes are read, applied, proven and shown. */
import t from 'tap';
import { rangeOf } from './field/axis-range.ts';
import { buildResult, record } from './fixtures/report/results.ts';
import { facts } from './fixtures/outcome/observations.ts';
import { formatCellId, parseCellId } from './matrix/cell-id.ts';
import { renderSchema } from './matrix/json-schema.ts';
import { MatrixErrors } from './matrix/diagnostics.ts';
import { parseMatrix } from './matrix/load.ts';
import { renderReference } from './matrix/reference.ts';
import { selectCells } from './matrix/select.ts';
import { estimateFacts } from './plan/estimate-facts.ts';
import { groupByBoot } from './plan/order.ts';
import { renderCsv } from './report/format/csv.ts';
import { buildRunView } from './report/run-view.ts';
import { buildGrid } from './report/grid.ts';
import { drawMachines, drawSettings, findUncovered, randomFrom } from './field/draw-settings.ts';
import { defineAxis } from './axes/axis.ts';
import { buildLimits, buildMachine, buildWrites, compareSettings } from './axes/guest-settings.ts';
import { choice, integer } from './axes/kinds.ts';
import { storedSettings } from './axes/stored-settings.ts';
import { axes, defaultSettings, defineTable, rowsOf } from './axes/table.ts';

/** One that is set in the guest and in the process, as no shipped axis is, so that both are seen. */
const pageSize = defineAxis({
  name: 'pageSize',
  description: 'Bytes of a page, for this test',
  unit: 'bytes',
  kind: integer(4096, 65_536),
  examples: ['16384'],
  alsoCalled: ['pagesize', 'granule'],
  formerly: ['pageBytes'],
  applies: 'guest',
  default: 4096,
  core: false,
  since: 4,
  provenBy: ['pageSize'],
  write: (bytes) => [{ path: '/proc/sys/vm/page_size', value: String(bytes) }],
  limit: (bytes) => ({ u: String(bytes) }),
  readBack: { asked: String, found: (found) => String(found.pageSize) },
  estimate: (bytes) => ({ pageSize: bytes }),
  search: { from: 4096, to: 16_384, step: 4096 },
  draw: { values: [4096, 16_384] },
});

/** One that is another machine. */
const entropy = defineAxis({
  name: 'entropy',
  description: 'Source of entropy of the machine, for this test',
  unit: null,
  kind: choice(['cpu', 'disk']),
  examples: ['disk'],
  alsoCalled: [],
  applies: 'boot',
  default: 'cpu',
  core: false,
  since: 4,
  provenBy: 'the machine',
  machine: (source) => (source === 'disk' ? { entropy: true } : {}),
  draw: { values: ['cpu', 'disk'] },
});

const table = defineTable([...rowsOf(axes), pageSize, entropy]);
const extended = { ...axes, ...table };

const matrix = parseMatrix(
  'axes: {memory: 1G, pageSize: [4096, 16384], entropy: [cpu, disk]}\nexclude: [{pageSize: 16384, entropy: disk}]',
  'm.yaml',
  { table: extended },
);
const cells = [...matrix.cells()];
const [plain, disk, large] = cells.map(({ settings }) => settings);
if (plain === undefined || disk === undefined || large === undefined) throw new Error('three cells');

t.test('a new row is read from matrices, with its suggestions, and written into cell ids', (t) => {
  t.same(
    cells.map(({ id }) => id.split(',').slice(5).join(',')),
    ['', 'entropy=disk', 'pageSize=16384'],
  );
  const ids = cells.map(({ id }) => id);
  t.same(
    ids.map((id) => formatCellId(parseCellId(id, extended), extended)),
    ids,
  );
  t.equal(parseCellId('pageBytes=8192', extended)['pageSize' as 'memory'], 8192, 'by its former name, too');
  t.equal(selectCells(matrix, ['pageSize=16384'], extended).size, 1);
  t.throws(() => parseMatrix('axes: {granule: 5}', 'm', { table: extended }), /did you mean `pageSize`/);
  t.throws(() => parseMatrix('axes: {pageSize: 5}', 'm', { table: extended }), /from 4096 to 65536/);
  t.throws(
    () => parseMatrix('axes: {pageSize: 4096}', 'm'),
    MatrixErrors,
    'the shipped table has no such axis',
  );
  t.end();
});

t.test('a new row is in the JSON Schema and in the reference', (t) => {
  const { definitions } = JSON.parse(renderSchema(extended)) as { definitions: Record<string, unknown> };
  t.match(definitions['pageSize'], { minimum: 4096, description: /Bytes of a page/, examples: ['16384'] });
  t.match(
    renderReference(extended),
    /\| `pageSize` \| Bytes of a page.*\| `4096` \| guest \|.*`pageSize` \|\n/,
  );
  t.match(renderReference(extended), /\| `entropy` \|.*\| boot \|.*the machine \|/);
  t.end();
});

t.test('a new row is planned: it parts boots, shapes the machine and changes what is expected of it', (t) => {
  t.equal(groupByBoot(cells, extended).length, 2);
  t.equal(groupByBoot(cells).length, 1, 'the shipped table sees one machine');
  t.match(buildMachine(disk, extended), { entropy: true, memoryMib: 1024 });
  t.equal(buildMachine(plain, extended).entropy, undefined);
  t.equal(estimateFacts(large, extended).pageSize, 16_384);
  t.end();
});

t.test('a new row is applied and read back', (t) => {
  t.match(buildWrites(large, extended), [{}, {}, { path: '/proc/sys/vm/page_size', value: '16384' }, {}]);
  t.match(buildLimits(large, extended), { c: '0', u: '16384' });
  const rows = compareSettings(large, facts, extended).filter(({ axis }) => axis === 'pageSize');
  t.same(rows, [{ axis: 'pageSize', asked: '16384', found: '4096', ok: false }]);
  t.end();
});

t.test('a new row is stored, and results from before it have its default', (t) => {
  const stored = storedSettings(extended);
  t.match(stored.parse({ ...large }), { pageSize: 16_384, entropy: 'cpu' });
  const { pageSize: _, ...rest } = { pageSize: 0, ...large };
  t.match(stored.parse({ ...rest, pageBytes: 8192 }), { pageSize: 8192 }, 'by its former name, too');
  t.match(stored.parse({ ...defaultSettings() }), { pageSize: 4096, entropy: 'cpu' });
  t.throws(() => stored.parse({ ...large, pageSize: 'large' }));
  t.end();
});

t.test('a new row is shown in reports, after the columns that do not move', (t) => {
  const results = cells.map((cell) => buildResult({ id: cell.id, settings: cell.settings }));
  const view = buildRunView({ record, results }, { table: extended });
  const { axes: varied, reasons } = view;
  t.match(varied, [
    { name: 'pageSize', values: ['4096', '16384'], ordered: true },
    { name: 'entropy', values: ['cpu', 'disk'], ordered: false },
  ]);
  t.equal(reasons[0]?.where, 'all cells');
  t.same(buildGrid(view.cells, varied, []).rowHeads, ['pageSize', 'entropy']);
  const [head, ...lines] = renderCsv(view, extended).trim().split('\n');
  t.match(head, /,committedBytes,(?:\w+,)*requestSleepRatio,arch,kernelArguments,pageSize,entropy$/);
  t.match(lines[2], /,57671680,(?:\w*,)*x86-64,none,16384,cpu$/);
  t.end();
});

t.test('a new row is searched and drawn', (t) => {
  const range = rangeOf('pageSize', undefined, undefined, extended);
  t.same(
    [0, 1, 2, 3].map((index) => range.text(index)),
    ['4096', '8192', '12288', '16384'],
  );
  t.match(range.at(plain, 1), { pageSize: 8192 });
  t.throws(() => rangeOf('entropy', undefined, undefined, extended), { code: 'USAGE' });
  const random = randomFrom(1);
  const machines = drawMachines(random, 8, extended);
  const drawn = Array.from({ length: 200 }, () => drawSettings(random, machines, extended));
  t.notOk(findUncovered(drawn, extended).includes('pageSize'));
  t.notOk(findUncovered(drawn, extended).includes('entropy'));
  t.same(findUncovered([plain], extended).slice(-1), ['entropy']);
  t.end();
});

t.test('two rows with one name are refused, present or former', (t) => {
  t.throws(() => defineTable([...rowsOf(axes), pageSize, pageSize]), /two axes are called pageSize/);
  t.throws(() => defineTable([{ ...pageSize, formerly: ['memory'] }, ...rowsOf(axes)]), /are called memory/);
  t.end();
});
