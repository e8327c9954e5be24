/** The overhead page: Markdown from the stored results of a run and from native records. Pure. */
import { findWorkload, workloads } from '../../images/wasm-host/workloads/catalogue.ts';
import { formatBytes } from '../../images/allocator/sizes.ts';
import { escapeMarkdown } from '../report/format-markdown.ts';
import type { Result } from '../store/result.ts';
import type { RunRecord } from '../store/run-record.ts';
import { isBaseline, isMean, type TierResources } from './cell-overhead.ts';
import { claimWords, countClaims, judgeClaim } from './claim.ts';
import { formatFigure } from './format-figure.ts';
import type { NativeRecord } from './native-record.ts';
import { subjectOf } from './share.ts';
import { means, type OverheadSummary } from './summary.ts';

/** One form of a tier in one engine and Node: its figures by both clocks. */
type Row = Readonly<{
  engine: string;
  form: string;
  node: string;
  /** Of the guest; empty where nothing was measured. */
  counted: readonly OverheadSummary[];
  /** Of this form on hardware; its Node may be another one where the engine is not Node's own. */
  timed: readonly OverheadSummary[];
  resources: readonly TierResources[];
  problem: string | null;
}>;

export function renderOverheadPage(
  run: RunRecord,
  results: readonly Result[],
  native: readonly NativeRecord[],
): string {
  const rows = collectRows(results, native);
  const measured = rows.filter(({ counted, timed }) => counted.length + timed.length > 0);
  const proven = measured.filter(({ counted, timed }) => [...counted, ...timed].every(isProven));
  const different = measured.filter((row) => !proven.includes(row));
  const cpus = [...new Set(native.flatMap(({ summaries }) => summaries.map(({ cpuModel }) => cpuModel)))];
  return [
    `# What a tier costs`,
    tellOrigin(run, native, cpus),
    `A figure is how much more a form of a tier needs than \`standard\` does in the same guest or on the same machine. There are two quantities, and no figure mixes them: **instructions** executed by the serving thread, counted in an emulated guest (in brackets the two pairs, an exact count's spread), and **time**, CPU time of the serving thread on the CPU named above (in brackets the 95 % interval over processes). More instructions are not more time: where memory is waited for, checks cost nothing.`,
    `## Does “10–20 %” hold?`,
    tellAnswer(different, proven),
    ...(different.length === 0 ? [] : [tabulateMeans(different)]),
    `“10–20 %” holds where the whole interval lies between, by time where there is one, else by instructions.`,
    `## The same code`,
    proven.length === 0
      ? 'No form ran the same machine code as standard.'
      : `Byte for byte the machine code of \`standard\`: no overhead on memory accesses, by proof and not by measurement.\n\n${proven.map((row) => `- ${escapeMarkdown(titleOf(row))}`).join('\n')}`,
    ...groupByForm(different).flatMap((group) => renderForm(group)),
    ...renderResources(measured),
    ...renderProblems(results, rows),
    '',
  ]
    .join('\n\n')
    .trimEnd()
    .concat('\n');
}

const isProven = ({ sameCode }: OverheadSummary): boolean => sameCode;
const titleOf = ({ engine, form, node }: Row): string => `${engine}, ${form}, Node ${node}`;

function collectRows(results: readonly Result[], native: readonly NativeRecord[]): readonly Row[] {
  const rows = new Map<string, Row>();
  for (const result of results) {
    const subject = subjectOf(result);
    const { host, overhead = [], overheadSource: source } = result;
    if (subject === null || isBaseline(subject) || host === null) continue;
    const engine = `${host.engine.kind} ${host.engine.kind === 'v8' ? '' : host.engine.version}`.trim();
    const row: Row = {
      engine,
      form: `${subject.tier}/${subject.checks}`,
      node: result.settings.node,
      counted: overhead.filter(({ clock }) => clock === 'instructions'),
      timed: [
        ...overhead.filter(({ clock }) => clock === 'time'),
        ...findNative(native, host.engine, result.settings.node, `${subject.tier}/${subject.checks}`),
      ],
      resources: source?.resources ?? [],
      problem: source?.notMeasured.find(({ workload }) => workload === null)?.reason ?? null,
    };
    const key = titleOf(row);
    if ((rows.get(key)?.counted.length ?? 0) === 0) rows.set(key, row);
  }
  return [...rows.values()];
}

/** V8 is that of its Node; libwasmtime is one library, whatever Node loads it. */
function findNative(
  native: readonly NativeRecord[],
  engine: NativeRecord['engine'],
  node: string,
  form: string,
): readonly OverheadSummary[] {
  const fitting = native.filter(({ engine: other }) =>
    other.kind === 'v8'
      ? engine.kind === 'v8'
      : other.kind === engine.kind && other.version === engine.version,
  );
  const sameNode = fitting.filter((record) => record.node.split('.')[0] === node);
  const used = engine.kind === 'v8' ? sameNode : sameNode.length > 0 ? sameNode : fitting.slice(0, 1);
  return used.flatMap(({ summaries }) =>
    summaries.filter((summary) => `${summary.tier}/${summary.form}` === form),
  );
}

function tellOrigin(
  run: RunRecord,
  native: readonly NativeRecord[],
  cpus: readonly (string | null)[],
): string {
  const components = Object.entries(run.images.components).map(([name, version]) => `${name} ${version}`);
  const guests = `Instructions: run ${run.id} of ${run.matrix.file}, ${run.startedAt.slice(0, 10)}, poolproof ${run.tool.version}, QEMU ${run.qemu.version}; in the guests ${components.join(', ')}.`;
  const hosts = native.map(
    ({ engine, node }) => `${engine.kind}${engine.kind === 'v8' ? '' : ` ${engine.version}`} in Node ${node}`,
  );
  const timed =
    hosts.length === 0
      ? 'Time: no record of a real machine was given.'
      : `Time: ${cpus.map((cpu) => cpu ?? 'an unknown CPU').join(', ')}; ${hosts.join(', ')}.`;
  return `${escapeMarkdown(guests)} ${escapeMarkdown(timed)} Generated by \`poolproof report --format overhead\`: change nothing here by hand.`;
}

/** Figures that decide: time where there is one. */
const judgedOf = ({ counted, timed }: Row): readonly OverheadSummary[] =>
  timed.length > 0 ? timed : counted;

const singles = (figures: readonly OverheadSummary[]): readonly OverheadSummary[] =>
  figures.filter((figure) => {
    const kind = findWorkload(figure.workload)?.kind;
    return !isMean(figure) && (kind === 'memory' || kind === 'program');
  });

function tellAnswer(different: readonly Row[], proven: readonly Row[]): string {
  const lines = groupByForm(different).map((group) => {
    const [first] = group;
    const clocks = new Set(group.flatMap((row) => judgedOf(row).map(({ clock }) => clock)));
    return `- **${escapeMarkdown(`${first?.engine ?? ''}, ${first?.form ?? ''}`)}** (by ${[...clocks].join(' and ')}): of the workloads ${countClaims(group.flatMap((row) => singles(judgedOf(row))))}; of the means ${countClaims(group.flatMap((row) => judgedOf(row).filter(isMean)))}.`;
  });
  const same = `- **${proven.length} of ${proven.length + different.length}** combinations of engine, form and Node run the same machine code: 0 %.`;
  return [...lines, same].join('\n');
}

function groupByForm(rows: readonly Row[]): readonly (readonly Row[])[] {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const key = `${row.engine} ${row.form}`;
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return [...groups.values()];
}

function tabulateMeans(rows: readonly Row[]): string {
  const head = [
    'engine',
    'form',
    'Node',
    'memory kernels, instructions',
    'memory kernels, time',
    'real programs, instructions',
    'real programs, time',
    'kernels: 10–20 %?',
    'programs: 10–20 %?',
  ];
  return table(
    head,
    rows.map((row) => [
      row.engine,
      row.form,
      row.node,
      ...[means.memory, means.program].flatMap((mean) => [tell(row.counted, mean), tell(row.timed, mean)]),
      ...[means.memory, means.program].map((mean) => {
        const figure = judgedOf(row).find(({ workload }) => workload === mean);
        return figure === undefined ? '' : claimWords[judgeClaim(figure)];
      }),
    ]),
  );
}

function tell(figures: readonly OverheadSummary[], name: string): string {
  const figure = figures.find(({ workload }) => workload === name);
  if (figure === undefined) return '–';
  return figure.stable ? formatFigure(figure) : `~~${formatFigure(figure)}~~ unstable`;
}

/** Every workload of one form, a column a Node and clock. */
function renderForm(rows: readonly Row[]): readonly string[] {
  const [first] = rows;
  if (first === undefined) return [];
  const known = new Set(
    rows.flatMap(({ counted, timed }) => [...counted, ...timed].map(({ workload }) => workload)),
  );
  const order = [...workloads.map(({ name }) => name), ...Object.values(means)];
  const names = order.filter((name) => known.has(name));
  const columns = (['counted', 'timed'] as const).flatMap((kind) =>
    rows.filter((row) => row[kind].length > 0).map((row) => ({ row, kind })),
  );
  const title = { counted: 'instructions', timed: 'time' } as const;
  return [
    `## ${escapeMarkdown(`${first.engine}: ${first.form}`)}`,
    table(
      [
        'workload',
        'stands for',
        ...columns.map(({ row, kind }) => `Node ${row.node}, ${title[kind]}`),
        '10–20 %?',
      ],
      names.map((name) => [
        name,
        findWorkload(name)?.standsFor ?? '',
        ...columns.map(({ row, kind }) => tell(row[kind], name)),
        [
          ...new Set(
            rows
              .flatMap((row) => judgedOf(row).filter(({ workload }) => workload === name))
              .map((figure) => claimWords[judgeClaim(figure)]),
          ),
        ].join(' / '),
      ]),
    ),
  ];
}

function renderResources(rows: readonly Row[]): readonly string[] {
  const seen = rows.flatMap((row) =>
    row.resources.map((one) => [
      row.engine,
      `${one.tier}/${one.form}`,
      row.node,
      one.startToFirstCall.clock === 'time'
        ? `${Math.round(one.startToFirstCall.ms)} ms`
        : `${(one.startToFirstCall.count / 1e6).toFixed(0)} M instructions`,
      formatBytes(one.residentBytes),
      formatBytes(one.committedBytes),
      formatBytes(one.reservedBytes),
    ]),
  );
  const distinct = new Map(seen.map((cells) => [cells.slice(0, 3).join(), cells] as const));
  if (distinct.size === 0) return [];
  return [
    '## The serving process in each form',
    table(
      ['engine', 'form', 'Node', 'start to first call', 'resident', 'committed', 'reserved'],
      [...distinct.values()],
    ),
  ];
}

/** What is not on this page, and why. */
function renderProblems(results: readonly Result[], rows: readonly Row[]): readonly string[] {
  const reasons = new Map<string, Set<string>>();
  for (const { overheadSource } of results) {
    for (const { workload, reason } of overheadSource?.notMeasured ?? []) {
      if (workload !== null) reasons.set(reason, (reasons.get(reason) ?? new Set()).add(workload));
    }
  }
  const lines = [
    ...[...reasons].map(([reason, names]) => `- ${[...names].join(', ')}: ${reason}`),
    ...rows.flatMap((row) => (row.problem === null ? [] : [`- ${titleOf(row)}: ${row.problem}`])),
  ];
  return lines.length === 0
    ? []
    : ['## Not measured', lines.map((line) => `- ${escapeMarkdown(line.slice(2))}`).join('\n')];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const escape = (cell: string): string =>
    cell.startsWith('~~')
      ? `~~${escapeMarkdown(cell.split('~~')[1] ?? '')}~~ unstable`
      : escapeMarkdown(cell);
  const line = (cells: readonly string[]): string => `| ${cells.map(escape).join(' | ')} |`;
  return [line(head), `| ${head.map(() => '---').join(' | ')} |`, ...rows.map(line)].join('\n');
}
