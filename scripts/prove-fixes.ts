/**
 * Every cell of some matrices that misses a tier although the model knows a cure: the cure is booted, and so are
 * those that people recommend and the model calls useless. All cells at once, a round a candidate.
 * `node dist/scripts/prove-fixes.js [--tier standard] [--popular] [--only EXPR] [--jobs N] [matrix ...]`
 */
import { parseArgs } from 'node:util';
import { resolveCacheFolder } from '../images/cache/cache-folder.ts';
import type { Tier } from '../images/allocator/tier.ts';
import { tiers } from '../images/allocator/tier.ts';
import type { Candidate } from '../harness/field/candidate.ts';
import { listCandidates, listPopular } from '../harness/field/candidates.ts';
import { buildCases } from '../harness/field/cell-matrix.ts';
import { reached } from '../harness/field/fix.ts';
import { predictSettings, reaches } from '../harness/field/model.ts';
import { formatCellId } from '../harness/matrix/cell-id.ts';
import type { Settings } from '../harness/axes/table.ts';
import { loadMatrix } from '../harness/matrix/load.ts';
import { selectCells } from '../harness/matrix/select.ts';
import { runMatrix } from '../harness/run/run.ts';
import type { Result } from '../harness/store/result.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    tier: { type: 'string', default: 'standard' },
    popular: { type: 'boolean', default: false },
    only: { type: 'string' },
    jobs: { type: 'string' },
    list: { type: 'boolean', default: false },
  },
});
const say = (text: string): void => void process.stdout.write(`${text}\n`);
const wanted: Tier = tiers.find((tier) => tier === values.tier) ?? 'standard';
const files = positionals.length > 0 ? positionals : ['matrices/default.yaml', 'matrices/limits.yaml'];
const maxPopular = 3;

/** Cells that miss the tier, by id, with what could cure them. */
async function listCases(): Promise<
  ReadonlyMap<string, Readonly<{ settings: Settings; cures: readonly Candidate[] }>>
> {
  const cases = new Map<string, Readonly<{ settings: Settings; cures: readonly Candidate[] }>>();
  for (const file of files) {
    const matrix = await loadMatrix(file);
    for (const { id, settings } of (values.only === undefined
      ? matrix
      : selectCells(matrix, [values.only])
    ).cells()) {
      const cures = listCandidates(settings, wanted);
      const prediction = predictSettings(settings);
      // A forced tier that is reached is what was asked for, and still not the wanted one.
      if (!reaches(prediction, wanted)) cases.set(id, { settings, cures });
    }
  }
  return cases;
}

const known = new Map<string, Result>();

/** Asks for what is not known yet, all in one run. */
async function ask(all: readonly Settings[]): Promise<void> {
  const cells = new Map(all.map((settings) => [formatCellId(settings), settings]));
  for (const id of known.keys()) cells.delete(id);
  if (cells.size === 0) return;
  const cases = [...cells.values()].map((settings) => ({ settings, expect: null }));
  const { results } = await runMatrix(buildCases('Cures', cases), {
    resultsDir: 'results',
    cacheDir: resolveCacheFolder(),
    ...(values.jobs !== undefined && { jobs: Number(values.jobs) }),
    onNotice: (text) => say(`notice: ${text}`),
    recordOptions: { command: 'prove-fixes' },
  });
  for (const result of results) known.set(result.id, result);
}

const resultOf = (settings: Settings): Result | undefined => known.get(formatCellId(settings));
const isCured = (settings: Settings): boolean => {
  const result = resultOf(settings);
  return result !== undefined && reached(result, wanted);
};
const word = (settings: Settings): string => {
  const result = resultOf(settings);
  return result === undefined ? 'not asked' : `${result.tier ?? result.outcome}: ${result.reason}`;
};

const cases = await listCases();
const curable = [...cases.values()].filter(({ cures }) => cures.length > 0);
say(`${cases.size} cells miss ${wanted}; the model knows a cure for ${curable.length} of them`);
for (const [id, { cures }] of cases) if (cures.length === 0) say(`no cure: ${id}`);
if (values.list) {
  for (const { settings, cures } of curable)
    say(`${formatCellId(settings)}\n   ${cures.map(({ change }) => change).join(' | ')}`);
  process.exit(0);
}
await ask(curable.map(({ settings }) => settings));
for (let round = 0; ; round += 1) {
  const open = curable.filter(
    ({ cures }) => !cures.slice(0, round).some(({ settings }) => isCured(settings)),
  );
  const next = open.flatMap(({ cures }) => cures.slice(round, round + 1));
  if (next.length === 0) break;
  await ask(next.map(({ settings }) => settings));
}
const useless = (settings: Settings): readonly Candidate[] =>
  listPopular(settings)
    .filter((one) => !reaches(predictSettings(one.settings), wanted))
    .slice(0, maxPopular);
if (values.popular)
  await ask(curable.flatMap(({ settings }) => useless(settings).map((one) => one.settings)));
let proven = 0;
for (const { settings, cures } of curable) {
  const cure = cures.find((one) => isCured(one.settings));
  if (cure !== undefined) proven += 1;
  say(`${formatCellId(settings)}\n   now: ${word(settings)}`);
  for (const one of cures.slice(0, cure === undefined ? undefined : cures.indexOf(cure)))
    say(`   refuted: ${one.change}: ${word(one.settings)}`);
  if (cure !== undefined) say(`   fix: ${cure.change}; costs: ${cure.cost}; proven: ${word(cure.settings)}`);
  if (values.popular)
    for (const one of useless(settings))
      say(
        `   ${isCured(one.settings) ? 'helps after all' : 'of no use'}: ${one.change}: ${word(one.settings)}`,
      );
}
say(`${proven} of ${curable.length} cured and proven, with ${known.size} guests`);
process.exitCode = proven === curable.length ? 0 : 1;
