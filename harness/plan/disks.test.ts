import t from 'tap';
import type { BuiltImages } from '../../images/build.ts';
import { defaultSettings } from '../axes/table.ts';
import type { Cell } from '../matrix/cell.ts';
import { fitDisks } from './disks.ts';
import { groupByBoot } from './order.ts';

const disk = (name: string) => ({ name, path: `/${name}`, digest: 'sha256:0', sizeBytes: 1 });
const file = { path: '/file', digest: 'sha256:0' };
const nodes = ['16.20.0', '18', '20', '22', '24'];
const images: BuiltImages = {
  kernel: { ...file, release: '6.1.0' },
  initramfs: file,
  disks: ['base', 'host', ...nodes.map((node) => `node-${node}`), 'wasmtime-50.0.1', 'subject-0123'].map(
    disk,
  ),
  digest: 'sha256:0',
  components: [],
  nodes: {},
  engines: {},
  subjects: { probe: '/disks/subject-0123' },
};
const cells = nodes.map((node): Cell => {
  const settings = {
    ...defaultSettings(),
    node,
    engine: 'v8',
    subject: node === '18' ? 'probe' : 'wasm-host',
  };
  return { id: node, settings, expectation: null, repetition: 1 };
});
const [group] = groupByBoot(cells);
if (group === undefined) throw new Error('no group');

t.test('with room for all disks there is one machine with all of them', (t) => {
  t.strictSame(fitDisks(group, images), [{ group, images }]);
  t.end();
});

t.test('without, cells are put together as long as their disks fit', (t) => {
  const parts = fitDisks(group, images, 5);
  t.strictSame(
    parts.map((part) => part.images.disks.map(({ name }) => name)),
    [
      ['base', 'host', 'node-16.20.0', 'node-18', 'subject-0123'],
      ['base', 'host', 'node-20', 'node-22', 'node-24'],
    ],
  );
  t.strictSame(
    parts.flatMap((part) => part.group.cells.map(({ id }) => id)),
    nodes,
  );
  t.end();
});

t.test('a cell whose engine is V8 takes no disk of libwasmtime, a Wasmtime cell takes its version', (t) => {
  const [first] = cells;
  if (first === undefined) throw new RangeError('no cell');
  const settings = { ...first.settings, engine: 'wasmtime@50.0.1' };
  const alone = { ...group, cells: [{ ...first, settings }] };
  const { subjects: _, ...without } = images;
  t.strictSame(
    fitDisks(alone, without, 4).map((part) => part.images.disks.map(({ name }) => name)),
    [['base', 'host', 'node-16.20.0', 'wasmtime-50.0.1']],
  );
  t.end();
});
