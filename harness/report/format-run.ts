/** The sentences about a run that every report has: its counts, and the meaning of its exit code. */
import { tiers } from '../../images/allocator/tier.ts';
import { outcomes } from '../outcome/outcome.ts';
import type { ExitCode } from './exit-code.ts';
import type { RunView } from './run-view.ts';

/** `1 cell`, `2 cells` */
export const formatCount = (count: number, noun: string): string =>
  `${count} ${noun}${count === 1 ? '' : 's'}`;

/** `A CPU (1 core, Debian 12, Linux 6.1.0)`: where a time was measured. */
export const formatMachine = ({
  cpuModel,
  cores,
  os,
  kernel,
}: Readonly<{ cpuModel: string; cores: number; os: string; kernel: string }>): string =>
  `${cpuModel} (${formatCount(cores, 'core')}, ${os}, Linux ${kernel})`;

const exitMeanings: Readonly<Record<ExitCode, string>> = {
  0: 'every cell did what was expected',
  1: 'some cell did not do what was expected',
  2: 'some cell has no verdict',
  130: 'interrupted; continue with --resume',
};

/** The last line: `exit 0: every cell did what was expected`, with a warning where some are undecided. */
export function formatExit({ exitCode, counts, flaky, state: { missingSentence } }: RunView): string {
  const { undecided, unexpected, none } = counts.byVerdict;
  const meaning = exitMeanings[exitCode];
  if (exitCode === 2 && missingSentence !== null)
    return `exit 2: ${missingSentence}${none > counts.byOutcome.skipped ? `; ${meaning}` : ''}`;
  if (exitCode === 0 && flaky.length > 0) {
    const cells = formatCount(flaky.length, 'flaky cell');
    return `exit 0: every other cell did what was expected; warning: ${cells} (--fail-on-flaky: exit 1)`;
  }
  if (undecided === 0 || exitCode === 130) return `exit ${exitCode}: ${meaning}`;
  const cells = `${undecided} cell${undecided === 1 ? ' is' : 's are'} undecided`;
  if (exitCode === 0) return `exit 0: ${meaning}; warning: ${cells} (--strict: exit 1)`;
  return exitCode === 1 && unexpected === 0
    ? `exit 1: ${cells} (--strict)`
    : `exit ${exitCode}: ${meaning}; ${cells}`;
}

/** `36 cells: 36 reached (27 standard, 9 conservative); 36 as expected` */
export function formatCounts({ counts, flaky }: Pick<RunView, 'counts' | 'flaky'>): string {
  const { total, byOutcome, byTier, byBasis, byVerdict, findings, restarts } = counts;
  const reached = tiers.filter((tier) => byTier[tier] > 0).map((tier) => `${byTier[tier]} ${tier}`);
  const unproven = (['seen', 'told'] as const).flatMap((basis) =>
    byBasis[basis] > 0 ? [`${byBasis[basis]} ${basis}`] : [],
  );
  const tierWords = [reached.join(', '), ...(unproven.length > 0 ? [unproven.join(', ')] : [])].join('; ');
  const happened = outcomes
    .filter((outcome) => byOutcome[outcome] > 0)
    .map(
      (outcome) =>
        `${byOutcome[outcome]} ${outcome}${outcome === 'reached' && tierWords !== '' ? ` (${tierWords})` : ''}`,
    );
  const notable: readonly (readonly [count: number, text: string])[] = [
    [byVerdict.unexpected, 'unexpected'],
    [byVerdict.undecided, 'undecided'],
    [byVerdict.none, 'without a verdict'],
    [flaky.length, 'flaky'],
    [findings, 'not as the model predicted'],
  ];
  const verdicts = [
    `${byVerdict.expected} as expected`,
    ...notable.flatMap(([count, text]) => (count > 0 ? [`${count} ${text}`] : [])),
  ];
  const { count, hung } = restarts;
  const again = count === 0 ? '' : `; ${formatCount(count, 'machine')} started again, ${hung} hung`;
  return `${formatCount(total, 'cell')}: ${happened.join(', ') || 'none'}; ${verdicts.join(', ')}${again}`;
}

/** `2026-11-24 00:18 UTC`; other text is returned unchanged. */
export const formatTime = (iso: string): string =>
  iso.replace(/^(\d{4}-\d\d-\d\d)T(\d\d:\d\d).*Z$/, '$1 $2 UTC');

/** `8 s`, `1m 20s`, `2h 05m` */
export function formatElapsed(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const pad = (value: number) => String(value).padStart(2, '0');
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${pad(seconds % 60)}s`;
  return `${Math.floor(seconds / 3600)}h ${pad(Math.floor((seconds % 3600) / 60))}m`;
}
