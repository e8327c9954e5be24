import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { axes, axisNames, defineAxes } from '../axes/table.ts';
import { loadMatrix } from './load.ts';
import { endMark, renderReference, replaceReference, startMark } from './reference.ts';
import { renderSchema } from './json-schema.ts';

const root = join(import.meta.dirname, '../..');

t.test('the reference has a row per axis', (t) => {
  const rows = renderReference().split('\n');
  t.equal(rows.length, axisNames.length + 2);
  for (const axis of axisNames) t.ok(rows.some((row) => row.startsWith(`| \`${axis}\``)));
  t.throws(() => replaceReference(endMark + startMark, ''), /marks/);
  t.end();
});

t.test('the schema is draft 7, refuses unknown keys and describes each axis', (t) => {
  const schema = JSON.parse(renderSchema()) as { definitions: Record<string, unknown> };
  t.match(schema, {
    $schema: 'http://json-schema.org/draft-07/schema#',
    additionalProperties: false,
    properties: {
      title: {},
      axes: {},
      exclude: {},
      include: {},
      expect: {},
      repeat: { minimum: 1, maximum: 1000 },
    },
    definitions: {
      overcommit: { enum: [0, 1, 2] },
      memory: { type: 'string', pattern: /\[KMGT\]/, examples: ['512M', '1.5G'] },
      node: { anyOf: [{ enum: [26, 24, 22, 20, 18, '26', '24', '22', '20', '18'] }, { pattern: /\d/ }] },
      where: { additionalProperties: false },
      rule: { additionalProperties: false },
    },
  });
  for (const axis of axisNames)
    t.match(schema.definitions[axis], {
      description: axes[axis].description,
    });
  t.match(
    renderSchema(defineAxes({ kernels: ['x'], nodes: ['99'], engines: [] })),
    '"99"',
    'made from any table',
  );
  t.end();
});

t.test('the shipped matrices load, and say why they expect what they expect', async (t) => {
  const sizes: Record<string, [min: number, max: number]> = {
    'default.yaml': [36, 36],
    'limits.yaml': [60, 80],
    'smoke.yaml': [4, 4],
    'overhead.yaml': [24, 24],
    'kernels.yaml': [46, 46],
    'versions.yaml': [64, 64],
  };
  const files = (await readdir(join(root, 'matrices'))).filter((file) => file.endsWith('.yaml'));
  for (const file of Object.keys(sizes)) t.ok(files.includes(file), file);
  for (const file of files) {
    const matrix = await loadMatrix(join(root, 'matrices', file));
    t.match(matrix.text, /^# yaml-language-server: \$schema=\.\/matrix\.schema\.json\n/, file);
    const cells = [...matrix.cells()];
    const [min, max] = sizes[file] ?? [1, Infinity];
    t.ok(cells.length >= min && cells.length <= max, `${file}: ${cells.length} cells`);
    t.equal(new Set(cells.map(({ id }) => id)).size * matrix.repeat, cells.length, 'no cell twice');
    t.notOk(cells.some(({ expectation }) => expectation !== null && expectation.because === null));
  }
});

t.test('the default matrix expects a tier of each of its 36 cells, with a link', async (t) => {
  const cells = [...(await loadMatrix(join(root, 'matrices/default.yaml'))).cells()];
  for (const { settings, expectation, id } of cells) {
    t.equal(expectation?.tier, settings.overcommit === 2 ? 'conservative' : 'standard', id);
    t.match(expectation?.link, /^https:/);
  }
});
