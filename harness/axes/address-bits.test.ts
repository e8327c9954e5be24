import t from 'tap';
import { parseFacts } from '../../images/allocator/parse-facts.ts';
import { buildLimits, buildMachine, compareSettings, estimateSettings } from './guest-settings.ts';
import { defaultSettings, type Settings } from './table.ts';

const settingsOf = (some: Partial<Settings>): Settings => ({ ...defaultSettings(), ...some });
const compare = (settings: Settings, facts: Partial<ReturnType<typeof parseFacts>>) =>
  compareSettings(settings, { ...parseFacts({}), ...facts }).find(({ axis }) => axis === 'addressBits');

t.test('on riscv64 a narrow address space is a mode of the processor, and needs no limit', (t) => {
  const sv39 = settingsOf({ arch: 'riscv64', addressBits: 38 });
  t.same(buildMachine(sv39).kernelWords, ['no4lvl', 'no5lvl']);
  t.same(buildMachine({ ...sv39, addressBits: 47 }).kernelWords, ['no5lvl']);
  t.notOk('kernelWords' in buildMachine({ ...sv39, addressBits: null }));
  t.notMatch(buildLimits(sv39), { v: /./ });
  t.match(estimateSettings(sv39), { addressBits: 38, addressSpaceLimit: null });
  t.match(compare(sv39, { addressBits: 38, addressSpaceLimit: null }), { ok: true, standIn: undefined });
  t.match(
    compare(sv39, { addressBits: 38, addressSpaceLimit: 2 ** 33 }),
    { ok: true, standIn: undefined },
    'a limit of its own beside it stands in for nothing',
  );
  t.match(compare(sv39, { addressBits: 47, addressSpaceLimit: null }), { ok: false });
  const sv57 = { ...sv39, addressBits: 56 };
  t.match(compare(sv57, { addressBits: 56, addressSpaceLimit: null }), { ok: true, standIn: undefined });
  t.match(compare(sv57, { addressBits: 47, addressSpaceLimit: null }), { ok: false }, 'a QEMU without it');
  t.match(
    compare(sv39, { addressBits: null, addressSpaceLimit: 2 ** 38 }),
    { ok: true },
    'a limit is a limit, whatever the processor has',
  );
  t.end();
});

t.test('widths that no mode has, and other architectures, get a limit of that size', (t) => {
  for (const some of [
    { arch: 'riscv64', addressBits: 39 },
    { arch: 'arm64', addressBits: 39 },
    { addressBits: 39 },
  ] as const) {
    const settings = settingsOf(some);
    t.notOk('kernelWords' in buildMachine(settings));
    t.match(buildLimits(settings), { v: String(2 ** 29) });
    t.match(estimateSettings(settings), { addressSpaceLimit: 2 ** 39 });
    t.match(compare(settings, { addressBits: 47, addressSpaceLimit: 2 ** 39 }), { ok: true, standIn: true });
    t.match(
      compare(settings, { addressBits: 38, addressSpaceLimit: 2 ** 39 }),
      { ok: false },
      'there are fewer',
    );
  }
  t.end();
});
