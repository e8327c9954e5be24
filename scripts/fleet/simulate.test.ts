/** A small fleet in virtual time, with faults of every kind. */
import t from 'tap';
import { type Scenario, simulateFleet } from './simulate.ts';

const small: Scenario = {
  seed: 3,
  machines: 5,
  cells: 2000,
  cellsPerBoot: 200,
  faultsPerHour: 3,
  deadly: 1,
  losses: 1,
};

t.test('no cell is lost or ends twice, and no run is faster than its bound', (t) => {
  const figures = simulateFleet(small);
  t.match(figures, { lost: 0, doubled: 0, boots: 10 });
  t.ok(figures.seconds >= figures.boundSeconds, `${figures.seconds} s, bound ${figures.boundSeconds} s`);
  t.equal(figures.broken, small.deadly, 'those that ran beside them are not to blame');
  t.end();
});

t.test('without faults every cell has a result, and the same seed gives the same run', (t) => {
  const calm = { ...small, faultsPerHour: 0, deadly: 0, losses: 0 };
  const { cpuMsPerCell: _one, ...figures } = simulateFleet(calm);
  const { cpuMsPerCell: _other, ...again } = simulateFleet(calm);
  t.match(figures, { lost: 0, doubled: 0, broken: 0 });
  t.same(again, figures);
  t.end();
});
