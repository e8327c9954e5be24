/**
 * A fleet in virtual time: `node dist/scripts/fleet/main.js [--json FILE] [--machines N --cells N] [--seed N]`. Without
 * numbers it simulates three sizes, up to a million cells on a hundred machines.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { SimulationRecord } from './page.ts';
import { type Scenario, simulateFleet } from './simulate.ts';

const { values } = parseArgs({
  options: {
    json: { type: 'string' },
    machines: { type: 'string' },
    cells: { type: 'string' },
    seed: { type: 'string', default: '1' },
  },
});

const usual = { seed: Number(values.seed), cellsPerBoot: 1000, faultsPerHour: 0.2, deadly: 5, losses: 1 };

const sizes: readonly Pick<Scenario, 'machines' | 'cells'>[] =
  values.machines === undefined && values.cells === undefined
    ? [
        { machines: 10, cells: 100_000 },
        { machines: 100, cells: 100_000 },
        { machines: 100, cells: 1_000_000 },
      ]
    : [{ machines: Number(values.machines ?? 100), cells: Number(values.cells ?? 1_000_000) }];

const simulations = sizes.map((size) => {
  const figures = simulateFleet({ ...usual, ...size });
  process.stdout.write(`${JSON.stringify(figures)}\n`);
  return figures;
});
const date = new Date().toISOString().slice(0, 10);
if (values.json !== undefined)
  writeFileSync(
    values.json,
    `${JSON.stringify({ date, simulations } satisfies SimulationRecord, null, 1)}\n`,
  );
