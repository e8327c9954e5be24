/** Faults of what a guest says and how its QEMU ends, over fake machines: thousands a minute. */
import type { Script } from '../../harness/fixtures/fake-machine.ts';
import type { Exit } from '../../harness/machine/machine.ts';
import { between, pick, type Random } from './draw.ts';
import type { FaultyMachine, Piece } from './faulty-machine.ts';
import type { Truth } from './small-runs.ts';
import { fakeGroup, type FakeRow } from './table.ts';

/** So many lines a conversation has: two short replies, and one with facts and a report. */
const lines = 33;

const whole = (line: string): Piece => ({ text: `${line}\n` });

/** How many of the machines of a run misbehave. */
const drawMachines = (random: Random): number => pick(random, [1, 1, 2, 100]);

/** Where the line that ends a reply does not come, its guest says no more. */
const silence: readonly Truth[] = [{ outcome: 'guest-died', says: /silent/ }];

/** One line is changed, the others pass. */
function oneLine(random: Random, what: string, change: (line: string) => readonly Piece[]): FaultyMachine {
  // Where the last line of a reply is lost, each of them takes a deadline.
  const [at, machines] = [between(random, 0, lines), pick(random, [1, 1, 2])];
  return {
    drawn: `line ${at} of ${machines} machines: ${what}`,
    machines,
    at,
    say: change,
    alsoRight: silence,
  };
}

const someBytes = (random: Random, count: number): string =>
  Buffer.from(Array.from({ length: count }, () => between(random, 0, 255))).toString('latin1');

const strangers: readonly [(random: Random) => string, ...((random: Random) => string)[]] = [
  (random) => someBytes(random, between(random, 1, 400)),
  (random) => `deadbeef ${between(random, 1, 5)} ok exit=${between(random, 0, 9)} timeout=1`,
  (random) => `poolproof/1 ${between(random, 1, 5)} hello x`,
  () => '',
  () => '{"poolproof":"wasm-host","tier":"on-demand"}',
  (random) => 'x'.repeat(between(random, 100, 15_000)),
  () => `[    1.0] Kernel panic - not syncing: not really`,
];

function chunked(random: Random): FaultyMachine {
  const size = between(random, 1, 40);
  return {
    drawn: `everything arrives ${size} characters at a time`,
    say: (line) => (`${line}\n`.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? []).map((text) => ({ text })),
  };
}

const ends: readonly [Partial<Exit>, ...Partial<Exit>[]] = [
  { exitCode: null, signal: 'SIGKILL' },
  { exitCode: null, signal: 'SIGSEGV' },
  { exitCode: 1, stderr: 'qemu-system-x86_64: cannot set up guest memory: Cannot allocate memory' },
  { exitCode: 0, reason: 'guest-reset' },
  { exitCode: 0, reason: 'host-signal' },
];

/** QEMU ends between two lines; what was said before stands. */
function endEarly(random: Random): FaultyMachine {
  const [at, end, machines] = [between(random, 0, lines), pick(random, ends), drawMachines(random)];
  return {
    drawn: `after line ${at} of ${machines} machines: ${end.signal ?? end.reason ?? `exit code ${end.exitCode ?? 'none'}`}`,
    machines,
    at,
    end,
    // A QEMU that nobody killed ended because of its guest.
    ...(end.signal === undefined &&
      end.reason !== 'host-signal' && { alsoRight: [{ outcome: 'guest-died' as const }] }),
  };
}

const panic = '[    1.000000] Kernel panic - not syncing: Attempted to kill init!\n';

const badScripts: readonly [
  Readonly<{ what: string; script: Script; right?: true }>,
  ...Readonly<{ what: string; script: Script; right?: true }>[],
] = [
  { what: 'a panic while the subject runs', script: { dieDuringRun: panic }, right: true },
  { what: 'a reset while the subject runs', script: { dieDuringRun: '' }, right: true },
  { what: 'the end of QEMU behind the answer', script: { dieAfterAnswer: true } },
  { what: 'a panic on the console of a guest that answers', script: { console: panic } },
  { what: 'the end of QEMU before the handshake', script: { exitAtStart: true } },
  { what: 'a clock that runs away', script: { ms: 90_000 } },
  { what: 'a report and another exit code', script: { exitCode: 3 } },
  { what: 'a report and a deadline', script: { timedOut: true, exitCode: 137 } },
  { what: 'another setting than that asked', script: { facts: { '/proc/sys/vm/overcommit_memory': '1' } } },
  { what: 'facts that are not there', script: { facts: { '/proc/meminfo': '' } } },
];

const qmpWords: readonly [string, ...string[]] = [
  'hello\n',
  'null\n',
  '[]\n7\n"x"\n',
  '{"QMP": ',
  '{"event": 7, "data": null}\n',
  '{"return": {}, "id": 1}\n{"return": {}, "id": 1}\n',
  '{"error": null, "id": 1}\n',
  '\u0000\u0000\n',
  `{"x": "${'y'.repeat(100_000)}`,
];

export const fakeRows: readonly FakeRow[] = [
  ...fakeGroup('session', 'cut', {
    'line-lost': {
      weight: 4,
      does: 'a line of a reply is lost',
      draw: (random) => oneLine(random, 'lost', () => []),
    },
    'line-cut': {
      weight: 4,
      does: 'a line of a reply is cut',
      draw: (random) => {
        const [share, isTorn] = [random(), random() < 0.3];
        return oneLine(
          random,
          `cut to ${Math.round(share * 100)} %${isTorn ? ', with its line break' : ''}`,
          (line) => [{ text: line.slice(0, Math.floor(share * line.length)) + (isTorn ? '' : '\n') }],
        );
      },
    },
  }),
  ...fakeGroup('session', 'garble', {
    'line-doubled': {
      weight: 4,
      does: 'a line of a reply comes twice, or again later',
      draw: (random) => {
        const afterMs = pick(random, [0, 0, 1, 5]);
        return oneLine(random, `twice, ${afterMs} ms apart`, (line) => [
          whole(line),
          { ...whole(line), afterMs },
        ]);
      },
    },
  }),
  ...fakeGroup('session', 'flip', {
    'line-flipped': {
      weight: 4,
      does: 'a character of a reply changes',
      draw: (random) => {
        const [at, bit] = [random(), 2 ** between(random, 0, 6)];
        return oneLine(random, `bit ${bit} at ${Math.round(at * 100)} %`, (line) => {
          const index = Math.floor(at * line.length);
          return [
            whole(
              line.slice(0, index) +
                String.fromCharCode(line.charCodeAt(index) ^ bit) +
                line.slice(index + 1),
            ),
          ];
        });
      },
    },
  }),
  ...fakeGroup('session', 'garble', {
    'line-of-others': {
      weight: 4,
      does: 'lines of others come between',
      draw: (random) => {
        const text = pick(random, strangers)(random);
        return oneLine(random, JSON.stringify(text.slice(0, 30)), (line) => [whole(text), whole(line)]);
      },
    },
  }),
  ...fakeGroup('session', 'fill', {
    'line-too-long': {
      weight: 1,
      does: 'a line that never ends',
      draw: (random) =>
        oneLine(random, 'a line of 40 kB', (line) => [{ text: 'z'.repeat(40_000) }, whole(line)]),
    },
  }),
  ...fakeGroup('session', 'slow', {
    stall: {
      weight: 4,
      does: 'a reply stalls',
      draw: (random) => {
        const afterMs = between(random, 1, 400);
        return oneLine(random, `${afterMs} ms late`, (line) => [{ ...whole(line), afterMs }]);
      },
    },
    chunks: { weight: 2, does: 'replies come a few characters at a time', draw: chunked },
  }),
  ...fakeGroup('QEMU', 'kill', {
    'end-early': { weight: 6, does: 'QEMU ends between two lines', draw: endEarly },
  }),
  ...fakeGroup('QEMU', 'garble', {
    guest: {
      weight: 5,
      does: 'a guest dies, lies or contradicts itself',
      draw: (random) => {
        const [{ what, script, right }, machines] = [pick(random, badScripts), drawMachines(random)];
        return {
          drawn: `${machines} machines: ${what}`,
          scripts: Array.from({ length: machines }, () => script),
          machines,
          ...(right && { alsoRight: [{ outcome: 'guest-died' as const }] }),
        };
      },
    },
    qmp: {
      weight: 4,
      does: "garbage on QEMU's machine protocol",
      draw: (random) => {
        const words = [pick(random, qmpWords), pick(random, qmpWords)];
        return { drawn: JSON.stringify(words.join('').slice(0, 60)), qmp: words };
      },
    },
  }),
  ...fakeGroup('harness', 'kill', {
    interrupted: {
      weight: 4,
      does: 'the run is interrupted, and resumed',
      draw: (random) => {
        const interruptAt = between(random, 1, 6);
        return { drawn: `when ${interruptAt} machines were started`, interruptAt };
      },
    },
  }),
  ...fakeGroup('session', 'stop', {
    silent: {
      weight: 0.15,
      slow: true,
      does: 'a guest never answers',
      draw: (random) => {
        const machines = pick(random, [1, 2]);
        return {
          drawn: `${machines} machines`,
          scripts: Array.from({ length: machines }, () => ({ silent: true })),
          machines,
        };
      },
    },
  }),
  ...fakeGroup('session', 'cut', {
    'reply-lost': {
      weight: 0.15,
      slow: true,
      does: 'what a guest says after a line is lost',
      draw: (random) => {
        const at = between(random, 3, lines);
        return {
          drawn: `after line ${at} of the first machine`,
          machines: 1,
          at,
          mute: true,
          alsoRight: silence,
        };
      },
    },
  }),
];
