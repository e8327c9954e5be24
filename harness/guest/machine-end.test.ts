import t from 'tap';
import type { Exit } from '../machine/machine.ts';
import { buildSubject } from '../fixtures/outcome/observations.ts';
import type { SubjectRun } from './observation.ts';
import { describeExit, findClockProblem } from './observe.ts';

const panic = 'Attempted to kill init!';
const signalWords = 'qemu-system-x86_64: terminating on signal 15 from pid 7 (kill)';

const rows: readonly (readonly [
  title: string,
  exit: Partial<Exit>,
  panic: string | null,
  wasReady: boolean,
  kind: string,
  detail: RegExp,
])[] = [
  ['a reset', { reason: 'guest-reset' }, null, true, 'reset', /\(guest-reset\)$/],
  ['a guest that is off', { reason: 'guest-shutdown' }, null, true, 'reset', /\(guest-shutdown\)$/],
  ['a panic', { reason: 'guest-reset' }, panic, true, 'panic', /Attempted to kill init!$/],
  ['SIGTERM', { reason: 'host-signal', stderr: signalWords }, null, true, 'killed', /host-signal: .*pid 7/],
  ['SIGTERM, and a panic that a subject wrote', { reason: 'host-signal' }, panic, true, 'killed', /signal/],
  ['a word of the machine protocol', { reason: 'host-qmp-quit' }, null, true, 'killed', /host-qmp-quit$/],
  ['an error of this computer', { reason: 'host-error' }, null, true, 'killed', /host-error$/],
  ['no reason', {}, null, true, 'killed', /did not say why$/],
  ['no reason, and a panic that a subject wrote', {}, panic, true, 'killed', /did not say why$/],
  ['SIGKILL', { exitCode: null, signal: 'SIGKILL' }, panic, true, 'killed', /ended by SIGKILL$/],
  ['poolproof', { exitCode: null, signal: 'SIGKILL', fault: 'garbage' }, null, true, 'killed', /: garbage$/],
  ['an error', { exitCode: 1, stderr: 'a\nb\n' }, null, true, 'exited', /^QEMU exited with 1: b$/],
  ['an error at the start', { exitCode: 1, stderr: 'b' }, null, false, 'start-failed', /with 1: b$/],
];

for (const [title, exit, words, wasReady, kind, detail] of rows) {
  t.test(`the end of QEMU by ${title} is ${kind}`, (t) => {
    const plain: Exit = { asked: false, exitCode: 0, signal: null, reason: null, fault: null, stderr: '' };
    t.match(describeExit({ ...plain, ...exit }, words, wasReady), { kind, detail });
    t.end();
  });
}

const timedOut: Partial<SubjectRun> = { timedOut: true, stopped: 'request' };
const clocks: readonly (readonly [
  title: string,
  run: Partial<SubjectRun>,
  realMs: number,
  kind: string | null,
])[] = [
  ['a run that ended in time', { durationMs: 3000, guestTimeMs: 3100 }, 3200, null],
  ['a run that had its time', { ...timedOut, durationMs: 20_100, guestTimeMs: 20_400 }, 20_600, null],
  [
    'a run that starved, and had its time',
    { ...timedOut, durationMs: 46_000, guestTimeMs: 20_100 },
    46_200,
    null,
  ],
  // Measured: QEMU stopped for 24 s, and then the clock stood still until its counter came round.
  ['a clock that stood still', { ...timedOut, durationMs: 3010, guestTimeMs: 20_862 }, 46_054, 'stalled'],
  ['a clock that runs away', { ...timedOut, durationMs: 60_000, guestTimeMs: 4000 }, 4000, 'clock'],
  [
    'a run that only the session ended',
    { ...timedOut, stopped: 'backstop', durationMs: 400_000 },
    400_000,
    'stalled',
  ],
];

for (const [title, run, realMs, kind] of clocks) {
  t.test(`${title}: ${kind ?? 'its end counts'}`, (t) => {
    t.equal(findClockProblem(buildSubject(run), realMs, 20_000)?.kind ?? null, kind);
    t.end();
  });
}
