import t from 'tap';
import { reportOf } from '../fixtures/field/reports.ts';
import { mapReport } from './map.ts';

const gib = 2 ** 30;

t.test("sizes come from the number in Wasmtime's refusal, for programs that are not Spin", (t) => {
  const rows: readonly (readonly [words: readonly string[], output: readonly string[], settings: object])[] =
    [
      [
        ['freenet'],
        ['mmap failed to reserve 0x104000000 bytes'],
        { allocator: 'on-demand', reservation: 4 * gib, guard: 32 * 2 ** 20, profile: 'wasmtime' },
      ],
      [
        ['yara-x', 'scan'],
        ['unable to create memory: mmap failed to reserve 0x200000000 bytes'],
        { allocator: 'on-demand', reservation: 4 * gib, guard: 2 * gib },
      ],
      [
        ['wasmcloud'],
        ['failed to create memory pool mapping', '0: mmap failed to reserve 0x3efd2000000 bytes'],
        { allocator: 'auto', memories: null },
      ],
      [
        ['gear'],
        ['0: mmap failed to reserve 0x5dc80000000 bytes'],
        { allocator: 'auto', memories: 1000, guard: 2 * gib, reservation: 4 * gib },
      ],
      [['node-template'], ['0: mmap failed to reserve 0x3080000000 bytes'], { memories: 32, guard: 2 * gib }],
      [
        ['shim'],
        ['failed to create table pool mapping', 'mmap failed to allocate 0x61a80000 bytes'],
        { tables: 10_000, tableElements: 20_000 },
      ],
      // The cause alone, as a log that was cut has it.
      [['shim'], ['mmap failed to allocate 0x61a80000 bytes'], { tables: 10_000, tableElements: 20_000 }],
      [['shim'], ['mmap failed to allocate 0x13880000 bytes'], { tables: 2000, tableElements: 20_000 }],
      [['shim'], ['mmap failed to allocate 0x3e9f4000 bytes'], { stacks: 500 }],
      [
        ['shim'],
        ['failed to create stack pool mapping', 'mmap failed to allocate 0x3e9f4000 bytes'],
        { stacks: 500 },
      ],
    ];
  for (const [words, output, settings] of rows) {
    const found = mapReport(reportOf({ words, output, node: 'notFound', space: 3 * gib }));
    t.match(found.settings, { engine: 'wasmtime', profile: 'wasmtime', ...settings }, output.join());
    t.match(
      found.mappings.find(({ standIn }) => standIn),
      { found: words[0], why: /Wasmtime's own pool sizes stands for/ },
    );
  }
  const spin = mapReport(
    reportOf({
      words: ['spin', 'up'],
      output: ['failed to create table pool mapping', 'mmap failed to allocate 0x5fb40000 bytes'],
    }),
  );
  t.match(spin.settings, { profile: 'spin', tables: null, allocator: 'auto' });
  const odd = mapReport(reportOf({ words: ['x'], output: ['mmap failed to reserve 0x104001000 bytes'] }));
  t.match(
    odd.mappings.find(({ why }) => /no known sizes/.test(why ?? '')),
    { how: 'approximated' },
  );
  t.end();
});
