import t from 'tap';
import { parseFacts } from '../../images/allocator/parse-facts.ts';
import { defaultSettings } from '../axes/table.ts';
import type { Settings } from '../axes/table.ts';
import { settingsUnder, wantLimits, type Limits } from './limits.ts';
import { overridesOf } from './pool-overrides.ts';

const settings: Settings = { ...defaultSettings(), overcommit: 2 };
const strict: Limits = { ...parseFacts({}), overcommitMemory: 2, maxMapCount: 65_530 };

t.test('every limit a cell can set is lifted for the baseline, but not a narrow address space', (t) => {
  const limited: Settings = {
    ...settings,
    maxMapCount: 500,
    addressSpace: 2 ** 33,
    dataLimit: 2 ** 32,
    cgroupMemory: 2 ** 28,
  };
  const open = { overcommitMemory: 1, maxMapCount: 262_144, dataLimit: null, cgroupMemoryMax: null } as const;
  t.match(settingsUnder('lifted', limited, strict), {
    overcommit: 1,
    maxMapCount: 262_144,
    addressSpace: null,
    dataLimit: null,
    cgroupMemory: null,
  });
  t.same(wantLimits(limited, strict).lifted, { ...open, addressSpaceLimit: null });
  const narrow: Settings = { ...limited, addressBits: 39 };
  t.equal(settingsUnder('lifted', narrow, strict).addressBits, 39);
  t.same(wantLimits(narrow, strict).lifted, { ...open, addressSpaceLimit: 2 ** 39 });
  t.same(settingsUnder('cell', { ...settings, maxMapCount: null }, strict).maxMapCount, 65_530);
  t.equal(settingsUnder('cell', limited, strict).cgroupMemory, 2 ** 28);
  t.end();
});

t.test('parameters are those of the tier that was asked for', (t) => {
  const few: Settings = { ...settings, memories: 4, reservation: 2 ** 27 };
  const room = { addressSpaceLimit: 2 ** 33, addressBits: 48 };
  const facts = { ...parseFacts({}), ...room };
  const standard = { tier: 'standard', checks: 'explicit' } as const;
  const conservative = { tier: 'conservative', checks: 'explicit' } as const;
  const overrides = { parameters: { memories: 4, reservation: 2 ** 27 }, room };
  t.same(overridesOf(few, standard, facts), overrides);
  t.equal(overridesOf(few, conservative, facts), null, 'what a host falls back to stays as it is');
  t.same(overridesOf({ ...few, allocator: 'conservative' }, conservative, facts), overrides);
  t.equal(overridesOf({ ...few, env: { SPIN_WASMTIME_POOLING: '0' } }, standard, facts), null);
  t.equal(overridesOf(settings, standard, facts), null);
  t.equal(overridesOf({ ...few, engine: 'v8' }, standard, facts), null, 'V8 has no parameters');
  t.end();
});
