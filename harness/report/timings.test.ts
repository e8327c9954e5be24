import t from 'tap';
import { renderTimings, sumPhases } from './timings.ts';

const cells = [
  { timings: { ready: 1000, subject: 3000, 'host.compile': 2500 } },
  { timings: { ready: 3000, subject: 1000 } },
  { timings: { ready: 2000 } },
];

t.test('a part of a phase is not counted twice', (t) => {
  t.same(cells.map(sumPhases), [4000, 4000, 2000]);
  t.equal(sumPhases({ timings: {} }), 0);
  t.end();
});

t.test('a row per phase has its cells, median, 90th percentile, total and share of all time', (t) => {
  const rows = renderTimings(cells)
    .split('\n')
    .filter((line) => /\d/.test(line))
    .map((line) => line.split('│').map((word) => word.trim()))
    .map((words) => words.slice(1, -1));
  t.same(rows[0]?.slice(0, 2), ['phase', 'cells']);
  t.same(rows.slice(1), [
    ['ready', '3', '2000', '2800', '6.0', '60 %'],
    ['subject', '2', '2000', '2800', '4.0', '40 %'],
    ['host.compile', '1', '2500', '2500', '2.5', '25 %'],
  ]);
  t.match(renderTimings([{ timings: { ready: 0 } }]), /ready.*0 %/, 'no time at all has no share');
  t.end();
});
