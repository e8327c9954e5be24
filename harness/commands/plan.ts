/** `poolproof plan` */
import { once } from 'node:events';
import type { Prediction } from '../../images/allocator/prediction.ts';
import { describeShortfall } from '../../images/allocator/explain.ts';
import { PoolproofError } from '../errors.ts';
import { planMatrix, type PlannedCell } from '../library/plan-matrix.ts';
import { loadDurations } from '../library/stored-runs.ts';
import { formatCommand } from '../machine/spec.ts';
import type { Matrix } from '../matrix/cell.ts';
import { findMatrix } from '../matrix/find-matrix.ts';
import { loadMatrix } from '../matrix/load.ts';
import { selectCells } from '../matrix/select.ts';
import { renderExpectation } from '../outcome/expect.ts';
import { checkMatrix } from '../plan/check-architecture.ts';
import { isTooLarge } from '../plan/check-memory.ts';
import { ciFormats, renderCiMatrix } from '../plan/ci-matrix.ts';
import { readPromisedMib } from '../plan/computer.ts';
import { buildMachineSpec } from '../plan/machine-spec.ts';
import { bootKey } from '../plan/order.ts';
import { imagesOf } from '../plan/requirements.ts';
import { planShards } from '../plan/shard.ts';
import { emulatorOf, prepare } from '../run/prepare.ts';
import { formatCoverage } from '../report/format-coverage.ts';
import { formatCount } from '../report/format-run.ts';
import { cacheOption, notifyOf, type Context } from './context.ts';

type Options = Readonly<{
  results?: string;
  cache?: string | undefined;
  only?: readonly string[] | undefined;
  commands?: boolean | undefined;
  format?: string | undefined;
  shards?: number | undefined;
  durations?: string | undefined;
  json?: boolean | undefined;
}>;

function describe({ startup, tiers, tier, outcome }: Prediction): string {
  const stop = startup ?? tiers.flatMap((one) => (one.fits ? [] : [one.shortfall]))[0];
  const word = tier ?? outcome;
  return stop === undefined ? word : `${word} (${describeShortfall(stop)})`;
}

function renderLine({ cell, boot, predicted, skipped }: PlannedCell, json: boolean): string {
  const { id, repetition, expectation } = cell;
  const expected = expectation === null ? null : renderExpectation(expectation);
  if (json) return `${JSON.stringify({ id, repetition, boot, expected, predicted, skipped })}\n`;
  const words =
    skipped !== null ? `skipped (${skipped})` : predicted === null ? 'not predicted' : describe(predicted);
  return `${id}  boot ${boot}  ${words}${expected === null ? '' : `  expected: ${expected}`}\n`;
}

export async function plan(context: Context, args: readonly string[], options: Options): Promise<number> {
  const loaded = await loadMatrix(findMatrix(args[0]));
  const matrix = selectCells(loaded, options.only ?? []);
  checkMatrix(matrix);
  const { format, json = false } = options;
  if (format !== undefined) {
    context.out(await renderJobs(matrix, format, options));
    return 0;
  }
  const promisedMib = await readPromisedMib();
  let [cells, boots, tooLarge] = [0, 0, 0];
  // A plan may have a hundred thousand lines: they go out as fast as they are read, and no faster.
  let pending = '';
  for (const planned of planMatrix(matrix)) {
    cells += 1;
    boots = Math.max(boots, planned.boot);
    tooLarge += Number(isTooLarge(planned.cell, promisedMib));
    pending += renderLine(planned, json);
    if (pending.length < 65_536) continue;
    if (!context.stdout.write(pending)) await once(context.stdout, 'drain');
    pending = '';
  }
  context.out(pending);
  if (!json) {
    for (const line of matrix.coverage === null ? [] : formatCoverage(matrix.coverage))
      context.out(`${line}\n`);
    context.out(
      `${formatCount(cells, 'cell')}, ${formatCount(boots, 'boot')}; predicted from the settings, not yet from a guest\n`,
    );
    if (tooLarge > 0)
      context.err(
        `${formatCount(tooLarge, 'cell')} of more memory than the kernel here promises a process, ${Math.floor(promisedMib)} MiB: run refuses them\n`,
      );
  }
  if (options.commands) await printCommands(context, matrix, cacheOption(options));
  return 0;
}

/** The jobs of a sharded run, as a CI reads them. */
async function renderJobs(
  matrix: Matrix,
  format: string,
  { results = 'results', durations: run, shards = 4 }: Options,
): Promise<string> {
  const ciFormat = ciFormats.find((name) => name === format);
  if (ciFormat === undefined)
    throw new PoolproofError('USAGE', `--format ${format}: there are ${ciFormats.join(' and ')}`);
  const durations = run === undefined ? new Map<string, number>() : await loadDurations(results, run);
  return renderCiMatrix(ciFormat, planShards(matrix.cells(), shards, durations));
}

/** One command a machine; the channels are inherited sockets, see harness/machine/README.md. */
async function printCommands(context: Context, matrix: Matrix, cacheDir: string): Promise<void> {
  const { onImageEvent } = notifyOf(context);
  const prepared = await (context.seams?.prepare ?? prepare)(matrix.cells(), {
    cacheDir,
    onImageEvent,
  });
  const shown = new Set<string>();
  for (const { settings } of matrix.cells()) {
    const built = prepared.images.get(imagesOf(settings));
    if (built === undefined || shown.has(bootKey(settings))) continue;
    shown.add(bootKey(settings));
    const { qemu, accelerator } = emulatorOf(prepared, settings);
    const machine = { qemu: qemu.path, accelerator: accelerator.accelerator };
    context.out(`${formatCommand(buildMachineSpec(settings, built, machine), { kind: 'boot' })}\n`);
  }
}
