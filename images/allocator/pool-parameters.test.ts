import t from 'tap';
import { resolveTierConfiguration } from './configuration.ts';
import { parseFacts } from './parse-facts.ts';
import { formatParameters, parametersFor, parseParameters, type PoolParameters } from './pool-parameters.ts';
import { predictHost } from './predict.ts';
import { GiB, KiB, MiB } from './sizes.ts';
import type { AllocatorChoice } from './tier.ts';

const facts = {
  ...parseFacts({}),
  memTotal: 480 * MiB,
  overcommitMemory: 0,
  maxMapCount: 65_530,
  addressBits: 47,
} as const;

t.test('parameters are written in one order and read again, and nothing else is read', (t) => {
  const text = 'memories=16,tables=2,stacks=0,guard=65536';
  t.equal(formatParameters(parseParameters('guard=65536,stacks=0,tables=2,memories=16')), text);
  t.same(parseParameters(''), {});
  for (const wrong of [
    'slots=1',
    'memories',
    'memories=-1',
    'memories=1.5',
    'memories=1e9',
    '__proto__=1',
    'memories=$(id)',
  ])
    t.throws(() => parseParameters(wrong), { code: 'BAD_PARAMETER' }, wrong);
  t.end();
});

t.test('the tier asked for is shaped, what a host falls back to is not', (t) => {
  const parameters = { memories: 3 };
  t.same(parametersFor('standard', 'auto', parameters), parameters);
  t.same(parametersFor('conservative', 'auto', parameters), {});
  t.same(parametersFor('conservative', 'conservative', parameters), parameters);
  t.end();
});

t.test('bounds checks are left out where reservation and guard hold every 32-bit index', (t) => {
  const checksOf = (parameters: PoolParameters) =>
    resolveTierConfiguration('standard', {
      engine: { kind: 'wasmtime', version: '50.0.1' },
      profile: 'spin',
      env: {},
      facts,
      parameters,
    }).checks;
  t.equal(checksOf({}), 'elided');
  // Measured on 32.0.0 and 50.0.1: of 4 GiB in all, the last three bytes of a word at the last index lie behind.
  t.equal(checksOf({ guard: 0 }), 'explicit');
  t.equal(checksOf({ guard: 64 * KiB }), 'elided');
  t.equal(checksOf({ reservation: 4 * GiB - 64 * KiB, guard: 64 * KiB }), 'explicit');
  t.equal(checksOf({ reservation: 128 * MiB, guard: 64 * KiB }), 'explicit');
  t.end();
});

t.test('what parameters do, as seen in guests of 512 MB', (t) => {
  const word = (parameters: PoolParameters, choice: AllocatorChoice = 'auto', more: object = {}): string => {
    const { outcome, tier, checks, tiers } = predictHost({
      facts: { ...facts, ...more },
      engine: { kind: 'wasmtime', version: '50.0.1' },
      node: '22.23.3',
      profile: 'spin',
      choice,
      env: {},
      parameters,
    });
    const stop = tiers.flatMap((one) => (one.fits ? [] : [one.shortfall]))[0];
    return [tier ?? outcome, checks, stop && `${stop.pool} ${stop.limit}`].filter(Boolean).join(', ');
  };
  t.equal(word({ reservation: 128 * MiB }), 'conservative, elided, memory feature', 'below max_memory_size');
  t.equal(word({ reservation: 128 * MiB, maxMemory: 128 * MiB, guard: 64 * KiB }), 'standard, explicit');
  t.equal(word({ maxMemory: MiB }), 'standard, elided', 'the canary need not grow');
  t.equal(word({ maxMemory: MiB - 64 * KiB }), 'conservative, elided, memory feature', 'it begins larger');
  t.equal(word({ memories: 0 }), 'conservative, elided, memory feature');
  t.equal(word({ memories: 1_000_000 }), 'conservative, elided, memory address width');
  t.equal(word({ stacks: 40_000 }), 'conservative, elided, stack-guards max_map_count');
  t.equal(word({ tableElements: 5 }, 'conservative'), 'exhausted, table feature');
  t.equal(
    word({ guard: 2 * GiB }, 'on-demand', { addressSpaceLimit: 8 * GiB }),
    'exhausted, linear-memory RLIMIT_AS',
  );
  t.equal(word({ reservation: 0 }, 'on-demand'), 'on-demand, explicit');
  t.end();
});
