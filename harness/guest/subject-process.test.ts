import t from 'tap';
import type { Reply } from '../../images/guest/protocol.ts';
import { readSubjectProcess } from './subject-process.ts';

const texts = {
  '/proc/meminfo': 'Committed_AS:       4928 kB',
  'process/maps':
    '7f1770021000-7f1774000000 ---p 00000000 00:00 0 \n' +
    '55b1518af000-55b15393c000 r-xp 00c4f000 fe:00 1009                   /srv/a program\n' +
    '7b27a0020000-7f1770000000 ---p 00000000 00:00 0 ',
  'process/count': '2078 3',
  '//proc/157/status':
    'Name:\ta b\nVmPeak:\t4229638768 kB\nVmSize:\t4229638768 kB\nVmHWM:\t   23284 kB\nVmRSS:\t   23280 kB\nVmData:\t 2217836 kB',
  '//proc/157/stat': '157 (a) b) S 156 157 157 0 -1 4194304 1013 7 12 8 0 0 0 0 20 0 5 0',
  '//proc/meminfo': 'MemTotal: 480284 kB\nCommitted_AS:    12000 kB',
};
const values = { peak: '23300', minor: '1100', major: '13' };
const read = (changes: Partial<Pick<Reply, 'texts' | 'values'>> = {}) =>
  readSubjectProcess({ seq: 1, ok: true, values, texts, data: {}, ...changes });
const KiB = 1024;

t.test('a process is its sizes, its faults and its largest mappings', (t) => {
  t.strictSame(read(), {
    up: {
      name: 'a b',
      processes: 3,
      virtualBytes: 4229638768 * KiB,
      writableBytes: 2217836 * KiB,
      residentBytes: 23280 * KiB,
      peakResidentBytes: 23284 * KiB,
      maps: 2078,
      largest: [
        { bytes: 0x7f1770000000 - 0x7b27a0020000, protection: '---p', name: '' },
        { bytes: 0x7f1774000000 - 0x7f1770021000, protection: '---p', name: '' },
        { bytes: 0x55b15393c000 - 0x55b1518af000, protection: 'r-xp', name: '/srv/a program' },
      ],
      minorFaults: 1013,
      majorFaults: 12,
      committedBytes: 12000 * KiB,
    },
    end: { peakResidentBytes: 23300 * KiB, minorFaults: 1100, majorFaults: 13 },
  });
  t.end();
});

t.test('a process that ended while it was looked at has no view', (t) => {
  for (const path of Object.keys(texts).filter(
    (path) => path !== '/proc/meminfo' && path !== 'process/maps',
  )) {
    const { [path as keyof typeof texts]: _, ...others } = texts;
    t.match(read({ texts: others }), { up: null, end: { minorFaults: 1100 } }, path);
  }
  t.match(read({ texts: { ...texts, '//proc/157/status': 'Name:\tx\nState:\tZ (zombie)' } }), { up: null });
  t.end();
});

t.test('a session that lost a process of its own, or says nothing, gives no account', (t) => {
  t.match(read({ values: { ...values, lost: '1' } }), { end: null });
  t.equal(read({ texts: {}, values: {} }), null);
  t.end();
});
