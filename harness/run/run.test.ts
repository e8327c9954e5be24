import { deepStrictEqual } from 'node:assert';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t, { type Test } from 'tap';
import { fakeMachines, type Script } from '../fixtures/fake-machine.ts';
import { parseMatrix } from '../matrix/load.ts';
import { withKernel } from '../matrix/with-kernel.ts';
import type { Prepared } from './prepare.ts';
import { runPrepared, type RunSummary } from './run.ts';
import type { RunOptions } from './context.ts';
import { exitCodeOfRun } from '../report/exit-code.ts';
import { findCompleteness } from '../store/completeness.ts';
import { readRun, collectResults } from '../store/read-run.ts';
import type { Result } from '../store/result.ts';
import { fakeImages as images } from '../fixtures/fake-prepared.ts';
import { conservativeReport } from '../fixtures/outcome/observations.ts';

const prepared: Prepared = {
  qemu: { path: process.execPath, version: '7.2.0', title: 'QEMU emulator version 7.2.0' },
  computer: { cores: 2, cpuModel: 'x', memTotalMib: 8000, memAvailableMib: 8000, kernel: '6', os: 'Debian' },
  accelerator: { accelerator: 'tcg', reason: 'test' },
  images: new Map([['bookworm', images]]),
};
const oneCell = 'axes: {memory: [512M], overcommit: [0], thp: [always], engine: [wasmtime], node: [22]}\n';
const threeCells = oneCell.replace('[always]', '[always, madvise, never]');

const proof = conservativeReport.proof && {
  ...conservativeReport.proof,
  tier: 'standard' as const,
};
const attempt = conservativeReport.attempts[1] && {
  ...conservativeReport.attempts[1],
  tier: 'standard' as const,
  predicted: null,
};
const good = `${JSON.stringify({ ...conservativeReport, tier: 'standard', attempts: [attempt], proof })}\n`;

function folder(test: Test): string {
  const dir = mkdtempSync(path.join(tmpdir(), 'poolproof-test-'));
  test.teardown(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

async function run(test: Test, scripts: readonly Script[], text = oneCell, more: Partial<RunOptions> = {}) {
  const dir = folder(test);
  const startMachine = fakeMachines(scripts);
  const summary = await runPrepared(parseMatrix(text, 'm.yaml'), prepared, {
    resultsDir: path.join(dir, 'results'),
    cacheDir: path.join(dir, 'cache'),
    cold: true,
    startMachine,
    ...more,
  });
  await agreeWithStored(summary);
  return { summary, starts: startMachine.starts(), dir };
}

/** Results stay in memory while they are stored: both must be the same, also in fields that are absent. */
async function agreeWithStored({ dir, results }: RunSummary): Promise<void> {
  deepStrictEqual(results, await collectResults((await readRun(dir)).results()));
}

t.test('what a machine does decides the outcome, the number of tries and the exit code', async (t) => {
  const panic = '[    1.000000] Kernel panic - not syncing: out of memory\n';
  const rows: readonly (readonly [string, readonly Script[], string, number, number])[] = [
    ['a proven tier', [{ stdout: good }], 'reached', 1, 0],
    ['an answer followed by the end of QEMU', [{ stdout: good, dieAfterAnswer: true }], 'reached', 1, 0],
    [
      'lines of others on the port',
      [{ stdout: good, noise: ['x 1 ok exit=0', 'deadbeef 3 data out AAAA', ''] }],
      'reached',
      1,
      0,
    ],
    [
      'a subject that prints what looks like a message',
      [{ stdout: 'token 3 ok exit=0 timeout=0\n' }],
      'broken',
      1,
      2,
    ],
    ['a QEMU that does not start', [{ exitAtStart: true }], 'broken', 2, 2],
    ['a QEMU that starts at the second try', [{ exitAtStart: true }, { stdout: good }], 'reached', 2, 0],
    ['a panic while the subject runs', [{ dieDuringRun: panic }], 'guest-died', 1, 1],
    ['a reset while the subject runs', [{ dieDuringRun: '' }], 'guest-died', 1, 1],
    ['a missed deadline', [{ timedOut: true, exitCode: 137 }], 'timeout', 1, 1],
    [
      'a guest whose clock runs away, and the boot after it',
      [{ stdout: good, ms: 60_000 }, { stdout: good }],
      'reached',
      2,
      0,
    ],
    ['a clock that runs away twice', [{ timedOut: true, exitCode: 137, ms: 60_000 }], 'broken', 2, 2],
    ['a host that dies', [{ exitCode: 134 }], 'crashed', 1, 1],
    [
      'a run that its session had to end, and the boot after it',
      [{ timedOut: true, stopped: 'backstop', exitCode: 137 }, { stdout: good }],
      'reached',
      2,
      0,
    ],
    [
      'settings that were not applied',
      [{ stdout: good, facts: { '/proc/sys/vm/overcommit_memory': '1' } }],
      'invalid',
      1,
      2,
    ],
  ];
  for (const [title, scripts, outcome, starts, exitCode] of rows) {
    const seen = await run(t, scripts);
    const [result] = seen.summary.results;
    t.equal(result?.outcome, outcome, `${title}: ${result?.reason ?? ''}`);
    t.equal(seen.starts, starts, `${title}: machines started`);
    t.equal(result?.attempts.length, starts, `${title}: every try is kept`);
    t.equal(seen.summary.exitCode, exitCode, `${title}: exit code`);
  }
});

t.test('each cell has its own line and its own evidence', async (t) => {
  const { summary } = await run(t, [{ stdout: good, noise: ['hello'] }], threeCells);
  t.equal(summary.results.length, 3);
  const stored = await readRun(summary.dir);
  const results = await collectResults(stored.results());
  t.same(stored.problems, []);
  t.equal(new Set(results.map(({ id }) => id)).size, 3);
  for (const { evidence, id, settings } of results) {
    t.ok(evidence, id);
    const observation: unknown = JSON.parse(
      readFileSync(path.join(summary.dir, evidence ?? '', 'observation.json'), 'utf8'),
    );
    t.match(observation, { start: 'boot', subject: { exitCode: 0 } });
    t.match(readFileSync(path.join(summary.dir, evidence ?? '', 'protocol.log'), 'utf8'), /hello/);
    t.equal(settings.memory, 512 * 1024 * 1024);
  }
});

t.test('a kernel that says what it lacks ends the run at once, by template and by boot', async (t) => {
  const console = '[    0.100000] Linux version 6\npoolproof: the kernel lacks VIRTIO_PCI VIRTIO_BLK\n';
  const noInit = '[    1.0] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\n';
  for (const [text, message] of [
    [console, /^the kernel of the guest lacks VIRTIO_PCI, VIRTIO_BLK$/],
    [noInit, /^the kernel of the guest runs no initramfs \(BLK_DEV_INITRD\): VFS: Unable to mount/],
  ] as const)
    for (const cold of [false, true]) {
      const startMachine = fakeMachines([{ silent: true, console: text }]);
      const running = run(t, [], threeCells, { cold, startMachine, jobs: 1 });
      await t.rejects(running, { code: 'KERNEL_UNFIT', message }, `${text}, cold: ${cold}`);
      // The slot is free before the run is ended.
      t.ok(startMachine.starts() <= (cold ? 2 : 1), 'nothing is booted again');
    }
});

t.test('a machine whose clock has another rate is no template', async (t) => {
  const notices: string[] = [];
  const onNotice = (text: string): void => void notices.push(text);
  const fast = { stdout: good, clockRate: 100 };
  const { summary, starts } = await run(t, [fast, fast, { stdout: good }], oneCell, {
    cold: false,
    onNotice,
  });
  t.match(summary.results, [{ outcome: 'reached', attempts: [{ start: 'boot' }] }]);
  t.equal(starts, 3);
  t.match(notices, [
    /no template for 512 MiB, it is booted again: its clock went on by \S+ s in \S+ s/,
    /no template for 512 MiB, its cells are booted: its clock/,
  ]);
});

t.test('a template that cannot be made, at the second boot either, costs notices, not a cell', async (t) => {
  const notices: string[] = [];
  const { summary } = await run(
    t,
    [{ exitAtStart: true }, { exitAtStart: true }, { stdout: good }],
    threeCells,
    {
      cold: false,
      onNotice: (text) => notices.push(text),
    },
  );
  t.same(
    summary.results.map(({ outcome }) => outcome).sort(),
    ['invalid', 'invalid', 'reached'],
    'two cells ask for another THP than the fake guest has',
  );
  t.equal(summary.results.filter(({ outcome }) => outcome === 'broken').length, 0);
  t.equal(notices.length, 2);
  t.match(notices[0], /no template for 512 MiB, it is booted again/);
  t.match(notices[1], /no template for 512 MiB, its cells are booted/);
});

t.test('forty guests of 4 GiB stay within a budget of 2 GiB, and all of them run', async (t) => {
  const text = 'axes: {memory: [4G]}\nrepeat: 40\n';
  const facts = {
    '/proc/meminfo':
      'MemTotal: 4021408 kB\nMemAvailable: 3900000 kB\nCommitLimit: 2010704 kB\nCommitted_AS: 4928 kB\nHugePages_Total: 0',
  };
  const { summary } = await run(t, [{ stdout: good, facts }], text, { jobs: 40, memoryBudgetMib: 2048 });
  t.equal(summary.results.length, 40);
  t.ok(summary.results.every(({ outcome }) => outcome === 'reached'));
  t.ok(summary.peakBudgetMib <= 2048, `${summary.peakBudgetMib} MiB`);
  t.ok(summary.peakBudgetMib >= 1024, 'and the budget is used');
});

t.test('a run that was interrupted is finished by --resume, no cell lost and none twice', async (t) => {
  const dir = folder(t);
  const controller = new AbortController();
  const matrix = parseMatrix('axes: {memory: [512M]}\nrepeat: 6\n', 'm.yaml');
  const options = {
    resultsDir: path.join(dir, 'results'),
    cacheDir: path.join(dir, 'cache'),
    cold: true,
    jobs: 1,
  };
  let started = 0;
  const first = await runPrepared(matrix, prepared, {
    ...options,
    startMachine: fakeMachines([{ stdout: good }]),
    signal: controller.signal,
    // At the start of the second cell, not at the end of the first: the first is stored while the second goes on.
    reporters: [
      {
        onCellStart: () => {
          started += 1;
          if (started === 2) controller.abort();
        },
      },
    ],
  });
  t.equal(first.interrupted, true);
  t.equal(first.exitCode, 130);
  t.equal(first.results.length, 1);
  // As a machine of a fleet leaves it.
  const stored = path.join(first.dir, 'cells.jsonl');
  const machine = { name: 'lab-2', qemu: '7.2.22', accelerator: 'tcg', cpuModel: 'x', kernel: '6.1' };
  writeFileSync(stored, `${JSON.stringify({ ...first.results[0], machine })}\n`);
  const notices: string[] = [];
  const second = await runPrepared(matrix, prepared, {
    ...options,
    startMachine: fakeMachines([{ stdout: good }]),
    resume: first.dir,
    onNotice: (text) => notices.push(text),
  });
  t.match(notices, [/^a fleet ran a part of this run: .* only with --fleet$/]);
  t.equal(second.exitCode, 0);
  await agreeWithStored(second);
  t.same(second.results.map(({ repetition }) => repetition).sort(), [1, 2, 3, 4, 5, 6]);
});

t.test('a part that was interrupted is resumed as that part, and the run says which it is', async (t) => {
  const dir = folder(t);
  const controller = new AbortController();
  const matrix = parseMatrix(
    'axes: {memory: [512M], thp: [always, madvise, never], overcommit: [0, 1]}\n',
    'm.yaml',
  );
  const options = {
    resultsDir: path.join(dir, 'results'),
    cacheDir: path.join(dir, 'cache'),
    cold: true,
    jobs: 1,
    startMachine: fakeMachines([{ stdout: good }]),
  };
  let started = 0;
  const onCellStart = (): void => {
    started += 1;
    if (started === 2) controller.abort();
  };
  const only = ['thp=always', 'thp=never'];
  const first = await runPrepared(matrix, prepared, {
    ...options,
    only,
    signal: controller.signal,
    reporters: [{ onCellStart }],
  });
  t.equal(first.results.length, 1);
  t.match(first.record.selection, { of: 6, only, shard: null, cells: { length: 4 } });
  t.equal(exitCodeOfRun(first.record, first.results), 2, 'what is stored is not green');
  await t.rejects(runPrepared(matrix, prepared, { ...options, resume: first.dir, only: ['thp=madvise'] }), {
    code: 'USAGE',
  });
  const second = await runPrepared(matrix, prepared, { ...options, resume: first.dir });
  t.equal(second.results.length, 4, 'not the whole matrix');
  t.notOk(second.results.some(({ settings }) => settings.thp === 'madvise'));
  t.equal(findCompleteness(second.record, second.results).state, 'complete');
});

t.test('an error of the harness itself ends the run with that error', async (t) => {
  await t.rejects(run(t, [{ startFails: true }], threeCells), { message: 'not a PoolproofError' });
});

t.test('repetitions and retries are boots of their own; what differs is flaky', async (t) => {
  const panic = '[    1.000000] Kernel panic - not syncing: out of memory\n';
  const starts: string[] = [];
  const done: (readonly Result[])[] = [];
  const play = async (scripts: readonly Script[], text: string, more: Partial<RunOptions> = {}) => {
    const start = fakeMachines(scripts);
    return run(t, scripts, text, {
      cold: false,
      startMachine: (spec, how) => {
        starts.push(how.kind);
        return start(spec, how);
      },
      reporters: [{ onCellDone: (results) => void done.push(results) }],
      jobs: 1,
      ...more,
    });
  };
  const three = await play(
    [{ stdout: good }, { dieDuringRun: panic }, { stdout: good }],
    `${oneCell}repeat: 3\n`,
  );
  t.same(starts, ['boot', 'boot', 'boot'], 'no template is made, none is cloned');
  t.match(three.summary, {
    exitCode: 0,
    results: [{}, { verdict: 'unexpected' }, { distribution: { verdict: 'flaky' } }],
  });
  t.match(done, [[{ repetition: 1 }, { repetition: 2 }, { repetition: 3 }]]);
  const stored = await collectResults((await readRun(three.summary.dir)).results());
  t.match(stored[2]?.distribution, {
    shares: [
      { observed: 'standard', count: 2 },
      { observed: 'guest-died', count: 1 },
    ],
  });
  const strict = { failOnFlaky: true };
  const failing = await play([{ stdout: good }, { dieDuringRun: panic }], `${oneCell}repeat: 2\n`, strict);
  t.equal(failing.summary.exitCode, 1);
  const retried = await play([{ dieDuringRun: panic }, { stdout: good }], oneCell, {
    retries: 2,
    cold: true,
  });
  t.match(retried.summary, { exitCode: 0, results: [{ repetition: 1 }, { repetition: 2 }] });
  const never = await play([{ dieDuringRun: panic }], oneCell, { retries: 2, cold: true });
  t.match(never.summary, { exitCode: 1, results: { length: 3 } });
});

t.test("in a kernel of the user's own nothing is measured, which the run says once", async (t) => {
  const notices: string[] = [];
  const startMachine = fakeMachines([{ stdout: good }]);
  const dir = folder(t);
  const text = `${oneCell}measure: { overhead: true, serving: true }\n`;
  const matrix = withKernel(parseMatrix(text, 'm.yaml'), '/tmp/bzImage');
  const { results, exitCode } = await runPrepared(
    matrix,
    { ...prepared, images: new Map([['./bzImage', images]]) },
    {
      resultsDir: path.join(dir, 'results'),
      cacheDir: path.join(dir, 'cache'),
      cold: true,
      startMachine,
      onNotice: (text) => notices.push(text),
    },
  );
  t.same(notices, ['no cost is measured in ./bzImage: costs are measured in kernels that a row names']);
  t.equal(exitCode, 0);
  t.same(
    results.map(({ serving }) => serving?.kind),
    ['not-measured'],
  );
});
