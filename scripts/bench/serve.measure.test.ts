import t from 'tap';
import { benchPlantedRequests } from './serve.ts';

// Our host settles before its samples: with it this takes many minutes, so that `bench planted-requests` has both.
t.test('planted work of 0, 10 and 50 % more is found within 3 points in CPU time per request', async (t) => {
  const figures = await benchPlantedRequests([0, 10, 50], ['wasmtime-serve']);
  t.equal(figures.length, 3);
  for (const { plantedPercent, foundPercent, low, high, invalid } of figures) {
    t.ok(
      Math.abs(foundPercent - plantedPercent) < 3,
      `${plantedPercent} %: ${foundPercent} [${low}, ${high}]`,
    );
    t.equal(invalid, null);
  }
});
