import t from 'tap';
import type { Tier } from '../../images/allocator/tier.ts';
import { defaultSettings, type Settings } from '../axes/table.ts';
import { parseMatrix } from '../matrix/load.ts';
import type { Subject } from '../matrix/subject.ts';
import { estimateFacts } from '../plan/estimate-facts.ts';
import { estimateCell, listTierMappings } from './predict-cell.ts';

const gib = 2 ** 30;
const subjectOf = (host: string): Subject => {
  const text = `subject: { name: s, host: ${host}, run: [w, serve, '{options}'] }\naxes: { memory: 1G }`;
  const [cell] = parseMatrix(text, 'm.yaml').cells();
  if (cell?.subject === undefined) throw new RangeError('no subject');
  return cell.subject;
};
const settings = (change: Partial<Settings>): Settings => ({ ...defaultSettings(), subject: 's', ...change });

t.test("a cell of a real host is predicted as the wasm host's is", (t) => {
  const table: readonly (readonly [host: string, change: Partial<Settings>, end: string])[] = [
    ['wasmtime-serve', {}, 'standard'],
    ['wasmtime-serve', { addressSpace: 8 * gib }, 'on-demand'],
    ['wasmtime-serve', { addressSpace: 512 * gib, memories: 100, allocator: 'standard' }, 'conservative'],
    ['wasmtime-serve', { overcommit: 2 }, 'exhausted'],
    ['wasmtime-serve', { overcommit: 2, stacks: 20 }, 'standard'],
    ['spin-sizes', { overcommit: 2 }, 'exhausted'],
    ['spin-sizes', { overcommit: 2, env: { SPIN_MAX_INSTANCE_COUNT: '50' } }, 'conservative'],
  ];
  for (const [host, change, end] of table) {
    const found = estimateCell(settings({ memory: 2 * gib, ...change }), subjectOf(host));
    t.equal(found?.tier ?? found?.outcome, end, `${host} ${JSON.stringify(change)}`);
  }
  const { host: _, ...unknown } = subjectOf('wash');
  t.equal(estimateCell(settings({}), unknown), null, 'without a row there is no prediction');
  t.end();
});

t.test('nothing is predicted where a host would refuse its variables', (t) => {
  const bad = settings({ env: { SPIN_MAX_INSTANCE_COUNT: 'many' } });
  t.equal(estimateCell(bad, subjectOf('spin-sizes')), null);
  t.equal(estimateCell(bad, subjectOf('wasmtime-serve'))?.tier, 'standard', 'it is nothing to wasmtime');
  t.end();
});

t.test('the mappings of a tier are those of its engine, or of the pool of a real host', (t) => {
  const largest = (tier: Tier, change: Partial<Settings> = {}): number => {
    const cell = { ...defaultSettings(), ...change };
    return Math.max(0, ...listTierMappings(tier, cell, estimateFacts(cell)).map(({ bytes }) => bytes));
  };
  t.equal(largest('standard'), 4_328_555_282_432);
  t.equal(largest('on-demand'), 4 * gib + 64 * 2 ** 20);
  t.equal(largest('standard', { engine: 'v8' }), 10 * gib);
  t.equal(largest('standard', { env: { SPIN_MAX_INSTANCE_COUNT: 'many' } }), 0, 'refused by the host');
  t.equal(largest('standard', { subject: 'spin-sizes' }), 4_328_555_282_432);
  t.equal(largest('on-demand', { subject: 'spin-sizes' }), 0, 'it has no pool there');
  t.equal(largest('standard', { subject: 'deno' }), 0, 'the model does not know it');
  t.equal(largest('standard', { subject: 'of a matrix' }), 0);
  t.same(listTierMappings('standard', defaultSettings(), null), [], 'without facts');
  t.end();
});
