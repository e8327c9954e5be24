/** What a cell's machines do decides how many are started, and which of them counts. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t from 'tap';
import { fakeMachines, type Script } from '../fixtures/fake-machine.ts';
import { conservativeReport, tableFailure } from '../fixtures/outcome/observations.ts';
import { startSample } from '../machine/guest-time.ts';
import { parseMatrix } from '../matrix/load.ts';
import { fakeImages as images } from '../fixtures/fake-prepared.ts';
import { deadlinesFor } from '../plan/deadlines.ts';
import { buildMachineSpec } from '../plan/machine-spec.ts';
import { runCell } from './run-cell.ts';

const proof = { ...conservativeReport.proof, tier: 'standard' };
const [failed, proven] = conservativeReport.attempts;
const standard = { ...proven, tier: 'standard', predicted: null };
const line = (report: unknown): string => `${JSON.stringify(report)}\n`;

const good: Script = {
  stdout: line({ ...conservativeReport, tier: 'standard', attempts: [standard], proof }),
};
/** As the host reports when its own deadline ended the attempt at the better tier. */
const late: Script = {
  stdout: line({
    ...conservativeReport,
    attempts: [{ ...failed, failure: { ...tableFailure, class: 'timeout' } }, proven],
  }),
};
const killed: Script = {
  stdout: line({
    ...conservativeReport,
    attempts: [{ ...failed, failure: { ...tableFailure, class: 'killed' } }, proven],
  }),
};
const crash: Script = { exitCode: 134 };
const panic: Script = { dieDuringRun: '[    1.000000] Kernel panic - not syncing: out of memory\n' };
const silent: Script = { silent: true };
const stopped = () => ({ ...startSample(), stopped: true });

/** Short: a machine that plays the guest answers at once or never. */
const deadlines = {
  ...deadlinesFor('tcg'),
  readyMs: 100,
  cloneReadyMs: 100,
  firstLineMs: 100,
  requestMs: 100,
  subjectMs: 100,
};
const hangs: Script = { neverEnds: true, ms: deadlines.subjectMs };

async function run(scripts: readonly Script[], isClone: boolean, expected = 'standard') {
  const folder = mkdtempSync(path.join(tmpdir(), 'poolproof-test-'));
  const rule = expected === 'standard' ? '{tier: standard' : `{outcome: ${expected}`;
  const text = `axes: {memory: [512M], overcommit: [0]}\nexpect: [${rule}, where: {overcommit: 0}}]\n`;
  const [cell] = [...parseMatrix(text, 'm.yaml').cells()];
  if (cell === undefined) throw new RangeError('a matrix without a cell');
  const startMachine = fakeMachines(scripts);
  const dropped: boolean[] = [];
  const template = {
    key: 'k',
    folder,
    ramFile: path.join(folder, 'ram'),
    stateFile: path.join(folder, 'state'),
  };
  try {
    const { result } = await runCell(cell, {
      spec: buildMachineSpec(cell.settings, images, { qemu: process.execPath, accelerator: 'tcg' }),
      images,
      deadlines,
      template: isClone ? template : null,
      onDoubtfulClone: (_template, _reason, isBad) => Promise.resolve(void dropped.push(isBad)),
      signal: new AbortController().signal,
      startMachine,
    });
    return { result, dropped, tries: result.attempts.map(({ start, outcome }) => `${start} ${outcome}`) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

t.test('an end that only a clone showed is tried on a boot, whose answer counts', async (t) => {
  const rows: readonly (readonly [string, readonly Script[], readonly string[], readonly boolean[]])[] = [
    ['a clone that proves a tier', [good], ['clone reached'], []],
    [
      'a clone that crashes, and a boot that does not',
      [crash, good],
      ['clone crashed', 'boot reached'],
      [true],
    ],
    ['a clone that crashes as the boot does', [crash, crash], ['clone crashed', 'boot crashed'], [false]],
    [
      'a clone whose kernel panics, and a boot that does not',
      [panic, good],
      ['clone guest-died', 'boot reached'],
      [true],
    ],
    [
      'a clone that hangs, and a boot that does not',
      [hangs, good],
      ['clone timeout', 'boot reached'],
      [true],
    ],
    [
      'a boot that is to confirm and says nothing',
      [crash, silent, good],
      ['clone crashed', 'boot broken', 'boot reached'],
      [false],
    ],
    ['a clone that never answers', [silent, good], ['clone broken', 'boot reached'], [true]],
    [
      'a clone that QEMU did not start',
      [{ exitAtStart: true }, good],
      ['clone broken', 'boot reached'],
      [true],
    ],
    [
      'a clone whose clock runs away',
      [{ ...good, ms: 60_000 }, good],
      ['clone broken', 'boot reached'],
      [true],
    ],
    [
      'a clone that hardly got to run: not its fault',
      [{ ...hangs, sample: stopped }, good],
      ['clone broken', 'boot reached'],
      [false],
    ],
  ];
  for (const [title, scripts, tries, dropped] of rows) {
    const seen = await run(scripts, true);
    t.same(seen.tries, tries, `${title}: ${seen.result.reason}`);
    t.same(seen.dropped, dropped, `${title}: the template`);
    t.equal(seen.result.outcome, tries.at(-1)?.split(' ')[1], `${title}: the last try counts`);
  }
});

t.test('a kernel that cannot mount a disk is no answer of the host, and is said by name', async (t) => {
  const lacking = 'poolproof: module erofs.ko failed\npoolproof: disk base failed\n';
  const { result, tries } = await run([{ ...good, console: lacking }], false);
  t.same([...new Set(tries)], ['boot broken']);
  t.match(result.reason, /the kernel of the guest could not use module erofs\.ko, disk base/);
  const { result: whole } = await run(
    [{ ...good, console: 'poolproof: module virtio_rng.ko failed\n' }],
    false,
  );
  t.equal(whole.outcome, 'reached', 'a module alone stops nothing');
});

t.test('an end that the matrix expects of a clone needs no boot', async (t) => {
  t.same((await run([crash], true, 'crashed')).tries, ['clone crashed']);
  t.same((await run([panic], true, 'guest-died')).tries, ['clone guest-died']);
  t.same((await run([hangs], true, 'timeout')).tries, ['clone timeout']);
});

t.test('what was stalled, or ended by a deadline of the host, is tried again and never judged', async (t) => {
  const rows: readonly (readonly [string, readonly Script[], readonly string[], RegExp])[] = [
    [
      'stopped while the host proves a tier: its deadline ends the attempt',
      [late, good],
      ['boot broken', 'boot reached'],
      /./,
    ],
    ['twice', [late, late], ['boot broken', 'boot broken'], /standard was ended by the host's own deadline/],
    ['an attempt that somebody killed', [killed, good], ['boot broken', 'boot reached'], /./],
    [
      'stopped while Node starts: the host ends it',
      [
        {
          exitCode: 137,
          stderr: 'wasm host: Node did not start (nothing within 180 s, killed): no tier was tried\n',
        },
        good,
      ],
      ['boot broken', 'boot reached'],
      /./,
    ],
    [
      'QEMU stopped while the subject runs',
      [{ ...hangs, sample: stopped }, good],
      ['boot broken', 'boot reached'],
      /./,
    ],
    [
      'QEMU stopped for good',
      [{ ...hangs, sample: stopped }],
      ['boot broken', 'boot broken'],
      /hardly got to run: no answer to run/,
    ],
    [
      'QEMU stopped while it boots',
      [{ ...silent, sample: stopped }, good],
      ['boot broken', 'boot reached'],
      /./,
    ],
    [
      'a run that the session had to end by itself',
      [{ timedOut: true, stopped: 'backstop', exitCode: 137 }, good],
      ['boot broken', 'boot reached'],
      /./,
    ],
    ['a subject that hangs', [hangs], ['boot timeout'], /no answer within/],
    [
      'a guest that no longer answers when its subject hangs',
      [{ ...hangs, deaf: true }],
      ['boot guest-died'],
      /fell silent: no answer to run after it was stopped/,
    ],
  ];
  for (const [title, scripts, tries, reason] of rows) {
    const { result, tries: seen } = await run(scripts, false);
    t.same(seen, tries, `${title}: ${result.reason}`);
    t.match(result.reason, reason, title);
  }
});

t.test('a machine that was starting when the run was interrupted is ended and asked nothing', async (t) => {
  const [cell] = [...parseMatrix('axes: {memory: [512M]}\n', 'm.yaml').cells()];
  for (const template of [
    null,
    { key: 'k', folder: '/none', ramFile: '/none/ram', stateFile: '/none/state' },
  ]) {
    const stop = new AbortController();
    const sent: string[] = [];
    const start = fakeMachines([good]);
    await t.rejects(
      runCell(cell!, {
        spec: buildMachineSpec(cell!.settings, images, { qemu: process.execPath, accelerator: 'tcg' }),
        images,
        deadlines,
        template,
        onDoubtfulClone: () => Promise.resolve(void t.fail('a clone that was interrupted is not doubtful')),
        signal: stop.signal,
        startMachine: async (...words) => {
          const machine = await start(...words);
          const { session } = machine;
          const write = session.write.bind(session) as (chunk: unknown) => boolean;
          session.write = (chunk: unknown): boolean => {
            sent.push(String(chunk));
            return write(chunk);
          };
          stop.abort(new Error('interrupted'));
          return machine;
        },
      }),
      { message: 'interrupted' },
    );
    t.notOk(
      sent.some((line) => / run /.test(line)),
      'its subject is not run',
    );
  }
});
