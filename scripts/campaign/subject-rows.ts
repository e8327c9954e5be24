/** Faults of the subject: programs that lie, flood, kill and take what they can get. */
import { between, pick, type Random } from './draw.ts';
import { runOfSubjects, saysStandard, type ForeignSubject, type Truth } from './small-runs.ts';
import type { GuestRow, Way } from './table.ts';

const standard: Truth = { outcome: 'reached', tier: 'standard' };
const onDemand: Truth = { outcome: 'reached', tier: 'on-demand' };
/** It took the memory of its guest, and the guest says so. */
const outOfMemory: readonly Truth[] = (['crashed', 'guest-died'] as const).map((outcome) => ({
  outcome,
  says: /memory/i,
}));

// Without INT and QUIT: a shell's background process ignores them, and a subject is one.
const signals = [
  'HUP',
  'ILL',
  'TRAP',
  'ABRT',
  'BUS',
  'FPE',
  'KILL',
  'USR1',
  'SEGV',
  'PIPE',
  'ALRM',
  'TERM',
] as const;

type Hostile = Readonly<{
  way: Way;
  does: string;
  weight?: number;
  slow?: true;
  subject: (random: Random) => Omit<ForeignSubject, 'name'>;
}>;

const fixed = (script: string, truths: readonly Truth[], timeoutSeconds?: number) => () => ({
  script,
  truths,
  ...(timeoutSeconds !== undefined && { timeoutSeconds }),
});

const hostile: Readonly<Record<string, Hostile>> = {
  signal: {
    way: 'kill',
    does: 'it ends by a signal',
    weight: 3,
    subject: (random) => {
      const name = pick(random, signals);
      return {
        script: `kill -${name} $$; $b sleep 1; exit 1`,
        truths: [{ outcome: 'crashed', signal: `SIG${name}` }],
      };
    },
  },
  'exit-code': {
    way: 'kill',
    does: 'it ends with a code',
    weight: 2,
    subject: (random) => ({
      script: `echo STD; exit ${between(random, 1, 125)}`,
      truths: [{ outcome: 'crashed' }],
    }),
  },
  'forge-end': {
    way: 'garble',
    does: "it writes an end of its own into the session's pipe",
    subject: fixed('echo "exit 0" >/run/subject/event; exit 9', [{ outcome: 'crashed' }]),
  },
  'forge-close': {
    way: 'garble',
    does: 'it says that its output has ended, and goes on',
    subject: fixed(
      'echo STD; for s in out err; do echo "closed $s 0" >/run/subject/event; done; $b sleep 1; echo OND',
      [],
    ),
  },
  'forge-output': {
    way: 'garble',
    does: 'it replaces what was kept of its output',
    subject: fixed(
      'echo OND; $b sleep 0.5; for f in /run/subject /state /proc/1/root/state; do echo STD >$f/out.head; done; true',
      [onDemand],
    ),
  },
  'link-output': {
    way: 'garble',
    does: 'it replaces what was kept of its output by a link',
    subject: fixed(
      'echo OND; $b sleep 0.5; echo STD >/tmp/own; for f in /run/subject /state; do $b ln -sf /tmp/own $f/out.head; done; true',
      [onDemand],
    ),
  },
  'kill-all': {
    way: 'kill',
    does: 'it kills every process it may',
    subject: fixed('echo STD; kill -9 -1; exit 0', [standard], 6),
  },
  'kill-parent': {
    way: 'kill',
    does: 'it kills its parent, which is none that it sees: 0 is its own group',
    subject: fixed('kill -9 $PPID; echo STD', [{ outcome: 'crashed' }], 6),
  },
  flood: {
    way: 'fill',
    does: 'it writes megabytes between two tiers',
    subject: (random) => ({
      script: `echo STD; $b yes ${'x'.repeat(between(random, 1, 60))} | $b head -n ${between(random, 30_000, 90_000)}; echo OND`,
      truths: [],
    }),
  },
  'late-line': {
    way: 'fill',
    does: 'its tier is said behind much else',
    subject: (random) => ({
      script: `$b yes ${'x'.repeat(between(random, 8, 60))} | $b head -n ${between(random, 25_000, 60_000)}; echo OND`,
      truths: [onDemand],
    }),
  },
  'long-line': {
    way: 'fill',
    does: 'its tier is said at the end of a long line',
    subject: (random) => ({
      script: `printf '%${between(random, 4100, 60_000)}s' ''; echo OND`,
      truths: [onDemand],
    }),
  },
  'fill-run': {
    way: 'fill',
    does: 'it fills /run and /tmp',
    subject: (random) => ({
      script: `for f in /run/fill /tmp/fill; do $b dd if=/dev/zero of=$f bs=1M count=${between(random, 16, 90)}; done 2>/dev/null; echo STD`,
      truths: [standard, ...outOfMemory],
    }),
  },
  'many-children': {
    way: 'fill',
    does: 'it leaves many children',
    subject: (random) => ({
      script: `i=0; while [ $i -lt ${between(random, 10, 90)} ]; do $b sleep 100 & i=$((i + 1)); done; echo STD`,
      truths: [standard],
    }),
  },
  'two-tiers': { way: 'garble', does: 'it names two tiers', subject: fixed('echo STD; echo OND >&2', []) },
  freeze: {
    way: 'stop',
    does: 'it stops itself',
    subject: fixed('echo STD; kill -STOP $$; exit 0', [{ outcome: 'timeout' }], 2),
  },
  'stop-all': {
    way: 'stop',
    does: 'it stops every process it may',
    subject: fixed('echo STD; kill -STOP -1; exit 0', [standard], 6),
  },
  'say-killed': {
    way: 'garble',
    does: "it writes the out-of-memory killer's words into the kernel's log, and dies",
    subject: fixed(
      "echo 'Out of memory: Killed process 7 (sh) total-vm:1kB' >/dev/kmsg; kill -9 $$; $b sleep 1",
      [{ outcome: 'crashed', saysNot: /out-of-memory/i }],
    ),
  },
  'say-panic': {
    way: 'garble',
    does: 'it writes a panic on the console, and goes on',
    subject: fixed(
      "echo '[ 1.0] Kernel panic - not syncing: out of memory' >/dev/kmsg; echo 'Kernel panic - not syncing: x' >/dev/ttyS0; echo STD",
      [standard],
    ),
  },
  'hold-streams': {
    way: 'slow',
    does: 'a child of it keeps its output open',
    subject: fixed('$b sleep 100 & echo STD', [standard]),
  },
  'close-streams': {
    way: 'cut',
    does: 'it closes its output before it ends',
    subject: fixed('exec >&- 2>&-; $b sleep 0.5; exit 0', [{ outcome: 'reached', tier: null }]),
  },
  'speak-protocol': {
    way: 'garble',
    does: 'it writes messages of the protocol',
    subject: fixed(
      'for n in 1 2 3 4 5; do echo "poolproof/1 $n ok exit=0 timeout=0"; for p in /dev/vport*; do echo "x $n ok exit=9" >$p; done; done 2>/dev/null; echo STD',
      [standard],
    ),
  },
  'remove-session': {
    way: 'cut',
    does: "it removes the session's files",
    subject: fixed(
      '$b rm -rf /run/subject /state /session /bin/read-files /bin/keep; echo STD',
      [standard],
      6,
    ),
  },
  'mount-over': {
    way: 'garble',
    does: "it mounts over the session's files",
    subject: fixed('$b mount -t tmpfs none /run; $b mount -t tmpfs none /tmp; echo STD', [standard], 6),
  },
  reset: {
    way: 'kill',
    weight: 0.4,
    slow: true,
    does: 'it resets its machine',
    subject: fixed('echo STD; echo b >/proc/sysrq-trigger; $b sleep 5', [{ outcome: 'guest-died' }], 8),
  },
  reboot: {
    way: 'kill',
    weight: 0.4,
    does: 'it asks for a reboot, which ends the processes of its own namespace',
    subject: fixed('echo STD; $b reboot -f; $b sleep 5', [{ outcome: 'crashed' }], 8),
  },
};

/** A neighbour beside it must not notice. */
export const subjectRows: readonly GuestRow[] = Object.entries(hostile).map(
  ([name, { subject, weight = 1, ...row }]) => ({
    ...row,
    name: `subject-${name}`,
    target: 'subject',
    weight,
    draw: (random) => {
      const drawn = { name, ...subject(random) };
      return {
        drawn: drawn.script.slice(0, 160),
        run: runOfSubjects('subject', [drawn, saysStandard]),
        ends: 'judged',
      };
    },
  }),
);
