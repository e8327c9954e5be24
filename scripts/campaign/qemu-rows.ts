/** A QEMU that misbehaves: a script in its place that does something first, and then becomes the real one. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { defaultArchitecture } from '../../images/architectures.ts';
import { between, pick, type Random } from './draw.ts';
import { programs } from './small-runs.ts';
import { guestGroup, type GuestRow, type Scene } from './table.ts';

const { program } = defaultArchitecture.qemu;
const findReal = (): string =>
  execFileSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).trim();

/** `$q` is the real QEMU; descriptor 4 is its machine protocol, 3 the session's port, 5 the console. */
function scriptScene(drawn: string, body: string, ends: Scene['ends'], atVersion = false): Scene {
  const folder = '/qemu-first';
  return {
    drawn: `programs: ${drawn}`,
    run: programs,
    // The place and time of QEMU are part of a template's name.
    args: ['--cold'],
    before: (place) => {
      const bin = place.root + folder;
      mkdirSync(bin, { recursive: true });
      const guard = atVersion ? '' : 'case $1 in --version) exec "$q" "$@" ;; esac\n';
      writeFileSync(path.join(bin, program), `#!/bin/sh\nq=${findReal()}\n${guard}${body}\nexec "$q" "$@"\n`);
      chmodSync(path.join(bin, program), 0o755);
    },
    path: folder,
    ends,
  };
}

const garbage: readonly [string, ...string[]] = [
  'echo hello >&4',
  'echo null >&4',
  'echo \'{"QMP": \' >&4',
  'printf \'{"event": "SHUTDOWN"\' >&4',
  'printf \'[]\\n7\\n"x"\\n{}\\n{"return":1,"id":1}\\n\' >&4',
  "printf '\\377\\376\\000\\n' >&4",
  'head -c 3000000 /dev/zero >&4 &',
  'head -c 3000000 /dev/urandom >&4 &',
];

const wordsOnPort: readonly [string, ...string[]] = [
  'echo hello >&3',
  'echo "poolproof/1 1 ok protocol=1" >&3',
  'printf "x 1 begin data out\\nAAAA\\n" >&3',
  'head -c 12000 /dev/zero >&3',
  'echo "Kernel panic - not syncing: made up" >&5',
];

/** QEMU ends before its guest is up, every time or the first so many times. */
function exitScene(random: Random): Scene {
  const [code, delay] = [between(random, 0, 3), pick(random, ['0', '0.2', '1.5'])];
  return scriptScene(
    `QEMU ends with ${code} after ${delay} s`,
    `sleep ${delay}; echo "no such device" >&2; exit ${code}`,
    'judged',
  );
}

export const qemuRows: readonly GuestRow[] = [
  ...guestGroup('QEMU', 'garble', {
    'qmp-garbage': {
      weight: 1,
      slow: true,
      does: "garbage on QEMU's machine protocol",
      draw: (random) => {
        const words = pick(random, garbage);
        return scriptScene(words, words, 'judged');
      },
    },
  }),
  ...guestGroup('session', 'garble', {
    'port-garbage': {
      weight: 1,
      slow: true,
      does: "words on the session's port and the console before the guest's",
      draw: (random) => {
        const words = pick(random, wordsOnPort);
        return scriptScene(words, words, 'judged');
      },
    },
  }),
  ...guestGroup('QEMU', 'kill', {
    'qemu-exits': { weight: 0.7, slow: true, does: 'QEMU ends before its guest is up', draw: exitScene },
  }),
  ...guestGroup('QEMU', 'slow', {
    'qemu-slow-start': {
      weight: 0.7,
      slow: true,
      does: 'QEMU takes its time to start',
      draw: (random) => {
        const ms = between(random, 200, 3000);
        return scriptScene(`QEMU starts after ${ms} ms`, `sleep ${ms / 1000}`, 'judged');
      },
    },
  }),
  ...guestGroup('QEMU', 'garble', {
    'version-garbage': {
      weight: 0.5,
      does: '`qemu --version` gives no version',
      draw: (random) => {
        const words = pick(random, [
          'echo hello; exit 0',
          'exit 1',
          'echo version 0.1; exit 0',
          'kill -9 $$',
          'sleep 600; exit 0',
          'head -c 9000000 /dev/zero; exit 0',
        ]);
        return scriptScene(words, `case $1 in --version) ${words} ;; esac`, 'refused', true);
      },
    },
  }),
];
