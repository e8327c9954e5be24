/** `poolproof fix <cell>`: the least invasive change that brings a tier back, proven in a guest. */
import { stat } from 'node:fs/promises';
import { PoolproofError } from '../errors.ts';
import { findFix, reached, type Tried } from '../field/fix.ts';
import { mapReport } from '../field/map.ts';
import { loadFieldReport } from '../field/report.ts';
import { listObstacles } from '../field/reproduce.ts';
import { parseCellName } from '../field/results.ts';
import { formatCellId } from '../matrix/cell-id.ts';
import type { Settings } from '../axes/table.ts';
import { plainLine } from '../outcome/plain-text.ts';
import type { Result } from '../store/result.ts';
import { tierOption } from './bisect.ts';
import type { Context } from './context.ts';
import { loadFieldImages, openTrialRunner } from './field-context.ts';

const seen = ({ tier, outcome, reason }: Result): string => plainLine(`${tier ?? outcome}: ${reason}`, 300);

/** The cell, or null when facts of a report that decide have no axis: a cure would be proven for another machine. */
async function openSettings(context: Context, name: string): Promise<Settings | null> {
  const isReport =
    /\.ya?ml$/.test(name) ||
    (await stat(name).then(
      (found) => found.isFile(),
      () => false,
    ));
  if (!isReport) return parseCellName(name).settings;
  const { settings, mappings } = mapReport(await loadFieldReport(name), await loadFieldImages());
  const obstacles = listObstacles(mappings);
  for (const obstacle of obstacles) context.out(`${plainLine(obstacle)}\n`);
  return obstacles.length > 0 ? null : settings;
}

/** Exit code: 0 proven (or nothing to fix), 1 no cure found, 2 the case cannot be had here. */
export async function fix(
  context: Context,
  args: readonly string[],
  options: Readonly<Record<string, unknown>>,
): Promise<number> {
  const [name, ...others] = args;
  if (name === undefined || others.length > 0)
    throw new PoolproofError('USAGE', 'one cell id or field report');
  const wanted = tierOption(options, 'standard');
  const settings = await openSettings(context, name);
  if (settings === null) {
    context.out('cannot be reproduced here\n');
    return 2;
  }
  const runTrial = await openTrialRunner(context, options, { title: 'fix', cold: true, once: true });
  const before = await runTrial(settings);
  context.out(`cell: ${formatCellId(settings)}\nnow: ${seen(before)}\n`);
  if (reached(before, wanted)) {
    context.out(`nothing to fix: ${wanted} is reached\n`);
    return 0;
  }
  const { cure, refuted, useless } = await findFix(settings, wanted, runTrial);
  const say = ({ candidate, result }: Tried): string => `  ${candidate.change}: ${seen(result)}\n`;
  if (cure === null) {
    context.out(`no cure found for ${wanted}\n`);
  } else {
    const { candidate, result } = cure;
    context.out(`fix: ${candidate.change}\ncosts: ${candidate.cost}\nproven: ${seen(result)}\n`);
    context.out(`cell: ${formatCellId(candidate.settings)}\n`);
  }
  if (refuted.length > 0)
    context.out(`the model believed in these, guests did not:\n${refuted.map(say).join('')}`);
  if (useless.length > 0) context.out(`recommended, and of no use here:\n${useless.map(say).join('')}`);
  return cure === null ? 1 : 0;
}
