/** Each fault of a fleet once, on real processes and a real Redis. */
import t from 'tap';
import { needsFleet } from '../../harness/fixtures/fleet-lab.ts';
import { randomOf } from './draw.ts';
import { fleetRows } from './fleet-rows.ts';
import { playFleet } from './play-fleet.ts';

// Most of a fault is waiting.
t.jobs = 3;

for (const row of fleetRows) {
  t.test(
    `every cell ends once and right although ${row.does}`,
    { buffered: true, ...needsFleet },
    async (t) => {
      const scene = row.draw(randomOf(1, 'fleet', 0));
      const { failures, right, silent } = await playFleet(scene);
      t.same(failures, [], scene.drawn);
      t.equal(right + silent, scene.cells);
    },
  );
}
