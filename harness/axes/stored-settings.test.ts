import t from 'tap';
import { renewAxisName, storedSettings } from './stored-settings.ts';
import { defaultSettings, rowsOf, axes } from './table.ts';

const first = Object.fromEntries(
  rowsOf(axes)
    .filter(({ since }) => since === 1)
    .map((row) => [row.name, row.default]),
);

t.test('axes younger than a stored line have their default', (t) => {
  t.same(storedSettings().parse(first), defaultSettings());
  t.notOk(storedSettings().safeParse({}).success, 'those of the first generation are always there');
  t.end();
});

t.test('an axis under a former name is read under its present one', (t) => {
  const settings = storedSettings().parse({ ...first, overcommitKbytes: 2 ** 20, swap: 2 ** 30 });
  t.same(settings, { ...defaultSettings(), overcommitBytes: 2 ** 20, swap: 2 ** 30 });
  t.equal(renewAxisName('overcommitKbytes'), 'overcommitBytes');
  t.equal(renewAxisName('memory'), 'memory');
  t.end();
});

t.test('an optional value that is there and undefined is a default, too', (t) => {
  t.equal(storedSettings().parse({ ...first, swap: undefined }).swap, null);
  t.end();
});
