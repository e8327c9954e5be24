/** Counting in real guests: known figures, planted ones, limits that were not switched, baselines that cannot be. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t from 'tap';
import { parseFacts } from '../../images/allocator/parse-facts.ts';
import type { Facts } from '../../images/allocator/facts.ts';
import { resolveCacheFolder } from '../../images/cache/cache-folder.ts';
import { openSession } from '../guest/open-session.ts';
import type { Session } from '../guest/session.ts';
import { startMachine } from '../machine/machine.ts';
import { TemplateStore } from '../machine/template-store.ts';
import { defaultSettings } from '../axes/table.ts';
import type { Settings } from '../axes/table.ts';
import { findQemu } from '../plan/computer.ts';
import { deadlinesFor } from '../plan/deadlines.ts';
import type { TierConfiguration } from './configurations.ts';
import { prepareGuest, type GuestMeasureTools } from './guest-machine.ts';
import { runStep, type GuestContext } from './guest-process.ts';
import { planInstructions } from './instructions.ts';
import { measureGuest, type GuestMeasureRequest, type GuestOverhead } from './measure-guest.ts';
import { parseMeasurement } from './measurement.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'poolproof-test-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));

const cacheDir = resolveCacheFolder();
const { path: qemuPath, title } = await findQemu();
/** How each machine of these tests began. */
const starts: string[] = [];
const tools: GuestMeasureTools = {
  qemu: { path: qemuPath, title },
  cacheDir,
  store: new TemplateStore(folder, 2 ** 40),
  startMachine: (...words) => {
    starts.push(words[1].kind);
    return startMachine(...words);
  },
  signal: new AbortController().signal,
};

const GiB = 2 ** 30;
/** Strict overcommit and 8 GiB of address space: room for small slots only. */
const settings: Settings = {
  ...defaultSettings(),
  memory: GiB,
  node: '22',
  overcommit: 2,
  overcommitRatio: 80,
  addressSpace: 8 * GiB,
};
const factsOf = (own: Settings): Facts => ({
  ...parseFacts({}),
  overcommitMemory: own.overcommit,
  overcommitRatio: own.overcommitRatio,
  overcommitKbytes: 0,
  maxMapCount: own.maxMapCount ?? 65_530,
  addressSpaceLimit: own.addressSpace,
  dataLimit: own.dataLimit,
  stackLimit: 8 * 2 ** 20,
  cgroupMemoryMax: own.cgroupMemory,
});
const facts = factsOf(settings);

const small: TierConfiguration = { tier: 'conservative', checks: 'explicit' };
const few: TierConfiguration = { tier: 'conservative', checks: 'elided' };
const standard: TierConfiguration = { tier: 'standard', checks: 'elided' };
const workloads = ['register-loop', 'pointer-chase-in-cache'];

const measure = (more: Partial<GuestMeasureRequest>): Promise<GuestOverhead> => {
  const own = more.settings ?? settings;
  return measureGuest(
    { settings: own, facts: factsOf(own), reached: small, workloads, budgetMs: 240_000, ...more },
    tools,
  );
};

const ratioOf = (found: GuestOverhead, workload: string): number => {
  if (found.kind !== 'measured') throw new Error(found.reason);
  const row = found.summaries.find((summary) => summary.workload === workload);
  t.equal(row?.stable, true, `${workload} is stable`);
  return row?.ratio ?? NaN;
};

const isNear = (value: number, wanted: number, within: number): void => {
  t.ok(Math.abs(value - wanted) <= within, `${value} is within ${within} of ${wanted}`);
};

t.test(
  'in the cell of small slots: nine instructions a link instead of five, and the limits each process had',
  async (t) => {
    const found = await measure({ workloads: [...workloads, 'bulk-memory'] });
    isNear(ratioOf(found, 'pointer-chase-in-cache'), 9 / 5, 0.002);
    if (found.kind !== 'measured') return;
    t.match(found.summaries, [
      {
        workload: 'register-loop',
        sameCode: true,
        ratio: 1,
        clock: 'instructions',
        baseline: 'standard/elided',
      },
      {
        workload: 'pointer-chase-in-cache',
        sameCode: false,
        tier: 'conservative',
        form: 'explicit',
        pairs: 2,
      },
    ]);
    t.same(found.notMeasurable, [{ workload: 'bulk-memory', reason: 'not measurable under emulation' }]);
    t.equal(found.baselineNote, null);
    t.same(
      found.raw.map(parseMeasurement).map(({ facts: own }) => [own.overcommitMemory, own.addressSpaceLimit]),
      [
        [1, null],
        [2, 8 * GiB],
        [2, 8 * GiB],
        [1, null],
      ],
    );
    const [a, b] = found.resources;
    t.ok(a && a.reservedBytes > 4e12, 'the standard pool: terabytes reserved');
    t.ok(b && b.reservedBytes < 8 * GiB, 'small slots: within the limit');
    t.ok(b?.startToFirstCall.clock === 'instructions' && b.startToFirstCall.count > 1e7);

    // Another machine, booted by itself: the count is the code's, not the boot's.
    t.ok(starts.includes('clone'), 'the first ran in clones');
    starts.length = 0;
    const again = await measure({ cold: true });
    t.same([...new Set(starts)], ['boot']);
    isNear(ratioOf(again, 'pointer-chase-in-cache'), ratioOf(found, 'pointer-chase-in-cache'), 0.001);
  },
);

t.test('limits that were not lifted, or not put back, are noticed in the very process', async (t) => {
  const guest = await prepareGuest(
    settings,
    [standard, small].map((subject) => ({ subject, overrides: null })),
    workloads,
    tools,
    false,
  );
  await using machine = await guest.start();
  const session = await openSession(machine, deadlinesFor('tcg'));
  const [a, b] = planInstructions('wasmtime', small);
  if (a === undefined || b === undefined) throw new Error('no plan');
  const { engine, modulesOf } = guest;
  const runWith = (talk: Session, step: typeof a) => {
    const context: GuestContext = {
      session: talk,
      settings,
      facts,
      engine,
      modulesOf: ({ subject }) => modulesOf({ subject, overrides: null }),
    };
    return runStep(context, step, { workloads, samples: 0 }, 60_000);
  };
  /** The same guest and the same process, but what is written here of a session reaches it changed. */
  const tamper = (changed: Partial<Pick<Session, 'request' | 'run'>>): Session =>
    new Proxy(session, {
      get: (target, name) => {
        const value: unknown = Reflect.get({ ...changed }, name) ?? Reflect.get(target, name);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  t.match(await runWith(session, b), { kind: 'measured' });
  const keeps = tamper({
    request: (request, ms) =>
      session.request(request.verb === 'apply' ? { ...request, settings: [] } : request, ms),
  });
  t.match(await runWith(keeps, a), {
    kind: 'invalid',
    reason: 'the limits were not lifted: overcommitMemory was 2 instead of 1',
  });
  t.match(await runWith(session, a), { kind: 'measured' });
  t.match(await runWith(keeps, b), {
    kind: 'invalid',
    reason: "the cell's limits were not in force: overcommitMemory was 1 instead of 2",
  });
  const unlimited = tamper({ run: (request, deadline) => session.run({ ...request, limits: {} }, deadline) });
  t.match(await runWith(unlimited, b), {
    kind: 'invalid',
    reason: "the cell's limits were not in force: addressSpaceLimit was unlimited instead of 8589934592",
  });
});

t.test(
  'a memory limit of a group is lifted for the baseline, and a tier of other parameters measured as such',
  async (t) => {
    const own: Settings = {
      ...settings,
      overcommit: 1,
      addressSpace: null,
      cgroupMemory: GiB / 2,
      allocator: 'on-demand',
      reservation: 0,
      guard: 0,
    };
    const found = await measure({ settings: own, reached: { tier: 'on-demand', checks: 'explicit' } });
    // Without a guard the end of each access is computed and compared: twelve instructions instead of five.
    isNear(ratioOf(found, 'pointer-chase-in-cache'), 12 / 5, 0.002);
    if (found.kind !== 'measured') return;
    t.same(
      found.raw.map((line) => parseMeasurement(line).facts.cgroupMemoryMax),
      [null, GiB / 2, GiB / 2, null],
    );
  },
);

t.test('the same loop run ten percent more often is found, in both engines', async () => {
  const open = { ...settings, overcommit: 1, addressSpace: null } as const;
  for (const engine of ['wasmtime', 'v8']) {
    const found = await measure({
      settings: { ...open, engine },
      reached: few,
      workloads: ['register-loop'],
      planted: 1.1,
    });
    isNear(ratioOf(found, 'register-loop'), 1.1, 0.003);
  }
});

t.test(
  'where standard cannot exist even without limits, the next best is the baseline, and named',
  async (t) => {
    // 50,000 slots of 4 GiB and their guards are more than 47 bits of address.
    const env = { SPIN_WASMTIME_TOTAL_MEMORIES: '50000' };
    const found = await measure({ settings: { ...settings, addressSpace: null, env }, reached: few });
    t.match(found, {
      kind: 'measured',
      baselineNote:
        /^standard\/elided cannot exist in this guest \(.*mmap.*\): compared with conservative\/elided$/s,
      summaries: [{ baseline: 'conservative/elided', sameCode: true, ratio: 1, processes: 2 }],
    });
  },
);
