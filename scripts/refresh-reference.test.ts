import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { buildDistributions } from '../harness/outcome/repetitions.ts';
import { exitCodeOf } from '../harness/report/exit-code.ts';
import { collectResults, readRun } from '../harness/store/read-run.ts';
import { parseServingRecord, type ServingRecord } from '../harness/store/serving-record.ts';
import { joinServing, listRuns, renderReference, renderReferenceOverhead } from './refresh-reference.ts';

const folder = join(import.meta.dirname, '../results/reference');

t.test('the published page is made again byte for byte from the published records', async (t) => {
  const published = await readFile(join(folder, 'report.html'), 'utf8');
  t.ok((await renderReference(folder)) === published, 'out of date: node dist/scripts/refresh-reference.js');
});

t.test('the overhead page is made again byte for byte from the published records', async (t) => {
  const published = await readFile(join(folder, '../overhead.md'), 'utf8');
  const made = await renderReferenceOverhead(folder);
  t.ok(made === published, 'out of date: node dist/scripts/refresh-reference.js');
  t.match(made, /^- \*\*wasmtime .*, conservative\/explicit\*\* \(by time\)$/m);
  t.match(made, /^- \*\*v8, on-demand\/explicit\*\* \(by time\)$/m);
  for (const node of ['20', '22', '24']) t.match(made, `Node ${node}, instructions |`);
  t.match(made, /^## What a request costs a server$/m);
  const hosts = ['host-conservative', 'host-on-demand'];
  for (const mode of ['pool', 'conservative', 'explicit', 'on-demand', ...hosts])
    t.match(made, new RegExp(`^- \\*\\*${mode}\\*\\*: × \\d`, 'm'));
  t.match(made, /^\| spin-sizes \| standard \| \d+ k instructions \|/m);
  for (const host of ['spin-sizes', 'wasmtime-serve'])
    t.match(made, new RegExp(`^\\| ${host} \\| on-demand \\| × \\d`, 'm'));
});

t.test(
  'records of serving are joined, those of each machine, where they are of different cases',
  async (t) => {
    const file = join(folder, 'serving', '1.json');
    const record = parseServingRecord(await readFile(file, 'utf8'), file);
    const only = (work: string, more: Partial<ServingRecord> = {}): ServingRecord => ({
      ...record,
      ...more,
      figures: record.figures.filter((figure) => figure.work === work),
    });
    const touch = only('touch-256', { measuredAt: '2099-01-01', load: { before: 90, after: 0 } });
    const whole: ServingRecord = {
      ...record,
      measuredAt: '2099-01-01',
      load: { before: 90, after: record.load.after },
      figures: [...only('hello').figures, ...touch.figures],
    };
    t.same(joinServing([touch, only('hello')]), [whole]);
    t.throws(() => joinServing([record, touch]), /^two figures of touch-256, connections 1, spin$/);
    const machine = { ...record.machine, cores: 64 };
    const other = { ...touch, machine };
    t.same(joinServing([other, only('hello')]), [only('hello'), other], 'in the order of the kinds of work');
    const [figure] = other.figures;
    const torn = { ...other, figures: figure === undefined ? [] : [{ ...figure, connections: 99 }] };
    t.throws(() => joinServing([touch, torn]), /^touch-256 was measured on several machines/);
  },
);

t.test('the published records are whole, and every cell did what was expected', async (t) => {
  const names = await listRuns(folder);
  t.ok(['default', 'hosts', 'limits', 'overhead', 'requests'].every((name) => names.includes(name)));
  for (const name of names) {
    const run = await readRun(join(folder, name));
    const results = await collectResults(run.results());
    t.same(run.problems, [], name);
    t.equal(results.length, run.record.matrix.size, `${name}: every cell of its matrix`);
    t.equal(exitCodeOf(buildDistributions(results)), 0, name);
  }
});
