import path from 'node:path';
import { chmod, copyFile } from 'node:fs/promises';
import t from 'tap';
import { resolveCacheFolder } from '../../images/cache/cache-folder.ts';
import { project } from '../../images/paths.ts';
import { findSubjectFile } from '../../images/subject-disk.ts';
import { makeTemporaryFolder } from '../../images/temporary-folder.ts';
import { publishedProgram } from './serve-bench.ts';
import { runServing } from '../measure/run-serving.ts';
import { planServing, type Contender } from '../measure/serving-plan.ts';

/** Several milliseconds: what a request costs without work, its instance and page faults, is about a percent of it. */
const accesses = 4_000_000;

t.test('planted work of 0, 10 and 50 % more is found within 3 points in CPU time per request', async (t) => {
  await using folder = await makeTemporaryFolder();
  const program = path.join(folder.path, 'wasmtime');
  await copyFile(await findSubjectFile(publishedProgram, { cacheDir: resolveCacheFolder() }), program);
  await chmod(program, 0o755);
  const [{ options } = { options: [] }] = planServing('49.0.3')[0]?.contenders ?? [];
  const plant = (factor: number): Contender => ({
    name: String(factor),
    options,
    component: 'touch',
    path: `/${accesses * factor}/1`,
  });
  const planted = [1, 1.1, 1.5];
  const contenders = [plant(1), ...planted.map(plant)] as [Contender, Contender, ...Contender[]];
  let found: Awaited<ReturnType<typeof runServing>> = [];
  // Beside other work an interval is wide, and says so itself: then more rounds are made.
  for (const seconds of [60, 240]) {
    found = await runServing({
      program,
      components: path.join(project.subjectsFolder, 'components'),
      cases: [{ work: 'planted', connections: 1, contenders }],
      seconds,
      requests: 20_000,
      signal: new AbortController().signal,
    });
    if (found.every(({ cpu }) => cpu === null || cpu.high - cpu.low < 0.03)) break;
  }
  const [base, ...others] = found;
  t.match(base, { cpu: null, invalid: null });
  t.equal(others.length, planted.length);
  others.forEach(({ cpu, invalid, rounds }, index) => {
    const { ratio, low, high } = cpu ?? { ratio: NaN, low: NaN, high: NaN };
    const factor = planted[index] ?? NaN;
    t.ok(Math.abs(ratio - factor) < 0.03, `${factor}: ${ratio} [${low} ${high}] over ${rounds} rounds`);
    t.equal(invalid, null);
  });
});
