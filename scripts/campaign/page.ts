/** Outcomes of a campaign → a page. Pure. */
import type { FakeRow, FleetRow, GuestRow, Outcome } from './table.ts';

export type About = Readonly<{
  seed: number;
  /** The command that repeats it. */
  command: string;
  /** The environment, one line per fact. */
  machine: readonly string[];
  minutes: number;
  date: string;
}>;

type Row = Pick<GuestRow | FakeRow | FleetRow, 'name' | 'target' | 'way' | 'does'>;

const sum = (outcomes: readonly Outcome[], of: (outcome: Outcome) => number | boolean): number =>
  outcomes.reduce((total, outcome) => total + Number(of(outcome)), 0);

const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
};

const columns: readonly Readonly<{ title: string; of: (outcomes: readonly Outcome[]) => number }>[] = [
  { title: 'faults', of: (outcomes) => outcomes.length },
  {
    title: 'passed',
    of: (outcomes) => sum(outcomes, (each) => each.failures.length === 0 && each.skipped === null),
  },
  { title: 'failed', of: (outcomes) => sum(outcomes, (each) => each.failures.length > 0) },
  { title: 'skipped', of: (outcomes) => sum(outcomes, (each) => each.skipped !== null) },
  { title: 'too late', of: (outcomes) => sum(outcomes, (each) => each.missed) },
  { title: 'refused', of: (outcomes) => sum(outcomes, (each) => each.refused) },
  { title: 'cells right', of: (outcomes) => sum(outcomes, (each) => each.right) },
  { title: 'no verdict', of: (outcomes) => sum(outcomes, (each) => each.silent) },
  { title: 'seconds', of: (outcomes) => median(outcomes.map((each) => each.seconds)) },
];

function renderRows(rows: readonly Row[], outcomes: readonly Outcome[]): string {
  const head = ['fault', 'of', 'how', 'what is done', ...columns.map(({ title }) => title)];
  const body = rows.map((row) => {
    const own = outcomes.filter((each) => each.row === row.name);
    return [`\`${row.name}\``, row.target, row.way, row.does, ...columns.map(({ of }) => String(of(own)))];
  });
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const rule = head.map((_title, index) => (index < 4 ? '---' : '---:'));
  return [line(head), line(rule), ...body.map(line)].join('\n');
}

/** The last line of a campaign, on the terminal and on the page. */
export function summarize(outcomes: readonly Outcome[]): string {
  const [faults, passed, failed, skipped] = columns.map(({ of }) => of(outcomes));
  const real = outcomes.filter(({ id }) => id.startsWith('real-')).length;
  return `${faults ?? 0} faults, ${real} of them over real guests: ${passed ?? 0} passed, ${failed ?? 0} failed, ${skipped ?? 0} skipped`;
}

export function renderPage(
  about: About,
  { real, fake, fleet }: Readonly<{ real: readonly Row[]; fake: readonly Row[]; fleet: readonly Row[] }>,
  outcomes: readonly Outcome[],
): string {
  const failed = outcomes.filter(({ failures }) => failures.length > 0);
  const skipped = outcomes.filter((each) => each.skipped !== null);
  return `# A campaign of faults

${summarize(outcomes)}. Seed ${about.seed}, ${about.date}, ${about.minutes} minutes.

A fault passes when every verdict is right or there is none, the exit code is that of the cells (or that of what the
fault took from the computer), each cell has one line at most and, where the run is resumed, exactly one with the right verdict, and no process and no file is left.
[scripts/campaign/](../../scripts/campaign/README.md) says how it is done.

    ${about.command}

${about.machine.map((line) => `- ${line}`).join('\n')}

_too late_: the run ended before the moment of the fault came. _refused_: the harness would not go on, as it must. _seconds_:
the median of a fault.

<!-- prettier-ignore-start -->

## Over real guests

${renderRows(real, outcomes)}

## Over fake machines

${renderRows(fake, outcomes)}

## On fleets

${renderRows(fleet, outcomes)}

<!-- prettier-ignore-end -->
${failed.length === 0 ? '' : `\n## Failed\n\n${failed.map(renderFailure).join('\n')}\n`}${
    skipped.length === 0
      ? ''
      : `\n## Skipped\n\n${[...new Set(skipped.map((each) => `- \`${each.row}\`: ${each.skipped ?? ''}`))].join('\n')}\n`
  }`;
}

const renderFailure = ({ id, row, drawn, failures }: Outcome): string =>
  `- ${id}, \`${row}\`: ${JSON.stringify(drawn)}\n${failures.map((text) => `  - ${JSON.stringify(text)}`).join('\n')}`;
