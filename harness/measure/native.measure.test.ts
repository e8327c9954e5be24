import { existsSync, mkdtempSync, rmSync, watch } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t from 'tap';
import { findEngineLibrary } from '../../images/package-files.ts';
import { measureCommand, type MeasureRequest } from '../../images/wasm-host/measure-command.ts';
import { resolveEngine } from '../plan/requirements.ts';
import { evaluateQuartets, evaluateTime } from './evaluate-time.ts';
import type { TierConfiguration } from './configurations.ts';
import type { Measurement } from './measurement.ts';
import { planQuartets, planTogether } from './plan-native.ts';
import { runNative } from './run-native.ts';

/** As built: plain Node runs it. */
const program = path.resolve(import.meta.dirname, '../../dist/images/wasm-host/measure.js');
const scratch = mkdtempSync(path.join(tmpdir(), 'overhead-test-'));
t.teardown(() => rmSync(scratch, { recursive: true, force: true }));

const { version } = resolveEngine('wasmtime');
const wasmtime = {
  engine: 'wasmtime',
  version,
  library: await findEngineLibrary(version ?? ''),
  profile: 'spin',
  clock: 'time',
  files: scratch,
  compiled: path.join(scratch, 'compiled'),
  program,
} as const satisfies Partial<MeasureRequest>;
const v8 = { ...wasmtime, engine: 'v8', version: null, library: null } as const;

const standard: TierConfiguration = { tier: 'standard', checks: 'elided' };
const small: TierConfiguration = { tier: 'conservative', checks: 'explicit' };

t.test('the measuring program is built', (t) => {
  t.ok(existsSync(program), 'dist/ holds it: npm run build');
  t.end();
});

const planted = [1, 1, 1.05, 1.1, 1.2, 1.5];
for (const request of [wasmtime, v8]) {
  t.test(`planted slow-downs are found within 2 points, ${request.engine}`, async (t) => {
    const command = measureCommand({
      ...request,
      subjects: planted.map(() => standard),
      planted,
      workloads: ['register-loop'],
    });
    const measured: Measurement[] = [];
    let found: ReturnType<typeof evaluateTime> = [];
    // Beside other work an interval is wide, and says so itself: then more processes are measured.
    do {
      measured.push(...(await runNative(Array.from({ length: 8 }, () => command))));
      found = evaluateTime(measured);
    } while (measured.length < 48 && found.some(({ low, high }) => high - low > 0.02));
    const [, , ...wanted] = planted;
    t.equal(found.length, wanted.length);
    wanted.forEach((factor, index) => {
      const { ratio = NaN, low = NaN, high = NaN } = found[index] ?? {};
      t.ok(Math.abs(ratio - factor) < 0.02, `${factor}: ${ratio} [${low} ${high}]`);
      const { length } = measured;
      t.match(found[index], { sameCode: false, clock: 'time', processes: length, pairs: 8 * length });
    });
  });
}

t.test('lives of instances are timed in every form, by one thread and by two at once', async (t) => {
  const others: readonly TierConfiguration[] = [small, { tier: 'on-demand', checks: 'elided' }];
  const workloads = ['instantiate-64k-touch-4', 'grow-64-pages-2-threads'];
  const { processes } = planTogether('wasmtime', others, 3);
  const measured = await runNative(
    processes.map((subjects) => measureCommand({ ...wasmtime, subjects, workloads, samples: 4 })),
  );
  const [one, two] = measured[0]?.workloads ?? [];
  t.same([...new Set(one?.checksums)], [4 * 300], 'pages written');
  t.same([...new Set(two?.checksums)], [2 * 64 * 8], 'pages added by both');
  const found = evaluateTime(measured);
  t.equal(found.length, 4);
  t.ok(
    found.every(({ sameCode, ratio }) => !sameCode && ratio > 0.05 && ratio < 100),
    'equal code is no proof here',
  );
  const small4 = found.find(({ workload, tier }) => workload === workloads[0] && tier === 'on-demand');
  t.ok((small4?.ratio ?? 0) > 1.3, `mapping and unmapping each memory costs: ${small4?.ratio}`);
});

t.test('forms with guard regions are proven equal, small slots cost something on loads', async (t) => {
  const { processes } = planTogether('wasmtime', [{ tier: 'conservative', checks: 'elided' }, small], 3);
  const commands = processes.map((subjects) =>
    measureCommand({ ...wasmtime, subjects, workloads: ['sequential-load'] }),
  );
  const done: number[] = [];
  const [equal, dearer] = evaluateTime(
    await runNative(commands, { onProcess: (count) => void done.push(count) }),
  );
  t.same(done, [1, 2, 3]);
  t.match(equal, { form: 'elided', sameCode: true, ratio: 1 });
  t.match(dearer, { form: 'explicit', sameCode: false });
  t.ok((dearer?.ratio ?? 0) > 1.1, `${dearer?.ratio}`);
});

t.test("a quartet of fresh processes runs V8 with Node's own flag", async (t) => {
  const onDemand: TierConfiguration = { tier: 'on-demand', checks: 'explicit' };
  const plan = planQuartets('v8', onDemand, 2);
  const commands = plan.processes.map(([subject = standard]) =>
    measureCommand({ ...v8, subjects: [subject], workloads: ['register-loop'] }),
  );
  t.equal(commands.filter(({ args }) => args.includes('--disable-wasm-trap-handler')).length, 4);
  const [found] = evaluateQuartets(await runNative(commands));
  t.match(found, {
    engine: 'v8',
    tier: 'on-demand',
    baseline: 'standard/elided',
    sameCode: false,
    processes: 8,
  });
  t.ok(Math.abs((found?.ratio ?? 0) - 1) < 0.1, 'a loop without memory costs the same');
});

t.test('instructions cannot be counted on hardware, nor a failed process be a figure', async (t) => {
  const instructions = measureCommand({
    ...v8,
    clock: 'instructions',
    subjects: [standard],
    workloads: ['register-loop'],
  });
  await t.rejects(runNative([instructions]), {
    code: 'MEASURE_FAILED',
    details: { stderr: /counted in emulated guests only/ },
  });
  const endless = { command: process.execPath, args: ['-e', 'setInterval(() => {}, 1000)'] };
  await t.rejects(runNative([endless], { timeoutMs: 300 }), { message: /took longer than 0\.3 s/ });
  const controller = new AbortController();
  // Its first act is the file that ends it.
  const begun = path.join(scratch, 'begun');
  const begins = {
    ...endless,
    args: ['-e', `fs.writeFileSync('${begun}', ''); setInterval(() => {}, 1000)`],
  };
  const watcher = watch(scratch, () => existsSync(begun) && controller.abort());
  t.teardown(() => watcher.close());
  await t.rejects(runNative([begins], { signal: controller.signal }), { code: 'INTERRUPTED' });
});
