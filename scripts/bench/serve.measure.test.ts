import t from 'tap';
import { benchPlantedRequests } from './serve.ts';

t.test('planted work of 0, 10 and 50 % more is found within 3 points in CPU time per request', async (t) => {
  const figures = await benchPlantedRequests([0, 10, 50], ['wasmtime-serve']);
  t.equal(figures.length, 3);
  for (const { host, plantedPercent, foundPercent, low, high, invalid } of figures) {
    const words = `${host}, ${plantedPercent} %: ${foundPercent} [${low}, ${high}]`;
    t.ok(Math.abs(foundPercent - plantedPercent) < 3, words);
    t.equal(invalid, null);
  }
});
