/** `poolproof plan` */
import { once } from 'node:events';
import type { Prediction } from '../../images/allocator/prediction.ts';
import { describeShortfall } from '../../images/allocator/explain.ts';
import { formatCommand } from '../machine/spec.ts';
import type { Cell } from '../matrix/cell.ts';
import { loadMatrix } from '../matrix/load.ts';
import { selectCells } from '../matrix/select.ts';
import { renderExpectation } from '../outcome/expect.ts';
import { estimateCell } from '../outcome/predict-cell.ts';
import { buildMachineSpec } from '../plan/machine-spec.ts';
import { bootKey } from '../plan/order.ts';
import { prepare } from '../run/prepare.ts';
import { PoolproofError } from '../errors.ts';
import { ciFormats, renderCiMatrix } from '../plan/ci-matrix.ts';
import { planShards } from '../plan/shard.ts';
import { cacheOption, countOption, listOption, textOption, type Context } from './context.ts';
import { loadDurations } from './durations.ts';
import { renderImageEvent } from './image-notices.ts';

/** Predictions by what they depend on: repetitions and THP ask the same question again and again. */
const known = new Map<string, Prediction | null>();
const knownLimit = 10_000;

/** What `plan` says of a cell. The model knows the wasm host and nothing else: null for another subject. */
export function predict({ settings }: Pick<Cell, 'settings'>): Prediction | null {
  const { thp: _thp, cpus: _cpus, kernel: _kernel, ...asked } = settings;
  const key = JSON.stringify(asked);
  const before = known.get(key);
  if (before !== undefined) return before;
  if (known.size >= knownLimit) known.clear();
  const prediction = estimateCell(settings);
  known.set(key, prediction);
  return prediction;
}

function describe(prediction: Prediction): string {
  const stop = prediction.startup ?? firstShortfall(prediction);
  const word = prediction.tier ?? prediction.outcome;
  return stop === null ? word : `${word} (${describeShortfall(stop)})`;
}

function firstShortfall({ tiers }: Prediction): Prediction['startup'] {
  for (const tier of tiers) if (!tier.fits) return tier.shortfall;
  return null;
}

export async function plan(
  context: Context,
  args: readonly string[],
  options: Readonly<Record<string, unknown>>,
): Promise<number> {
  const loaded = await loadMatrix(args[0] ?? 'matrices/default.yaml');
  const matrix = selectCells(loaded, listOption(options, 'only'));
  const format = textOption(options, 'format');
  if (format !== undefined) {
    const ciFormat = ciFormats.find((name) => name === format);
    if (ciFormat === undefined) {
      throw new PoolproofError('USAGE', `--format ${format}: there are ${ciFormats.join(' and ')}`);
    }
    const from = textOption(options, 'durations');
    const durations =
      from === undefined
        ? new Map<string, number>()
        : await loadDurations(textOption(options, 'results') ?? 'results', from);
    const count = countOption(options, 'shards') ?? 4;
    context.out(renderCiMatrix(ciFormat, planShards(matrix.cells(), count, durations)));
    return 0;
  }
  const boots = new Map<string, number>();
  let cells = 0;
  // A plan may have a hundred thousand lines: they go out as fast as they are read, and no faster.
  let pending = '';
  const print = async (line: string): Promise<void> => {
    pending += line;
    if (pending.length < 65_536) return;
    if (!context.stdout.write(pending)) await once(context.stdout, 'drain');
    pending = '';
  };
  for (const cell of matrix.cells()) {
    cells += 1;
    const key = bootKey(cell.settings);
    const boot = boots.get(key) ?? boots.size + 1;
    boots.set(key, boot);
    const prediction = predict(cell);
    const words = prediction === null ? 'not predicted' : describe(prediction);
    const expected = cell.expectation === null ? null : renderExpectation(cell.expectation);
    if (options['json'] === true) {
      await print(
        `${JSON.stringify({ id: cell.id, repetition: cell.repetition, boot, expected, predicted: prediction })}\n`,
      );
    } else {
      await print(
        `${cell.id}  boot ${boot}  ${words}${expected === null ? '' : `  expected: ${expected}`}\n`,
      );
    }
  }
  context.out(pending);
  if (options['json'] !== true) {
    context.out(`${cells} cells, ${boots.size} boots; predicted from the settings, not yet from a guest\n`);
  }
  if (options['commands'] === true) await printCommands(context, matrix.cells(), cacheOption(options));
  return 0;
}

/** One command a machine; the channels are inherited sockets, see harness/machine/README.md. */
async function printCommands(context: Context, cells: Iterable<Cell>, cacheDir: string): Promise<void> {
  const firsts = new Map<string, Cell>();
  for (const cell of cells) {
    const key = bootKey(cell.settings);
    if (!firsts.has(key)) firsts.set(key, cell);
  }
  const prepared = await prepare(cells, {
    cacheDir,
    onImageEvent: (event) => context.err(renderImageEvent(event)),
  });
  for (const { settings } of firsts.values()) {
    const images = prepared.images.get(settings.kernel);
    if (images === undefined) continue;
    const { accelerator } = prepared.accelerator;
    const spec = buildMachineSpec(settings, images, { qemu: prepared.qemu.path, accelerator });
    context.out(`${formatCommand(spec, { kind: 'boot' })}\n`);
  }
}
