/** How far two boots of a guest differ in the price of a request: the same servers in several of them. */
import { parseFacts } from '../../images/allocator/parse-facts.ts';
import type { Tier } from '../../images/allocator/tier.ts';
import { resolveCacheFolder } from '../../images/cache/cache-folder.ts';
import { parseMatrix } from '../../harness/matrix/load.ts';
import { LocalRunner } from '../../harness/run/local-runner.ts';
import { prepare } from '../../harness/run/prepare.ts';

export type RequestBootsFigure = Readonly<{
  subject: string;
  tier: Tier;
  work: string;
  /** Instructions per request, one figure per boot. */
  instructions: readonly number[];
  /** The largest to the smallest, minus 1. */
  spread: number;
  /** Each boot was measured, and two differ by no more than half a percent. */
  held: boolean;
}>;

const mostSpread = 0.005;

/** Sets the exit code 1 where two boots differ by more. */
export async function benchRequestBoots(
  subjects: readonly string[],
  tiers: readonly Tier[],
  boots: number,
): Promise<readonly RequestBootsFigure[]> {
  const matrix = parseMatrix(
    `axes: {memory: [1G], allocator: [${tiers.join(', ')}], subject: [${subjects.join(', ')}]}\n`,
    'request-boots.yaml',
  );
  const cacheDir = resolveCacheFolder();
  const cells = [...matrix.cells()];
  const prepared = await prepare(cells, { cacheDir });
  const capacity = { jobs: 1, budgetMib: 4096 };
  await using runner = await LocalRunner.open({ prepared, capacity, cacheDir });
  const figures: RequestBootsFigure[] = [];
  for (const { settings, subject = null } of cells) {
    const tier = settings.allocator as Tier;
    const facts = {
      ...parseFacts({}),
      ...{ overcommitMemory: settings.overcommit, overcommitRatio: 50, overcommitKbytes: 0 },
      ...{ maxMapCount: 65_530, stackLimit: 8 * 2 ** 20 },
    };
    const found = new Map<string, number[]>();
    for (let boot = 0; boot < boots; boot += 1) {
      const request = { settings, subject, tier, facts, reached: { tier, form: null } };
      const end = await runner.measureServing(
        { ...request, budgetMs: 3_600_000, cold: true },
        () => undefined,
        new AbortController().signal,
      );
      if (end.kind !== 'measured') throw new Error(`${settings.subject}, ${tier}: ${end.reason}`);
      for (const { work, instructions } of end.prices)
        found.set(work, [...(found.get(work) ?? []), Math.round(instructions)]);
    }
    for (const [work, instructions] of found) {
      const spread = Math.max(...instructions) / Math.min(...instructions) - 1;
      const held = instructions.length === boots && spread <= mostSpread;
      const figure = { subject: settings.subject, tier, work, instructions, spread, held };
      process.stderr.write(`${JSON.stringify(figure)}\n`);
      if (!held) process.exitCode = 1;
      figures.push(figure);
    }
  }
  return figures;
}
