/** Faults of files: templates and images in the cache, the lines and the record of a run, disks that are full. */
import { execFileSync } from 'node:child_process';
import {

  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { between, pick, type Random } from './draw.ts';
import type { Moment } from './harness.ts';
import { hosts, otherHosts, programs, type SmallRun } from './small-runs.ts';
import type { GuestRow, Scene } from './table.ts';
import { harm, sizeOf, type Workplace } from './workplace.ts';

const drawRun = (random: Random): SmallRun => pick(random, [hosts, programs]);

/** Random bytes at random places; what is drawn is drawn before the file is known. */
function drawFlips(random: Random, most: number): (file: string) => void {
  const flips = Array.from({ length: between(random, 1, most) }, () => [random(), between(random, 0, 255)] as const);
  return (file) => {
    const size = sizeOf(file);
    const handle = openSync(file, 'r+');
    for (const [at, byte] of flips) writeSync(handle, Buffer.of(byte), 0, 1, Math.floor(at * size));
    closeSync(handle);
  };
}

const drawCut = (random: Random): ((file: string) => void) => {
  const share = random();
  return (file) => truncateSync(file, Math.floor(share * sizeOf(file)));
};

const garble = (random: Random): string =>
  pick(random, ['', '{', 'null', '[]', '{"schema": 99}', '\0\0\0\0', 'x'.repeat(5000), '{"format":1,"key":', '[[[[']);

/** Something of the cache is harmed before the run; the run is right without it, or makes it anew. */
function cacheScene(
  random: Random,
  drawn: string,
  harmCache: (place: Workplace) => void,
  run = drawRun(random),
): Scene {
  return {
    drawn: `${run.name}: ${drawn}`,
    run,
    before: (place) => Promise.resolve(harmCache(place)),
    ends: 'judged',
  };
}

const harmTemplates = (name: string, change: (file: string) => void, keepTime: boolean) => (place: Workplace) => {
  for (const file of place.templateFiles(name)) harm(file, change, keepTime);
};

/** One image among those that were built. */
function imageScene(random: Random, what: string, change: (file: string) => void): Scene {
  const which = random();
  return cacheScene(random, `${what}, image ${Math.floor(which * 100)} % down the list`, (place) => {
    const blobs = place.builtBlobs().sort();
    const blob = blobs[Math.floor(which * blobs.length)];
    if (blob === undefined) throw new Error('no image in the cache');
    harm(blob, (copy) => {
      execFileSync('chmod', ['u+w', copy]);
      change(copy);
    });
  });
}

/** Templates go while the cells that want them run. */
function removeScene(random: Random): Scene {
  const [run, moment]: [SmallRun, Moment] = [drawRun(random), { after: 'cells', ms: between(random, 0, 800) }];
  return {
    drawn: `${run.name}: every template is removed, ${moment.ms} ms after cells`,
    run,
    moment,
    strike: (_harness, place) => {
      for (const file of place.templateFiles('')) rmSync(file, { recursive: true, force: true });
      return Promise.resolve([]);
    },
    ends: 'judged',
  };
}

/** The harness is killed when some lines are there, files are harmed, then it is resumed. */
function resumeScene(random: Random, drawn: string, harmRun: (dir: string) => void, resume: Scene['resume']): Scene {
  const moment: Moment = { after: 'first', ms: between(random, 0, 150) };
  return {
    drawn: `hosts: killed ${moment.ms} ms after first, ${drawn}, resumed`,
    run: hosts,
    args: ['--jobs', '1'],
    moment,
    strike: (harness) => Promise.resolve(harness.signal('SIGKILL')).then(() => []),
    ends: 'stopped',
    between: ({ runDir }) => {
      if (runDir === null) throw new Error('no run to harm');
      harmRun(runDir);
      return Promise.resolve();
    },
    ...(resume !== undefined && { resume }),
  };
}

const linesFile = (dir: string): string => path.join(dir, 'cells.jsonl');

function cutLineScene(random: Random): Scene {
  const share = 0.02 + random() * 0.96;
  return resumeScene(random, `the last line cut to ${Math.round(share * 100)} %`, (dir) => {
    const text = readFileSync(linesFile(dir), 'utf8');
    const last = text.lastIndexOf('\n', text.length - 2) + 1;
    truncateSync(linesFile(dir), last + Math.max(1, Math.floor((Buffer.byteLength(text) - last) * share)));
  }, 'completes');
}

function garbleLineScene(random: Random): Scene {
  const [at, byte] = [random(), pick(random, ['{', '}', '"', '\0', ','])];
  return resumeScene(random, `a ${JSON.stringify(byte)} in the first line, another line behind it`, (dir) => {
    const [first = '', ...rest] = readFileSync(linesFile(dir), 'utf8').split('\n');
    // Behind the schema's number and before the end: a place that makes it no JSON.
    const place = 20 + Math.floor(at * (first.indexOf('"reason"') - 20));
    const harmed = `${first.slice(0, place)}"${byte}${first.slice(place)}`;
    writeFileSync(linesFile(dir), [harmed, ...rest].join('\n'));
  }, { code: 'STORE_CORRUPT' });
}

function garbleRecordScene(random: Random): Scene {
  const text = pick(random, ['', '{', 'null', '[]', '{"schema":1}', '\0\0', '{"schema":1,"id":7}']);
  return resumeScene(random, `run.json is ${JSON.stringify(text)}`, (dir) => writeFileSync(path.join(dir, 'run.json'), text), {
    code: 'STORE_CORRUPT',
  });
}

/** Another matrix than that of the run's record. */
function otherMatrixScene(random: Random): Scene {
  const scene = resumeScene(random, 'the title of its matrix changed', () => undefined, undefined);
  return {
    ...scene,
    between: async (place) => {
      const { exitCode, stderr } = await place.start({ ...otherHosts, name: 'hosts' }, ['--resume']).ended;
      if (exitCode !== 2 || !stderr.includes('USAGE')) throw new Error(`--resume of another matrix: exit code ${exitCode ?? 'none'}`);
    },
    resume: 'completes',
  };
}

function halfWrittenScene(random: Random): Scene {
  const name = `.tmp-${between(random, 1000, 9999)}`;
  return resumeScene(random, 'half-written evidence lies there', (dir) => {
    mkdirSync(path.join(dir, 'evidence', name), { recursive: true });
    writeFileSync(path.join(dir, 'evidence', name, 'console.log'), 'half');
  }, 'completes');
}

/** A file that no reader ever gets to the end of. */
const fifoScene = (random: Random): Scene =>
  resumeScene(random, 'cells.jsonl is a FIFO', (dir) => {
    rmSync(linesFile(dir));
    execFileSync('mkfifo', [linesFile(dir)]);
  }, { code: 'STORE_' });

const isRoot = process.getuid?.() === 0;
const needsRoot = (): string | null => (isRoot ? null : 'mounting a small disk needs root');

const mount = (folder: string, sizeKib: number): void => {
  mkdirSync(folder, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeKib}k`, 'tmpfs', folder]);
};

/** Results on a disk that is full soon; it grows before the run is resumed. */
function fullResultsScene(random: Random): Scene {
  const [run, size] = [drawRun(random), between(random, 16, 120)];
  return {
    drawn: `${run.name}: results on a disk of ${size} KiB; resumed on one of 16 MiB`,
    run,
    before: (place) => Promise.resolve(mount(place.results, size)),
    ends: 'judged or stopped',
    between: (place) => {
      execFileSync('mount', ['-o', 'remount,size=16m', place.results]);
      return Promise.resolve();
    },
    resume: 'completes',
    after: (place) => Promise.resolve(void execFileSync('umount', [place.results])),
  };
}

/** No space for a template: cells are booted. */
function fullTemplatesScene(random: Random): Scene {
  const [run, size] = [programs, between(random, 1, 64)];
  const folder = (place: Workplace): string => path.join(place.cache, 'templates');
  return {
    drawn: `${run.name}: templates on a disk of ${size} MiB`,
    run,
    before: (place) => Promise.resolve(mount(folder(place), size * 1024)),
    ends: 'judged',
    after: (place) => Promise.resolve(void execFileSync('umount', [folder(place)])),
  };
}

const noTmpScene = (random: Random): Scene => ({
  drawn: 'hosts: TMPDIR is not there',
  run: { ...hosts, name: 'hosts' },
  env: { TMPDIR: `/nonexistent/${between(random, 1, 9)}` },
  args: pick(random, [[], ['--cold']]),
  ends: 'judged',
});

export const fileRows: readonly GuestRow[] = [
  { name: 'flip-ram', target: 'cache', way: 'flip', weight: 4, does: "bytes of a template's RAM change, its time stays", draw: (random) => cacheScene(random, 'RAM files with flipped bytes', harmTemplates('ram', drawFlips(random, 4000), true)) },
  { name: 'flip-state', target: 'cache', way: 'flip', weight: 1, does: "bytes of a template's device state change", draw: (random) => cacheScene(random, 'states with flipped bytes', harmTemplates('state', drawFlips(random, 40), true)) },
  { name: 'cut-ram', target: 'cache', way: 'cut', weight: 0.7, does: "a template's RAM is cut", draw: (random) => cacheScene(random, 'RAM files cut', harmTemplates('ram', drawCut(random), true)) },
  { name: 'cut-state', target: 'cache', way: 'cut', weight: 0.7, does: "a template's device state is cut", draw: (random) => cacheScene(random, 'states cut', harmTemplates('state', drawCut(random), true)) },
  { name: 'garble-template-record', target: 'cache', way: 'garble', weight: 0.7, does: "a template's record is no record", draw: (random) => { const text = garble(random); return cacheScene(random, `template.json is ${JSON.stringify(text.slice(0, 20))}`, harmTemplates('template.json', (file) => writeFileSync(file, text), false)); } },
  { name: 'remove-templates', target: 'cache', way: 'cut', weight: 2, does: 'templates are removed while cells run', draw: removeScene },
  { name: 'cut-image', target: 'cache', way: 'cut', weight: 0.7, does: 'an image is cut', draw: (random) => imageScene(random, 'cut', drawCut(random)) },
  { name: 'flip-image', target: 'cache', way: 'flip', weight: 0.7, does: 'bytes of an image change', draw: (random) => imageScene(random, 'flipped bytes', (file) => { drawFlips(random, 100)(file); execFileSync('touch', [file]); }) },
  { name: 'garble-experience', target: 'cache', way: 'garble', weight: 1, does: 'what earlier runs took is garbage', draw: (random) => { const text = garble(random); return cacheScene(random, `experience.json is ${JSON.stringify(text.slice(0, 20))}`, (place) => { const file = path.join(place.cache, 'experience.json'); rmSync(file, { force: true }); writeFileSync(file, text); }); } },
  { name: 'cut-last-line', target: 'results', way: 'cut', weight: 3, does: 'the last line is cut between kill and --resume', draw: cutLineScene },
  { name: 'garble-line', target: 'results', way: 'garble', weight: 2, does: 'a line is damaged between kill and --resume', draw: garbleLineScene },
  { name: 'garble-record', target: 'results', way: 'garble', weight: 2, does: 'run.json is damaged between kill and --resume', draw: garbleRecordScene },
  { name: 'other-matrix', target: 'results', way: 'garble', weight: 1, does: 'the matrix changes between kill and --resume, and back', draw: otherMatrixScene },
  { name: 'half-written', target: 'results', way: 'cut', weight: 1, does: 'evidence was being written when the harness was killed', draw: halfWrittenScene },
  { name: 'fifo-lines', target: 'results', way: 'garble', weight: 0.5, does: 'a FIFO stands in place of the lines', draw: fifoScene },
  { name: 'full-results', target: 'disk', way: 'fill', weight: 3, does: 'the disk of the results is full', cannot: needsRoot, draw: fullResultsScene },
  { name: 'full-templates', target: 'disk', way: 'fill', weight: 0.7, does: 'the disk of the templates is full', cannot: needsRoot, draw: fullTemplatesScene },
  { name: 'no-tmp', target: 'disk', way: 'cut', weight: 0.7, does: 'TMPDIR is not there', draw: noTmpScene },
];
