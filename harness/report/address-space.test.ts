import t from 'tap';
import type { Layout } from '../../images/allocator/host-report.ts';
import { GiB, MiB, TiB } from '../../images/allocator/sizes.ts';
import { buildResult, buildStandard, record, viewOf } from '../fixtures/report/results.ts';
import { facts } from '../fixtures/outcome/observations.ts';
import { collectResults, readRun } from '../store/read-run.ts';
import { listSpace, listSpaceLimits } from './address-space.ts';
import type { Result } from '../store/result.ts';
import { formats } from './formats.ts';

const near = (bytes: number, expected: number): boolean => Math.abs(bytes / expected - 1) < 0.01;

t.test('standard beside the tier reached, up to the mapping that does not fit', (t) => {
  const [standard, conservative] = listSpace(buildResult());
  t.equal(standard?.title, 'standard, by the model');
  t.equal(standard?.refused, 'table pool needs 1531 MiB, CommitLimit leaves 172 MiB');
  t.same(
    standard?.bars.map(({ name, left }) => [name, left]),
    [
      ['memory pool', null],
      ['table pool', 172 * MiB],
    ],
    'the stack pool is never mapped',
  );
  t.ok(near(standard?.bars[0]?.bytes ?? 0, 3.94 * TiB));
  t.match(conservative, { title: 'conservative, by the model', refused: null });
  t.same(
    listSpace(buildStandard()).map(({ title, bars }) => [title, bars.map(({ name }) => name)]),
    [
      ['standard, by the model', ['memory pool', 'table pool', 'stack pool']],
      ['standard, as the kernel shows it', ['memory pool', 'tables and stacks', 'the whole process']],
    ],
    'once where it is the tier reached',
  );
  t.end();
});

t.test('V8 has memories instead of pools, and a limit that counts no bytes has no line', (t) => {
  const maps = {
    pool: 'linear-memory',
    limit: 'max_map_count',
    needed: 2000,
    available: 900,
    unit: 'maps',
  } as const;
  const predicted = {
    outcome: 'reached',
    tier: 'on-demand',
    checks: 'explicit',
    tiers: [{ tier: 'standard', fits: false, shortfall: maps }],
    startup: null,
  } as const;
  const [standard] = listSpace(buildResult({ tier: 'on-demand', predicted }, { engine: 'v8', node: '24' }));
  t.match(standard, { refused: 'linear memories need 2000 mappings, vm.max_map_count leaves 900' });
  t.match(standard?.bars, [{ name: 'linear memories', left: null }]);
  t.ok(near(standard?.bars[0]?.bytes ?? 0, 9.77 * TiB));
  t.end();
});

t.test('what the kernel shows stands apart from the model', (t) => {
  const { host } = buildResult();
  const kernel = host?.proof?.kernel;
  const memory = kernel?.memory;
  if (host?.proof == null || kernel === undefined || memory === undefined) throw new Error('no proof');
  const { proof } = host;
  const seenOf = (layout: Layout) =>
    listSpace(
      buildResult({ host: { ...host, proof: { ...proof, kernel: { ...kernel, memory: layout } } } }),
    ).at(-1);
  t.match(seenOf(memory), {
    title: 'conservative, as the kernel shows it',
    refused: null,
    bars: [
      { name: 'memory pool', bytes: memory.mappingBytes },
      { name: 'tables and stacks', bytes: memory.writableBytes },
      { name: 'the whole process', bytes: proof.virtualBytes },
    ],
  });
  t.match(seenOf({ ...memory, slots: null, writableBytes: 0 })?.bars, [
    { name: 'a linear memory' },
    { name: 'the whole process' },
  ]);
  t.end();
});

t.test('another host has the pool of its options, and its largest mappings', async (t) => {
  const run = await readRun('results/reference/requests');
  const results = await collectResults(run.results());
  const spin = results.find(({ settings, tier }) => settings.subject === 'spin-sizes' && tier === 'standard');
  t.ok(spin);
  if (spin === undefined) return;
  t.match(listSpace(spin)[0], { title: 'standard, by the model', bars: [{ name: 'memory pool' }] });
  t.match(listSpace(spin).at(-1), { title: 'standard, as the kernel shows it' });
  const settings = { ...spin.settings, subject: 'of-the-matrix' };
  const { subject: _, ...unseen }: Result = spin;
  t.same(listSpace({ ...unseen, settings }), [], 'of a program that the model does not know');
  t.end();
});

t.test('the panel draws them to one logarithmic scale, with the limits as lines', (t) => {
  const limited = { ...facts, addressBits: 47, addressSpaceLimit: 8 * GiB };
  t.same(listSpaceLimits(buildResult({ facts: limited })), [
    { name: 'address space', bytes: 128 * TiB, left: null },
    { name: 'RLIMIT_AS', bytes: 8 * GiB, left: null },
  ]);
  const page = formats.html.render(viewOf([buildResult({ facts: limited })], record));
  t.match(page, 'Dashed: address space 128.00 TiB, RLIMIT_AS 8192 MiB.');
  t.match(page, /<span>table pool<\/span>\s*<span class="of">✗ 1531 MiB<\/span>/);
  t.match(page, /<rect class="lacks" width="37.8" height="10" \/>/, 'log2(1531 MiB) of 28 steps');
  t.match(page, '<path class="limit" d="M26.5 0v10" />', 'log2(172 MiB)');
  t.match(page, '<path class="outer" d="M46.4 0v10" />', 'log2(8 GiB)');
  const unread = formats.html.render(viewOf([buildResult({ facts: null })], record));
  t.match(unread, 'conservative, as the kernel shows it');
  t.ok(!/, by the model|Dashed/.test(unread), 'without facts the model says nothing');
  t.end();
});
