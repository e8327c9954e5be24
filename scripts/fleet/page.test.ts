/** The published figures of a fleet. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import t from 'tap';
import { type FleetBenchRecord, renderFleetPage, type SimulationRecord } from './page.ts';

const reference = path.join(import.meta.dirname, '../../results/reference');
const read = async (name: string): Promise<unknown> =>
  JSON.parse(await readFile(path.join(reference, name), 'utf8'));

const simulation = (await read('fleet.json')) as SimulationRecord;
const bench = (await read('fleet-bench.json')) as FleetBenchRecord;

t.test('a million cells on a hundred machines end within a tenth of the bound', (t) => {
  const largest = simulation.simulations.find(
    ({ cells, machines }) => cells === 1_000_000 && machines === 100,
  );
  t.match(largest, { lost: 0, doubled: 0, broken: largest?.deadly });
  const { seconds = Infinity, boundSeconds = 0 } = largest ?? {};
  t.ok(seconds > boundSeconds && seconds < 1.1 * boundSeconds, `${seconds} s, bound ${boundSeconds} s`);
  t.end();
});

t.test('the page has a row per simulation and per benchmark, and says what breaks first', (t) => {
  const page = renderFleetPage(simulation, bench);
  t.match(page, /^\| 100 \| 1,000,000 \| \d+ \| \d+ \| \d+ \| \d\.\d % \| 0 \| 0 \| 5 \| 5 \|$/m);
  t.match(page, /^\| 10,000 \| on disk \| \d\.\d\d \| [^|]+ \| \d+ \| \d\d\.\d % \| /m);
  t.match(page, /Behind the first 1,000 cells, .* costs \d\.\d\d ms with results on disk/);
  t.match(page, /^## What breaks first\n\nThe coordinator, one process: at \d\.\d\d ms per cell/m);
  t.end();
});
