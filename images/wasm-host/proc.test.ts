import { readFileSync } from 'node:fs';
import t from 'tap';
import { readMaps, sumMapLines } from './proc.ts';

t.test('mappings are summed by protection, largest first', (t) => {
  const text = [
    '00400000-00401000 r-xp 00000000 fe:00 1 /bin/a b\n',
    '7f0000000000-7f0000200000 rw-p 00000000 00:00 0 \n',
    '7f0000200000-7f0000201000 ---p 00000000 00:00 0 \n',
    '7f0000201000-7f0000401000 rw-p 00000000 00:00 0 \n',
    'ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]\n',
  ].join('');
  t.same(sumMapLines(Buffer.from(text)), [
    { protection: 'rw-p', bytes: 2 * 2 ** 21, count: 2 },
    { protection: 'r-xp', bytes: 4096, count: 1 },
    { protection: '---p', bytes: 4096, count: 1 },
    { protection: '--xp', bytes: 4096, count: 1 },
  ]);
  t.same(sumMapLines(Buffer.alloc(0)), []);
  t.end();
});

t.test('this process has code it can execute and memory it can write', (t) => {
  const mappings = sumMapLines(readFileSync('/proc/self/maps'));
  const seen = mappings.map(({ protection }) => protection);
  t.ok(seen.includes('r-xp'));
  t.ok(seen.includes('rw-p'));
  const { count, mappings: summed } = readMaps();
  t.ok(count > 50);
  t.equal(summed.length > 0, count <= 1000, 'thousands are counted only');
  t.end();
});
