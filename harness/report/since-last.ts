/** What changed since last time, of several runs: the newest of each matrix beside those before it. */
import type { RunRecord } from '../store/run-record.ts';
import { findVaried } from './axis-labels.ts';
import { type Comparison, compareRuns } from './compare.ts';
import { type ChangeGroup, groupChanges } from './compare-render.ts';
import { prepareDescriptions } from './describe-cells.ts';
import { formatCount } from './format-run.ts';
import { groupBy } from './group-by.ts';
import { type CellHistory, buildHistory } from './history.ts';
import { indexRuns } from './history-index.ts';
import { matrixKey } from './merge-runs.ts';
import type { RunView } from './run-view.ts';

export type SinceLast = Readonly<{
  newest: RunRecord;
  /** The newest of those it is compared with. */
  before: RunRecord;
  /** How many there are. */
  older: number;
  comparison: Comparison;
  groups: readonly ChangeGroup[];
  /** Of the cells that changed: through all runs, these two and those before them. */
  histories: readonly CellHistory[];
}>;

/** An entry per matrix that was run twice and more; of each cell of the older runs the newest result counts. */
export function findChanges(given: readonly RunView[]): readonly SinceLast[] {
  return [...groupBy(given, matrixKey).values()].flatMap((runs) => {
    // Parts of one run have one id.
    const byId = [...groupBy(runs, ({ record }) => record.id).values()].sort((a, b) =>
      a[0].record.startedAt < b[0].record.startedAt ? 1 : -1,
    );
    const [now = [], last = []] = byId;
    const [newest, before] = [now[0]?.record, last[0]?.record];
    if (newest === undefined || before === undefined) return [];
    const comparison = compareRuns({ runs: byId.slice(1).flat() }, { runs: now });
    const ids = new Set(comparison.changes.map(({ id }) => id));
    const histories = buildHistory(indexRuns(runs), ids);
    // By the cells that there are, not by those that changed: "all cells" means all.
    const cells = now.flatMap((part) => part.cells);
    const describe = prepareDescriptions(cells, findVaried(cells));
    const groups = groupChanges(comparison).map((group) => {
      const own = new Set(group.ids);
      return { ...group, where: describe(comparison.changes.filter(({ id }) => own.has(id))) };
    });
    return [{ newest, before, older: byId.length - 1, comparison, groups, histories }];
  });
}

/** `36 cells compared with the newest of 2 older runs: 30 the same, 4 worse, 2 better; 1 new.` */
export function describeChanges({ comparison, older }: Pick<SinceLast, 'comparison' | 'older'>): string {
  const { compared, unchanged, changes, added, missing } = comparison;
  const count = (direction: string): number =>
    changes.filter((change) => change.direction === direction).length;
  const parts = [
    [unchanged, 'the same'],
    [count('worse'), 'worse'],
    [count('better'), 'better'],
    [count('other'), 'different'],
  ] as const;
  const others = [
    ...(added.length === 0 ? [] : [`${added.length} new`]),
    ...(missing.length === 0 ? [] : [`${missing.length} of the older runs only`]),
  ];
  const words = parts.filter(([number]) => number > 0).map(([number, word]) => `${number} ${word}`);
  const of = older === 1 ? 'the run before' : `the newest results of ${formatCount(older, 'older run')}`;
  return `${[`${formatCount(compared, 'cell')} compared with ${of}: ${words.join(', ') || 'none'}`, ...others].join('; ')}.`;
}
