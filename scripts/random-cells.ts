/**
 * Runs random cells over all axes in guests: each outcome must be the model's. Prints the seed; the same seed draws the
 * same cells again. `node dist/scripts/random-cells.js [--cells 200] [--seed N] [--machines 6] [--jobs N] [--results
 * DIR] [--list]`
 */
import { parseArgs } from 'node:util';
import { resolveCacheFolder } from '../images/cache/cache-folder.ts';
import { buildCases } from '../harness/field/cell-matrix.ts';
import { formatCellId } from '../harness/matrix/cell-id.ts';
import { estimateCell } from '../harness/outcome/predict-cell.ts';
import { runMatrix } from '../harness/run/run.ts';
import type { Result } from '../harness/store/result.ts';
import { drawCells, drawMachines, findUncovered, randomFrom } from '../harness/field/draw-settings.ts';

const { values } = parseArgs({
  options: {
    cells: { type: 'string', default: '200' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    machines: { type: 'string', default: '6' },
    jobs: { type: 'string' },
    results: { type: 'string', default: 'results' },
    list: { type: 'boolean', default: false },
  },
});

const say = (text: string): void => void process.stdout.write(`${text}\n`);
const isSilent = ({ verdict }: Result): boolean => verdict === null;

const seed = Number(values.seed);
const random = randomFrom(seed);
const { cells, close } = drawCells(
  random,
  Number(values.cells),
  drawMachines(random, Number(values.machines)),
);
say(
  `seed ${seed}: ${cells.length} cells; ${close} closer to a limit than the model is exact were drawn anew`,
);
const uncovered = findUncovered(cells);
if (uncovered.length > 0) say(`never away from their default: ${uncovered.join(', ')}`);
if (values.list) {
  for (const settings of cells) {
    const prediction = estimateCell(settings);
    say(`${prediction?.tier ?? prediction?.outcome ?? 'refused'}  ${formatCellId(settings)}`);
  }
  process.exit(0);
}
let ended = 0;
const { results, exitCode, dir } = await runMatrix(
  buildCases(
    `Random cells, seed ${seed}`,
    cells.map((settings) => ({ settings, expect: null })),
  ),
  {
    resultsDir: values.results,
    cacheDir: resolveCacheFolder(),
    ...(values.jobs !== undefined && { jobs: Number(values.jobs) }),
    onNotice: (text) => say(`notice: ${text}`),
    reporters: [
      {
        onCellEnd: (result) => {
          ended += 1;
          const wrong = result.finding !== null || isSilent(result);
          if (wrong) say(`${ended}. ${result.id}\n   ${result.finding ?? result.outcome}: ${result.reason}`);
        },
      },
    ],
    recordOptions: { command: 'random-cells', seed },
  },
);
const findings = results.filter(({ finding }) => finding !== null);
const skipped = results.filter(({ outcome }) => outcome === 'skipped');
const silent = results.filter((result) => isSilent(result) && result.outcome !== 'skipped');
say(
  `${results.length} cells in ${dir}: ${results.length - findings.length - silent.length - skipped.length} as predicted, ` +
    `${findings.length} not, ${silent.length} without a verdict, ${skipped.length} do not apply`,
);
process.exitCode = findings.length > 0 || silent.length > 0 ? Math.max(1, exitCode) : 0;
