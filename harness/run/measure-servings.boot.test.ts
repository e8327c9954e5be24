/** What a request to a real server costs, in a guest that counts. */
import t from 'tap';
import type { Facts } from '../../images/allocator/facts.ts';
import { parseFacts } from '../../images/allocator/parse-facts.ts';
import { resolveCacheFolder } from '../../images/cache/cache-folder.ts';
import type { Cell } from '../matrix/cell.ts';
import { parseMatrix } from '../matrix/load.ts';
import { LocalRunner } from './local-runner.ts';
import { prepare } from './prepare.ts';

const matrix = parseMatrix(
  `axes: {memory: [512M], allocator: [on-demand], subject: [spin-sizes]}
`,
  'm.yaml',
);

/** Limits of a cell that changes none, as a guest has them. */
const factsOf = ({ settings }: Cell): Facts => ({
  ...parseFacts({}),
  overcommitMemory: settings.overcommit,
  overcommitRatio: 50,
  overcommitKbytes: 0,
  maxMapCount: 65_530,
  stackLimit: 8 * 2 ** 20,
});

const cacheDir = resolveCacheFolder();
const cells = [...matrix.cells()];
const prepared = await prepare(cells, { cacheDir });
const capacity = { jobs: 1, budgetMib: 4096 };
const runner = await LocalRunner.open({ prepared, capacity, cacheDir });
t.teardown(() => runner[Symbol.asyncDispose]());

async function measure() {
  const cell = cells.at(-1);
  if (cell?.subject === undefined) throw new RangeError('no such cell');
  const { settings, subject } = cell;
  const tier = 'on-demand' as const;
  const request = {
    settings,
    subject,
    tier,
    facts: factsOf(cell),
    works: ['hello'],
    budgetMs: 600_000,
  } as const;
  const reached = { tier, form: null };
  const { signal } = new AbortController();
  return await runner.measureServing({ ...request, reached, cold: true }, () => undefined, signal);
}

t.test("an instance a request on demand takes 1.8 times the instructions of Spin's pool", async (t) => {
  const found = await measure();
  if (found.kind !== 'measured') throw new Error(found.reason);
  const [price] = found.prices;
  t.match(price, { work: 'hello', requests: 3072, stable: true });
  const { ratio = 0 } = price?.ratio ?? {};
  t.ok(ratio > 1.7 && ratio < 1.95, `× ${ratio}`);
  t.ok(Math.abs((price?.baseline ?? 0) - 143_000) < 5000, `${price?.baseline} instructions`);
  t.equal(found.raw.length, 4, 'two servers for the cell, and two for the baseline');
});
