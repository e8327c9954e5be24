import t from 'tap';
import { identifyCpu, listCores } from './cpu-identity.ts';

const intel = (fields: Readonly<Record<string, string>> = {}): string =>
  Object.entries({
    processor: '0',
    vendor_id: 'GenuineIntel',
    'cpu family': '6',
    model: '143',
    'model name': 'Intel(R) Xeon(R) Platinum',
    stepping: '8',
    microcode: '0x2b000590',
    'cpu MHz': '2600.000',
    flags: 'fpu vme rtm vmx',
    bogomips: '5200.00',
    ...fields,
  })
    .map(([name, value]) => `${name}\t: ${value}\n`)
    .join('');

t.test(
  'another CPU, microcode or kernel is another identity, another clock rate or processor is none',
  (t) => {
    const known = identifyCpu(`${intel()}\n${intel({ processor: '1' })}`, '6.1.0');
    const rows: readonly (readonly [string, string, string, boolean])[] = [
      ['a measured rate', intel({ 'cpu MHz': '800.000', bogomips: '5199.9' }), '6.1.0', true],
      ['one processor more', `${intel()}\n${intel()}\n${intel()}`, '6.1.0', true],
      ['microcode that hides TSX', intel({ microcode: '0x2b0005c0', flags: 'fpu vme vmx' }), '6.1.0', false],
      ['another stepping', intel({ stepping: '6' }), '6.1.0', false],
      ['AMD', intel({ vendor_id: 'AuthenticAMD' }), '6.1.0', false],
      ['another kernel, and with it another KVM', intel(), '6.12.0', false],
    ];
    for (const [title, cpuinfo, release, same] of rows)
      t.equal(identifyCpu(cpuinfo, release) === known, same, title);
    t.end();
  },
);

t.test('cores of two kinds, and KVM that hides virtualisation from guests, are other identities', (t) => {
  const [large, small] = [intel(), intel({ processor: '1', 'model name': 'E-core', flags: 'fpu vme' })];
  t.equal(listCores(`${large}\n${intel({ processor: '1' })}`).length, 1);
  t.equal(listCores(`${large}\n${small}`).length, 2);
  t.same(listCores(''), []);
  t.not(identifyCpu(`${large}\n${small}`, '6.1.0'), identifyCpu(large, '6.1.0'));
  t.not(identifyCpu(large, '6.1.0', ['Y\n']), identifyCpu(large, '6.1.0', ['N\n']));
  t.equal(identifyCpu(large, '6.1.0', ['Y\n']), identifyCpu(large, '6.1.0', ['Y']));
  t.end();
});

t.test('an arm64 processor is told apart by its implementer and part', (t) => {
  const arm = (part: string): string => `processor\t: 0\nFeatures\t: fp asimd\nCPU part\t: ${part}\n`;
  t.not(identifyCpu(arm('0xd0c'), '6.1.0'), identifyCpu(arm('0xd40'), '6.1.0'));
  t.end();
});
