import t from 'tap';
import { parseMatrix } from './load.ts';

const text = `axes:
  node: [20, 22]
include:
  - { node: 24, memory: 1G }
cases:
  - id: owner/project#1
    title: it fails
    link: https://example.org/1
    settings: { engine: v8, node: 20, addressSpace: 4G }
    subject: node-start
    expect: { outcome: crashed, error: 'out of memory' }
    because: too little
    gone: [{ settings: { addressSpace: unlimited } }, { settings: { thp: never }, expect: { tier: standard } }]
  - id: never
    cannot: no such machine
`;

t.test('a value has the first place that names it: axes, rows, cases, and where a case is gone', (t) => {
  const { placeOf } = parseMatrix(text, 'm.yaml');
  const at = (axis: string, value: string): unknown => {
    const place = placeOf?.(axis, value);
    return place === undefined || place === null ? null : [place.line, place.column];
  };
  t.same(at('node', '22'), [2, 14]);
  t.same(at('node', '24'), [4, 13]);
  t.same(at('memory', '1G'), [4, 25]);
  t.same(at('addressSpace', '4G'), [9, 53]);
  t.same(at('thp', 'never'), [13, 74]);
  t.equal(at('memory', '2G'), null, 'a default that nobody wrote');
  t.end();
});
