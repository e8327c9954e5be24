/** `poolproof fix <cell>`: the least invasive change that restores a tier, proven in a guest. */
import { describeShortfall } from '../../images/allocator/explain.ts';
import { tiers, type Tier } from '../../images/allocator/tier.ts';
import { PoolproofError } from '../errors.ts';
import { type Fix, findFix, reached, type Tried } from '../field/fix.ts';
import { renderMapping } from '../field/map.ts';
import type { FactMapping } from '../field/mapping.ts';
import { moveToHost } from '../field/real-host.ts';
import { listRaisesOf } from '../field/raised-limits.ts';
import { endCodes, type Reproduction } from '../field/reproduce.ts';
import { parseCellName } from '../field/results.ts';
import { formatCellId } from '../matrix/cell-id.ts';
import type { Settings } from '../axes/table.ts';
import { plainLine } from '../outcome/plain-text.ts';
import { tierOption } from './bisect.ts';
import type { Result } from '../store/result.ts';
import { cacheOption, type Context } from './context.ts';
import { isReport, openReport, openTrialRunner, seen, endWith, untilInterrupted } from './field-context.ts';

/** A cell, or one of a report with the tier that its failure is about; or the end that needs no guest. */
type Ailing = Readonly<{
  settings: Settings;
  wanted: Tier;
  settled: Reproduction | null;
  /** Release of the Spin of a report. */
  spin: string | null;
  /** What stands for the program of a report, for people. */
  standsFor: string | null;
  /** Compares what a guest did with the reported failure; null where there is none to compare with. */
  compare: (result: Result) => Reproduction | null;
  /** Facts that decide and are not met as they are. */
  approximated: readonly FactMapping[];
}>;

async function openAiling(name: string, cacheDir: string): Promise<Ailing> {
  if (!(await isReport(name)))
    return {
      ...moveToHost(null, parseCellName(name).settings),
      settled: null,
      compare: () => null,
      approximated: [],
    };
  const { host, settled, compare, found } = await openReport(name, cacheDir);
  const approximated = found.mappings.filter(({ how, decides }) => how === 'approximated' && decides);
  return { ...host, settled, compare, approximated };
}

/**
 * Exit code: 0 proven (or nothing to fix), 1 no cure found or another failure in the guest, 2 the case cannot be had
 * here, 130 interrupted.
 */
export async function fix(
  context: Context,
  args: readonly string[],
  options: Readonly<Record<string, unknown>>,
): Promise<number> {
  const [name, ...others] = args;
  if (name === undefined || others.length > 0)
    throw new PoolproofError('USAGE', 'expected one cell id or field report');
  const {
    settings,
    settled,
    wanted: meant,
    spin,
    standsFor,
    compare,
    approximated,
  } = await openAiling(name, cacheOption(options));
  const wanted = tierOption(options, meant);
  if (settled !== null) return endWith(context, settled);
  context.out(describeStands(approximated, standsFor));
  const runTrial = await openTrialRunner(context, options, { title: 'fix', cold: true, once: true });
  const before = await runTrial(settings);
  context.out(`cell: ${formatCellId(settings)}\nnow: ${seen(before)}\n`);
  const compared = compare(before);
  // What cures another failure is no cure of the reported one.
  if (compared !== null && endCodes[compared.end] !== 0) return endWith(context, compared);
  if (reached(before, wanted)) {
    const works = before.tier === null ? 'it works in the guest' : `${wanted} is reached`;
    context.out(`nothing to fix: ${works}\n`);
    return 0;
  }
  const tried: Readonly<Record<keyof Fix, Tried[]>> = { cure: [], refuted: [], useless: [] };
  const found = await untilInterrupted(
    findFix(
      settings,
      wanted,
      runTrial,
      {
        onTry: ({ change }) => context.err(`trying ${change}\n`),
        onTried: (kind, one) => {
          tried[kind].push(one);
          if (kind === 'cure') context.out(describeCure(one) + describeRest(before, one));
        },
      },
      spin,
    ),
  );
  const none = tried.cure.length === 0;
  const what = before.tiers.length === 0 ? 'this failure' : wanted;
  if (none) context.out(`no cure found for ${what}${found === undefined ? ' so far' : ''}\n`);
  context.out(
    listTried('predicted to help, but failed in a guest', tried.refuted) +
      listTried('recommended, and of no use here', tried.useless),
  );
  if (found === undefined) {
    context.out('interrupted: what would have been tried next is not known\n');
    return 130;
  }
  return none ? 1 : 0;
}

/** What is not met as the report tells it. */
function describeStands(approximated: readonly FactMapping[], standsFor: string | null): string {
  const lines = approximated.map((mapping) => plainLine(renderMapping(mapping)));
  if (standsFor !== null) lines.push(`tried on: ${standsFor}`);
  return lines.map((line) => `${line}\n`).join('');
}

function listTried(title: string, all: readonly Tried[]): string {
  const lines = all.map(({ candidate, result }) => `  ${candidate.change}: ${seen(result)}\n`);
  return lines.length === 0 ? '' : `${title}:\n${lines.join('')}`;
}

function describeCure({ candidate: { change, cost, also, settings }, result }: Tried): string {
  const other = also === undefined ? '' : `or: ${also}\n`;
  return `fix: ${change}\ncosts: ${cost}\nproven: ${seen(result)}\n${other}cell: ${formatCellId(settings)}\n`;
}

/** The tiers that stay out of reach after the cure, and the limits to raise for them. */
function describeRest(before: Result, { result: { tier } }: Tried): string {
  const [whole] = tiers;
  if (tier === null || tier === whole) return '';
  return listRaisesOf(before, whole)
    .map(({ shortfall, change, also }) => {
      const raise = change === null ? 'nothing on this machine helps' : change;
      return `out of reach: ${whole}, ${describeShortfall(shortfall)}; ${raise}${also === null ? '' : `; ${also}`}\n`;
    })
    .join('');
}
