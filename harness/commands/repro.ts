/** `poolproof repro`: the failure of a field report, or of a stored cell, once more in a guest. */
import { makeTemporaryFolder } from '../../images/temporary-folder.ts';
import writeFileAtomic from 'write-file-atomic';
import { PoolproofError } from '../errors.ts';
import { renderCases } from '../field/cell-matrix.ts';
import { renderMapping } from '../field/map.ts';
import type { FactMapping } from '../field/mapping.ts';
import {
  compareModel,
  compareResults,
  describeReached,
  endCodes,
  type Reproduction,
} from '../field/reproduce.ts';
import { buildCell, findResult, parseCellName } from '../field/results.ts';
import { describeAct, endOfCommand, signatureOf, type Symptom } from '../field/symptom.ts';
import { formatCellId } from '../matrix/cell-id.ts';
import type { Settings } from '../axes/table.ts';
import { plainLine } from '../outcome/plain-text.ts';
import { estimateCell } from '../outcome/predict-cell.ts';
import { isFailed } from '../store/bundle.ts';
import { unpackBundle } from '../store/bundle-unpack.ts';
import { collectResults, readRun } from '../store/read-run.ts';
import type { Result } from '../store/result.ts';
import { cacheOption, textOption, type Context } from './context.ts';
import { isFile, isReport, openReport, openTrialRunner } from './field-context.ts';
import { openGuestShell } from './guest-shell.ts';
import { reproCase } from './repro-case.ts';

type Options = Readonly<Record<string, unknown>>;

/** The failure to reproduce: its cell, and the comparison with the guest's answer. */
type Case = Readonly<{
  settings: Settings;
  mappings: readonly FactMapping[];
  /** The failure in words. */
  looked: string;
  /** The failure of a report; absent where a stored result is run again. */
  symptom?: Symptom | null;
  /** The end that needs no guest. */
  settled?: Reproduction | null;
  compare: (result: Result) => Reproduction;
}>;

async function openCase(file: string, cacheDir: string): Promise<Case> {
  const { report, found, settled, symptom, compare } = await openReport(file, cacheDir);
  const { settings, mappings } = found;
  const none = endOfCommand(report) === 'failed' ? 'an unknown failure' : 'no failure is reported';
  return {
    settings,
    mappings,
    looked: symptom === null ? none : `${describeAct(symptom.act)}: ${symptom.text}`,
    symptom,
    settled,
    compare: (result) => compare(result) ?? describeReached(estimateCell(settings), result),
  };
}

async function openCell(text: string, resultsDir: string): Promise<Case> {
  const name = parseCellName(text);
  const { settings } = name;
  const stored = await findResult(resultsDir, name);
  if (stored !== null) {
    return {
      settings,
      mappings: [],
      looked: signatureOf(stored),
      compare: (result) => compareResults(stored, result),
    };
  }
  const prediction = estimateCell(settings);
  return {
    settings,
    mappings: [],
    looked: 'the prediction; no result of this cell is stored',
    compare: (result) => compareModel(prediction, result),
  };
}

/** The cells of a bundle: those that failed, else all that were judged. */
async function openBundle(file: string): Promise<readonly Case[]> {
  await using folder = await makeTemporaryFolder();
  const { dir } = await unpackBundle(file, folder.path);
  const judged = (await collectResults((await readRun(dir)).results())).filter(
    ({ verdict }) => verdict !== null,
  );
  const failed = judged.filter(isFailed);
  const chosen = new Map((failed.length > 0 ? failed : judged).map((result) => [result.id, result]));
  if (chosen.size === 0)
    throw new PoolproofError('CELL_NOT_FOUND', 'the bundle has no judged cell', { file });
  return [...chosen.values()].map((stored) => ({
    settings: stored.settings,
    mappings: [],
    looked: signatureOf(stored),
    compare: (result) => compareResults(stored, result),
  }));
}

async function openAll(name: string, options: Options): Promise<readonly Case[]> {
  if (/\.(?:tgz|tar\.gz)$/.test(name)) return openBundle(name);
  if (await isReport(name)) return [await openCase(name, cacheOption(options))];
  return [await openCell(name, textOption(options, 'results') ?? 'results')];
}

export async function repro(context: Context, args: readonly string[], options: Options): Promise<number> {
  const [name, ...others] = args;
  if (name === undefined || others.length > 0)
    throw new PoolproofError('USAGE', 'one field report, case id, cell id or bundle');
  // An id of a case has no `=`, which every cell id has; a report and a bundle are files.
  if (!name.includes('=') && !/\.(?:ya?ml|tgz|tar\.gz)$/.test(name) && !(await isFile(name)))
    return reproCase(context, name, options);
  const cases = await openAll(name, options);
  const codes: number[] = [];
  for (const one of cases) codes.push(await reproOne(context, name, one, options));
  return Math.max(...codes);
}

async function reproOne(context: Context, name: string, one: Case, options: Options): Promise<number> {
  const { settings, mappings, looked, symptom = null } = one;
  const json = options['json'] === true;
  const tell = json ? context.err : context.out;
  const id = formatCellId(settings);
  for (const mapping of mappings) tell(`${plainLine(renderMapping(mapping))}\n`);
  tell(`cell: ${id}\nlooked for: ${plainLine(looked)}\n`);
  const result = one.settled == null ? await runOnce(context, options, settings) : null;
  if (result !== null) tell(`guest: ${result.tier ?? result.outcome}: ${result.reason}\n`);
  const reproduction = one.settled ?? (result === null ? null : one.compare(result));
  if (reproduction === null) throw new RangeError('neither settled nor run');
  for (const reason of reproduction.because) tell(`  ${plainLine(reason)}\n`);
  const save = textOption(options, 'save');
  if (save !== undefined && result !== null) await saveCase(save, name, result, reproduction);
  tell(`${renderSummary(id, symptom, reproduction)}\n${reproduction.end}\n`);
  if (json)
    context.out(`${JSON.stringify({ cell: id, mappings, looked, symptom, ...reproduction, result })}\n`);
  if (options['shell'] === true) await openGuestShell(context, buildCell(settings), options);
  return endCodes[reproduction.end];
}

async function runOnce(context: Context, options: Options, settings: Settings): Promise<Result> {
  const runTrial = await openTrialRunner(context, options, { title: 'repro', cold: true, once: false });
  return runTrial(settings);
}

/** One line for programs: words without blanks, `-` for a missing value. */
export function renderSummary(cell: string, symptom: Symptom | null, { end }: Reproduction): string {
  const fields = {
    end: end.replaceAll(' ', '-'),
    exit: endCodes[end],
    act: symptom?.act ?? '-',
    engine: symptom?.engine ?? '-',
    class: symptom?.class ?? '-',
    cell,
  };
  return `summary: ${Object.entries(fields)
    .map(([key, value]) => `${key}=${value}`)
    .join(' ')}`;
}

/** The case with its observed outcome, so that the nightly run notices when it goes away. */
async function saveCase(
  file: string,
  name: string,
  { settings, tier, outcome, reason }: Result,
  { end }: Reproduction,
): Promise<void> {
  const because = plainLine(`${end}: ${reason}`, 300);
  const expect = tier === null ? { outcome, because } : { tier, because };
  const title = `Field case ${plainLine(name.replace(/^.*\//, ''), 80)}`;
  await writeFileAtomic(file, renderCases(title, [{ settings, expect }]));
}
