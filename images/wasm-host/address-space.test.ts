import { spawnSync } from 'node:child_process';
import t from 'tap';
import { heapBytes, indexAt, mappingAt, parseMaps, sumByProtection, withoutOld } from './address-space.ts';
import type { KernelMoment } from './proc.ts';

const text = [
  '00400000-00401000 r-xp 00000000 fe:00 1 /bin/a b\n',
  '01000000-01021000 rw-p 00000000 00:00 0 [heap]\n',
  '7f0000000000-7f0000200000 rw-p 00000000 00:00 0 \n',
  '7f0000200000-7f0000201000 ---p 00000000 00:00 0 \n',
  '7f0000201000-7f0000401000 rw-p 00000000 00:00 0 \n',
  'ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]\n',
].join('');
const maps = parseMaps(text);

t.test('mappings are summed by protection, largest first', (t) => {
  t.same(sumByProtection(maps), [
    { protection: 'rw-p', bytes: 2 * 2 ** 21 + 0x21000, count: 3 },
    { protection: 'r-xp', bytes: 4096, count: 1 },
    { protection: '---p', bytes: 4096, count: 1 },
    { protection: '--xp', bytes: 4096, count: 1 },
  ]);
  t.same(sumByProtection(parseMaps('')), []);
  t.same(sumByProtection(Array.from({ length: 1001 }, () => maps[0] ?? '')), [], 'thousands are not summed');
  t.equal(heapBytes(maps), 0x21000);
  t.equal(heapBytes([]), 0);
  t.end();
});

t.test('the mapping of an address is found, its first and last byte included, and gaps are none', (t) => {
  const [start, end] = [0x7f0000200000, 0x7f0000201000];
  t.same(mappingAt(maps, start), { start, end, protection: '---p' });
  t.same(mappingAt(maps, end - 1), { start, end, protection: '---p' });
  t.equal(mappingAt(maps, end)?.protection, 'rw-p');
  t.equal(mappingAt(maps, 0x401000), null, 'between two');
  t.equal(mappingAt(maps, 0), null, 'before the first');
  t.equal(mappingAt([], 0), null);
  t.equal(indexAt(maps, 0x7f0000401000), 5, 'behind all of the program');
  t.end();
});

t.test('what was mapped before at the ends of a range is not new', (t) => {
  const before = parseMaps('1000-2000 ---p \n5000-6000 ---p \n9000-a000 rw-p \n');
  t.same(withoutOld({ start: 0x1000, end: 0x6000 }, 0x3000, before), { start: 0x2000, end: 0x5000 });
  t.same(withoutOld({ start: 0x2000, end: 0x5000 }, 0x3000, before), { start: 0x2000, end: 0x5000 });
  t.same(withoutOld({ start: 0x800, end: 0x9800 }, 0x7000, before), { start: 0x6000, end: 0x9000 });
  t.equal(withoutOld({ start: 0x1000, end: 0x6000 }, 0x5800, before), null, 'the address itself is old');
  t.end();
});

t.test('a process has code it can execute and memory it can write, and statm agrees with maps', (t) => {
  // Of a process of its own: this one may have run engines, whose pools are thousands of mappings.
  const program = `
    const { readMoment, readVirtualBytes } = await import(${JSON.stringify(import.meta.resolve('./proc.ts'))});
    console.log(JSON.stringify({ moment: readMoment(), later: readVirtualBytes() }));`;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [...process.execArgv, '--input-type=module', '-e', program],
    { encoding: 'utf8' },
  );
  t.equal(stderr, '');
  const { moment, later } = JSON.parse(stdout) as { moment: KernelMoment; later: number };
  const sums = sumByProtection(moment.maps);
  const seen = sums.map(({ protection }) => protection);
  t.ok(seen.includes('r-xp'));
  t.ok(seen.includes('rw-p'));
  t.ok(moment.maps.length > 50);
  const mapped = sums.reduce((bytes, sum) => bytes + sum.bytes, 0);
  t.ok(Math.abs(mapped - moment.virtualBytes) < 2 ** 26, 'the same process, a moment later');
  t.ok(moment.writableBytes > 0 && moment.writableBytes < moment.virtualBytes);
  t.ok(Math.abs(later - moment.virtualBytes) < 2 ** 30);
  t.end();
});
