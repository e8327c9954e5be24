/** `poolproof explain <cell>`: ten lines for a ticket, from a stored result or, without one, from a guest. */
import { PoolproofError } from '../errors.ts';
import { explainResult } from '../field/explanation.ts';
import { findResult, parseCellName } from '../field/results.ts';
import { textOption, type Context } from './context.ts';
import { openTrialRunner } from './field-context.ts';

export async function explain(
  context: Context,
  args: readonly string[],
  options: Readonly<Record<string, unknown>>,
): Promise<number> {
  const [text, ...others] = args;
  if (text === undefined || others.length > 0) throw new PoolproofError('USAGE', 'one cell id');
  const name = parseCellName(text);
  const stored = await findResult(textOption(options, 'results') ?? 'results', name);
  if (stored === null) context.err(`no stored result of ${name.id}; asking a guest\n`);
  const result =
    stored ??
    (await (
      await openTrialRunner(context, options, { title: 'explain', cold: true, once: false })
    )(name.settings));
  for (const line of explainResult(result)) context.out(`${line}\n`);
  return 0;
}
