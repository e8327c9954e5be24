/** Faults of results and disks: lines and the record of a run between a kill and --resume, disks that are full. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { between, pick, type Random } from './draw.ts';
import type { Moment } from './harness.ts';
import { drawRun, hosts, otherHosts, programs } from './small-runs.ts';
import { guestGroup, type GuestRow, type Scene } from './table.ts';
import type { Workplace } from './workplace.ts';

/** The harness is killed when some lines are there, files are harmed, then it is resumed. */
function resumeScene(
  random: Random,
  drawn: string,
  harmRun: (dir: string) => void,
  resume: Scene['resume'],
): Scene {
  const moment: Moment = { after: 'first', ms: between(random, 0, 150) };
  return {
    drawn: `hosts: killed ${moment.ms} ms after first, ${drawn}, resumed`,
    run: hosts,
    args: ['--jobs', '1'],
    moment,
    strike: (harness) => {
      harness.signal('SIGKILL');
      return [];
    },
    ends: 'stopped',
    between: ({ runDir }) => {
      if (runDir === null) throw new Error('no run to harm');
      harmRun(runDir);
    },
    ...(resume !== undefined && { resume }),
  };
}

const linesFile = (dir: string): string => path.join(dir, 'cells.jsonl');

function cutLineScene(random: Random): Scene {
  const share = 0.02 + random() * 0.96;
  return resumeScene(
    random,
    `the last line cut to ${Math.round(share * 100)} %`,
    (dir) => {
      const text = readFileSync(linesFile(dir), 'utf8');
      const last = text.lastIndexOf('\n', text.length - 2) + 1;
      truncateSync(linesFile(dir), last + Math.max(1, Math.floor((Buffer.byteLength(text) - last) * share)));
    },
    'completes',
  );
}

function garbleLineScene(random: Random): Scene {
  const [at, byte] = [random(), pick(random, ['{', '}', '"', '\0', ','])];
  return resumeScene(
    random,
    `a ${JSON.stringify(byte)} in the first line`,
    (dir) => {
      const [first = '', ...rest] = readFileSync(linesFile(dir), 'utf8').split('\n');
      // Behind the schema's number and before the end: a place that makes it no JSON.
      const place = 20 + Math.floor(at * (first.indexOf('"reason"') - 20));
      const harmed = `${first.slice(0, place)}"${byte}${first.slice(place)}`;
      writeFileSync(linesFile(dir), [harmed, ...rest].join('\n'));
    },
    { code: 'STORE_CORRUPT' },
  );
}

function garbleRecordScene(random: Random): Scene {
  const text = pick(random, ['', '{', 'null', '[]', '{"schema":1}', '\0\0', '{"schema":1,"id":7}']);
  return resumeScene(
    random,
    `run.json is ${JSON.stringify(text)}`,
    (dir) => writeFileSync(path.join(dir, 'run.json'), text),
    {
      code: 'STORE_CORRUPT',
    },
  );
}

/** Another matrix than that of the run's record. */
function otherMatrixScene(random: Random): Scene {
  const scene = resumeScene(random, 'the title of its matrix changed', () => undefined, undefined);
  return {
    ...scene,
    between: async (place) => {
      const { exitCode, stderr } = await place.start({ ...otherHosts, name: 'hosts' }, ['--resume']).ended;
      if (exitCode !== 2 || !stderr.includes('USAGE'))
        throw new Error(`--resume of another matrix: exit code ${exitCode ?? 'none'}`);
    },
    resume: 'completes',
  };
}

function halfWrittenScene(random: Random): Scene {
  const name = `.tmp-${between(random, 1000, 9999)}`;
  return resumeScene(
    random,
    'half-written evidence lies there',
    (dir) => {
      mkdirSync(path.join(dir, 'evidence', name), { recursive: true });
      writeFileSync(path.join(dir, 'evidence', name, 'console.log'), 'half');
    },
    'completes',
  );
}

/** A file that no reader ever gets to the end of. */
const fifoScene = (random: Random): Scene =>
  resumeScene(
    random,
    'cells.jsonl is a FIFO',
    (dir) => {
      rmSync(linesFile(dir));
      execFileSync('mkfifo', [linesFile(dir)]);
    },
    { code: 'STORE_' },
  );

const isRoot = process.getuid?.() === 0;
const needsRoot = (): string | null => (isRoot ? null : 'mounting a small disk needs root');

const mount = (folder: string, sizeKib: number): void => {
  mkdirSync(folder, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeKib}k,mode=0700`, 'tmpfs', folder]);
};

/** Results on a disk that is full soon; it grows before the run is resumed. */
function fullResultsScene(random: Random): Scene {
  const [run, size] = [drawRun(random), between(random, 16, 120)];
  return {
    drawn: `${run.name}: results on a disk of ${size} KiB; resumed on one of 16 MiB`,
    run,
    before: (place) => {
      mount(place.results, size);
    },
    ends: 'judged or stopped',
    lacks: 'DISK_FULL',
    between: (place) => {
      execFileSync('mount', ['-o', 'remount,size=16m', place.results]);
    },
    resume: 'completes',
    after: (place) => {
      execFileSync('umount', [place.results]);
    },
  };
}

/** No space for a template: cells are booted. */
function fullTemplatesScene(random: Random): Scene {
  const [run, size] = [programs, between(random, 1, 64)];
  const folder = (place: Workplace): string => path.join(place.cache, 'templates');
  return {
    drawn: `${run.name}: templates on a disk of ${size} MiB`,
    run,
    before: (place) => {
      mount(folder(place), size * 1024);
    },
    ends: 'judged',
    after: (place) => {
      execFileSync('umount', [folder(place)]);
    },
  };
}

const noTmpScene = (random: Random): Scene => ({
  drawn: 'hosts: TMPDIR is not there',
  run: hosts,
  env: { TMPDIR: `/nonexistent/${between(random, 1, 9)}` },
  args: pick(random, [[], ['--cold']]),
  // Nothing needs it where every template is there; else a sentence is right.
  ends: 'judged or stopped',
  lacks: 'TMPDIR_UNWRITABLE',
});

export const resultsRows: readonly GuestRow[] = [
  ...guestGroup('results', 'cut', {
    'cut-last-line': {
      weight: 3,
      does: 'the last line is cut between kill and --resume',
      draw: cutLineScene,
    },
  }),
  ...guestGroup('results', 'garble', {
    'garble-line': { weight: 2, does: 'a line is damaged between kill and --resume', draw: garbleLineScene },
    'garble-record': {
      weight: 2,
      does: 'run.json is damaged between kill and --resume',
      draw: garbleRecordScene,
    },
    'other-matrix': {
      weight: 1,
      does: 'the matrix changes between kill and --resume, and back',
      draw: otherMatrixScene,
    },
  }),
  ...guestGroup('results', 'cut', {
    'half-written': {
      weight: 1,
      does: 'evidence was being written when the harness was killed',
      draw: halfWrittenScene,
    },
  }),
  ...guestGroup('results', 'garble', {
    'fifo-lines': { weight: 0.5, does: 'a FIFO stands in place of the lines', draw: fifoScene },
  }),
  ...guestGroup('disk', 'fill', {
    'full-results': {
      weight: 3,
      does: 'the disk of the results is full',
      cannot: needsRoot,
      draw: fullResultsScene,
    },
    'full-templates': {
      weight: 0.7,
      slow: true,
      does: 'the disk of the templates is full',
      cannot: needsRoot,
      draw: fullTemplatesScene,
    },
  }),
  ...guestGroup('disk', 'cut', {
    'no-tmp': { weight: 0.7, does: 'TMPDIR is not there', draw: noTmpScene },
  }),
];
