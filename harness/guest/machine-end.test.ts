import t from 'tap';
import type { Exit } from '../machine/machine.ts';
import { describeExit } from './observe.ts';

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
  ['an error', { exitCode: 1, stderr: 'a\nb\n' }, null, true, 'exited', /^QEMU exited with 1: b$/],
  ['an error at the start', { exitCode: 1, stderr: 'b' }, null, false, 'start-failed', /with 1: b$/],
];

for (const [title, exit, words, wasReady, kind, detail] of rows) {
  t.test(`the end of QEMU by ${title} is ${kind}`, (t) => {
    const plain: Exit = { asked: false, exitCode: 0, signal: null, reason: null, stderr: '' };
    t.match(describeExit({ ...plain, ...exit }, words, wasReady), { kind, detail });
    t.end();
  });
}
