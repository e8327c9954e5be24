import t from 'tap';
import { benchPlantedRequests } from './serve.ts';

// Our host settles before each sample, three seconds: `bench serve` has all three of it.
const plans = [
  ['wasmtime-serve', [0, 10, 50]],
  ['wasm-host', [0, 50]],
] as const;

for (const [host, percents] of plans) {
  t.test(
    `planted work of ${percents.join(', ')} % more in ${host} is found within 3 points in CPU time per request`,
    async (t) => {
      const figures = await benchPlantedRequests(percents, [host]);
      t.equal(figures.length, percents.length);
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
