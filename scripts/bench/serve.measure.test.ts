import t from 'tap';
import { benchPlantedRequests } from './serve.ts';

for (const host of ['wasmtime-serve', 'wasm-host'] as const) {
  t.test(
    `planted work of 0, 10 and 50 % more in ${host} is found within 3 points in CPU time per request`,
    async (t) => {
      const figures = await benchPlantedRequests([0, 10, 50], [host]);
      t.equal(figures.length, 3);
      for (const { plantedPercent, foundPercent, low, high, invalid } of figures) {
        t.ok(
          Math.abs(foundPercent - plantedPercent) < 3,
          `${plantedPercent} %: ${foundPercent} [${low}, ${high}]`,
        );
        t.equal(invalid, null);
      }
    },
  );
}
