/** `poolproof explain <cell or report>`: ten lines for a ticket, from a stored result or, without one, from a guest. */
import { PoolproofError } from '../errors.ts';
import { explainResult } from '../field/explanation.ts';
import { renderMapping } from '../field/map.ts';
import { endCodes } from '../field/reproduce.ts';
import { findResult, parseCellName, type CellName } from '../field/results.ts';
import { describeAct } from '../field/symptom.ts';
import { formatCellId } from '../matrix/cell-id.ts';
import { plainLine } from '../outcome/plain-text.ts';
import type { Result } from '../store/result.ts';
import { cacheOption, textOption, type Context } from './context.ts';
import { isReport, openReport, openTrialRunner, endWith, type OpenReport } from './field-context.ts';

export async function explain(
  context: Context,
  args: readonly string[],
  options: Readonly<Record<string, unknown>>,
): Promise<number> {
  const [text, ...others] = args;
  if (text === undefined || others.length > 0)
    throw new PoolproofError('USAGE', 'expected one cell id or field report');
  let name: CellName;
  let reported: OpenReport | null = null;
  if (await isReport(text)) {
    reported = await openReport(text, cacheOption(options));
    const { found, settled } = reported;
    const { settings, mappings } = found;
    name = { id: formatCellId(settings), settings, run: null };
    for (const mapping of mappings.filter(({ how }) => how !== 'exact'))
      context.out(`${plainLine(renderMapping(mapping))}\n`);
    if (settled !== null) return endWith(context, settled);
  } else name = parseCellName(text);
  const stored = await findResult(textOption(options, 'results') ?? 'results', name);
  if (stored === null) context.err(`no stored result of ${name.id}; booting a guest\n`);
  const result =
    stored ??
    (await (
      await openTrialRunner(context, options, { title: 'explain', cold: true, once: false })
    )(name.settings));
  for (const line of reported === null ? [] : describeExplained(reported, result))
    context.out(`${plainLine(line)}\n`);
  for (const line of explainResult(result)) context.out(`${line}\n`);
  return 0;
}

/** Which failure the lines after these explain: the reported one, or another that the guest had in its place. */
function describeExplained({ symptom, compare }: OpenReport, result: Result): readonly string[] {
  const compared = compare(result);
  if (symptom === null || compared === null) return [];
  const reported = `reported: ${describeAct(symptom.act)}: ${symptom.text}`;
  return endCodes[compared.end] === 0
    ? [reported, `explained: the same, ${compared.end} in a guest`]
    : [reported, `explained: not that, ${compared.end} in a guest: ${compared.because.join('; ')}`];
}
