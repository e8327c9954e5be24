/** Faults of the cache: templates and images are flipped, cut, garbled and removed. */
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { between, pick, type Random } from './draw.ts';
import type { Moment } from './harness.ts';
import { drawRun, type SmallRun } from './small-runs.ts';
import { guestGroup, type GuestRow, type Scene } from './table.ts';
import { harm, sizeOf, type Workplace } from './workplace.ts';

/** Random bytes at random places; what is drawn is drawn before the file is known. */
function drawFlips(random: Random, most: number): (file: string) => void {
  const flips = Array.from(
    { length: between(random, 1, most) },
    () => [random(), between(random, 0, 255)] as const,
  );
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
  pick(random, [
    '',
    '{',
    'null',
    '[]',
    '{"schema": 99}',
    '\0\0\0\0',
    'x'.repeat(5000),
    '{"format":1,"key":',
    '[[[[',
  ]);

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
    before: (place) => {
      harmCache(place);
    },
    ends: 'judged',
  };
}

const harmTemplates =
  (name: string, change: (file: string) => void, keepTime: boolean) => (place: Workplace) => {
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
  const [run, moment]: [SmallRun, Moment] = [
    drawRun(random),
    { after: 'cells', ms: between(random, 0, 800) },
  ];
  return {
    drawn: `${run.name}: every template is removed, ${moment.ms} ms after cells`,
    run,
    moment,
    strike: (_harness, place) => {
      for (const file of place.templateFiles('')) rmSync(file, { recursive: true, force: true });
      return [];
    },
    ends: 'judged',
  };
}

export const cacheRows: readonly GuestRow[] = [
  ...guestGroup('cache', 'flip', {
    'flip-ram': {
      weight: 1,
      slow: true,
      does: "bytes of a template's RAM change, its time stays",
      draw: (random) =>
        cacheScene(
          random,
          'RAM files with flipped bytes',
          harmTemplates('ram', drawFlips(random, 4000), true),
        ),
    },
    'flip-state': {
      weight: 1,
      slow: true,
      does: "bytes of a template's device state change",
      draw: (random) =>
        cacheScene(random, 'states with flipped bytes', harmTemplates('state', drawFlips(random, 40), true)),
    },
  }),
  ...guestGroup('cache', 'cut', {
    'cut-ram': {
      weight: 0.7,
      slow: true,
      does: "a template's RAM is cut",
      draw: (random) => cacheScene(random, 'RAM files cut', harmTemplates('ram', drawCut(random), true)),
    },
    'cut-state': {
      weight: 0.7,
      slow: true,
      does: "a template's device state is cut",
      draw: (random) => cacheScene(random, 'states cut', harmTemplates('state', drawCut(random), true)),
    },
  }),
  ...guestGroup('cache', 'garble', {
    'garble-template-record': {
      weight: 0.7,
      slow: true,
      does: "a template's record is no record",
      draw: (random) => {
        const text = garble(random);
        return cacheScene(
          random,
          `template.json is ${JSON.stringify(text.slice(0, 20))}`,
          harmTemplates('template.json', (file) => writeFileSync(file, text), false),
        );
      },
    },
  }),
  ...guestGroup('cache', 'cut', {
    'remove-templates': { weight: 2, does: 'templates are removed while cells run', draw: removeScene },
    'cut-image': {
      weight: 0.7,
      slow: true,
      does: 'an image is cut',
      draw: (random) => imageScene(random, 'cut', drawCut(random)),
    },
  }),
  ...guestGroup('cache', 'flip', {
    'flip-image': {
      weight: 0.7,
      slow: true,
      does: 'bytes of an image change',
      draw: (random) =>
        imageScene(random, 'flipped bytes', (file) => {
          drawFlips(random, 100)(file);
          execFileSync('touch', [file]);
        }),
    },
  }),
  ...guestGroup('cache', 'garble', {
    'garble-experience': {
      weight: 1,
      does: 'what earlier runs took is garbage',
      draw: (random) => {
        const text = garble(random);
        return cacheScene(random, `experience.json is ${JSON.stringify(text.slice(0, 20))}`, (place) => {
          const file = path.join(place.cache, 'experience.json');
          rmSync(file, { force: true });
          writeFileSync(file, text);
        });
      },
    },
  }),
];
