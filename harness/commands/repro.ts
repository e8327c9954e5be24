/** `poolproof repro`: the failure of a field report, or of a stored cell, once more in a guest. */
import { stat } from 'node:fs/promises';
import writeFileAtomic from 'write-file-atomic';
import { PoolproofError } from '../errors.ts';
import { renderCases } from '../field/cell-matrix.ts';
import { mapReport, renderMapping } from '../field/map.ts';
import type { FactMapping } from '../field/mapping.ts';
import { predictSettings } from '../field/model.ts';
import { loadFieldReport } from '../field/report.ts';
import {
  compareFailure,
  compareModel,
  compareResults,
  endCodes,
  listObstacles,
  type Reproduction,
} from '../field/reproduce.ts';
import { findResult, parseCellName } from '../field/results.ts';
import { signatureOf, symptomOfReport } from '../field/symptom.ts';
import { formatCellId } from '../matrix/cell-id.ts';
import type { Settings } from '../matrix/cell.ts';
import { plainLine } from '../outcome/plain-text.ts';
import type { Result } from '../store/result.ts';
import { textOption, type Context } from './context.ts';
import { openAsk } from './field-context.ts';

type Options = Readonly<Record<string, unknown>>;

/** What is to be reproduced: its cell, and how the guest's answer is held against it. */
type Case = Readonly<{
  settings: Settings;
  mappings: readonly FactMapping[];
  /** What is looked for, for people. */
  looked: string;
  compare: (result: Result) => Reproduction;
}>;

async function isFile(name: string): Promise<boolean> {
  return stat(name).then(
    (found) => found.isFile(),
    () => false,
  );
}

async function openReport(file: string): Promise<Case> {
  const report = await loadFieldReport(file);
  const { settings, mappings } = mapReport(report);
  const symptom = symptomOfReport(report);
  if (symptom !== null) {
    return {
      settings,
      mappings,
      looked: symptom.text,
      compare: (result) => compareFailure(symptom, result, mappings),
    };
  }
  const { command } = report;
  const failed = command !== undefined && command.exit !== 0 && command.exit !== null;
  if (failed) {
    // It failed in words nobody here knows: agreeing with the model would say nothing about that.
    const because = ['the command failed, and no known failure is in its output'];
    return {
      settings,
      mappings,
      looked: 'an unknown failure',
      compare: () => ({ end: 'cannot be reproduced here', because }),
    };
  }
  const prediction = predictSettings(settings);
  return {
    settings,
    mappings,
    looked: 'what the model says of these facts',
    compare: (result) => compareModel(prediction, result, mappings),
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
  const prediction = predictSettings(settings);
  return {
    settings,
    mappings: [],
    looked: 'what the model says; no result of this cell is stored',
    compare: (result) => compareModel(prediction, result, []),
  };
}

export async function repro(context: Context, args: readonly string[], options: Options): Promise<number> {
  const [name, ...others] = args;
  if (name === undefined || others.length > 0)
    throw new PoolproofError('USAGE', 'one field report or cell id');
  const file = (await isFile(name)) || /\.ya?ml$/.test(name);
  const { settings, mappings, looked, compare } = file
    ? await openReport(name)
    : await openCell(name, textOption(options, 'results') ?? 'results');
  const id = formatCellId(settings);
  for (const mapping of mappings) context.out(`${plainLine(renderMapping(mapping))}\n`);
  context.out(`cell: ${id}\nlooked for: ${plainLine(looked)}\n`);
  const obstacles = listObstacles(mappings);
  let reproduction: Reproduction = { end: 'cannot be reproduced here', because: obstacles };
  let result: Result | null = null;
  if (obstacles.length === 0) {
    const ask = await openAsk(context, options, { title: 'repro', cold: true, once: false });
    result = await ask(settings);
    context.out(`guest: ${result.tier ?? result.outcome}: ${result.reason}\n`);
    reproduction = compare(result);
  }
  for (const reason of reproduction.because) context.out(`  ${plainLine(reason)}\n`);
  const save = textOption(options, 'save');
  if (save !== undefined && result !== null) await saveCase(save, name, result, reproduction);
  context.out(`${reproduction.end}\n`);
  return endCodes[reproduction.end];
}

/** The case with what was seen, so that the nightly run notices when it goes away. */
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
