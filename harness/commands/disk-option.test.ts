import t from 'tap';
import { readDiskOption } from './disk-option.ts';

t.test('a disk is a name and a path, which may have any character', (t) => {
  t.same(readDiskOption({}), []);
  t.same(readDiskOption({ disk: ['data=./a=b c', 'x.2=/m'] }), [
    { name: 'data', from: './a=b c' },
    { name: 'x.2', from: '/m' },
  ]);
  t.end();
});

t.test('a disk without a path, with a name of the harness, or named twice is refused', (t) => {
  const rows: readonly (readonly [readonly string[], RegExp])[] = [
    [['data'], /^--disk data: name=path is needed/],
    [['data='], /name=path is needed/],
    [['=x'], /1 to 20 letters/],
    [['a/b=x'], /1 to 20 letters/],
    [[`${'a'.repeat(21)}=x`], /1 to 20 letters/],
    [['node-22=x'], /disks of the harness/],
    [['base=x'], /disks of the harness/],
    [['a=x', 'a=y'], /two disks have this name/],
  ];
  for (const [disk, message] of rows) t.throws(() => readDiskOption({ disk }), { code: 'USAGE', message });
  t.end();
});
