import t from 'tap';
import { axes } from '../axes/table.ts';
import { buildSubject } from '../fixtures/outcome/observations.ts';
import type { SubjectRun } from '../guest/observation.ts';
import type { Subject } from '../matrix/subject.ts';
import { findShippedSubject } from '../matrix/subject-resolve.ts';
import { classifyForeign } from './classify-foreign.ts';
import { findTier } from './find-tier.ts';

const GiB = 2 ** 30;

const viewOf = (largestBytes: number) => ({
  end: null,
  up: {
    name: 'server',
    processes: 1,
    virtualBytes: largestBytes + GiB,
    writableBytes: GiB,
    residentBytes: GiB,
    peakResidentBytes: GiB,
    maps: 2,
    largest: [
      { bytes: largestBytes, protection: '---p', name: '' },
      { bytes: 4096, protection: 'r-xp', name: '/server' },
    ],
    minorFaults: 1,
    majorFaults: 0,
    committedBytes: GiB,
  },
});

/** Standard by line or mapping, on-demand by mapping only; conservative by line only. */
const visible: Subject = {
  name: 'server',
  title: null,
  files: [],
  run: ['server'],
  ready: { kind: 'port', port: 3000 },
  timeoutMs: null,
  words: [
    { word: 'standard', patterns: ['^pooling on$'], mapped: [{ atLeast: 4000 * GiB, below: null }] },
    { word: 'conservative', patterns: ['^small pool$'] },
    { word: 'on-demand', patterns: [], mapped: [{ atLeast: null, below: 64 * GiB }] },
    { word: 'mapping', patterns: ['mmap failed'] },
  ],
};

const seen = (largestBytes: number | null, stdout = '', changes: Partial<SubjectRun> = {}) =>
  classifyForeign(
    buildSubject({
      ready: true,
      stdout,
      ...(largestBytes !== null && { process: viewOf(largestBytes) }),
      ...changes,
    }),
    false,
    visible,
  );

t.test('the largest mapping of a silent subject is its tier, which is seen', (t) => {
  t.match(seen(4001 * GiB), {
    outcome: 'reached',
    tier: 'standard',
    reason: 'seen standard: its largest mapping has 3.91 TiB',
    summary: { basis: 'seen', line: null },
  });
  t.match(seen(4 * GiB), { tier: 'on-demand', summary: { basis: 'seen' } });
  t.match(seen(100 * GiB), {
    outcome: 'reached',
    tier: null,
    reason: /its largest mapping is of no tier/,
  });
  t.end();
});

t.test('what is seen counts more than what is told, and a contradiction has no verdict', (t) => {
  t.match(seen(4001 * GiB, 'pooling on\n'), {
    tier: 'standard',
    reason: /^seen standard: .*; says pooling on$/,
    summary: { basis: 'seen', line: 'pooling on' },
  });
  t.match(seen(4 * GiB, 'pooling on\n'), {
    outcome: 'broken',
    tier: null,
    reason: 'it says standard: pooling on; its largest mapping has 4096 MiB, as of on-demand',
  });
  t.match(seen(100 * GiB, 'pooling on\n'), {
    outcome: 'broken',
    reason: /it says standard: pooling on; its largest mapping has 100 GiB$/,
  });
  t.match(
    seen(100 * GiB, 'small pool\n'),
    { outcome: 'reached', tier: 'conservative', summary: { basis: 'told' } },
    'a tier without bounds can only be told',
  );
  t.match(seen(4 * GiB, 'small pool\n'), { outcome: 'broken' });
  t.end();
});

t.test('bounds without a process to look at leave no verdict', (t) => {
  t.match(seen(null), { outcome: 'broken', reason: /could not be looked at while it was up/ });
  t.match(seen(null, 'pooling on\n'), { outcome: 'reached', summary: { basis: 'told' } });
  t.match(
    seen(null, '', { ready: false as never, exitCode: 1, stderr: 'mmap failed\n' }),
    { outcome: 'exhausted', summary: { failure: 'mapping' } },
    'one that never came up needs none',
  );
  const both = {
    ...visible,
    words: visible.words.map((word) => ({ ...word, mapped: [{ atLeast: null, below: null }] })),
  };
  t.match(classifyForeign(buildSubject({ ready: true, process: viewOf(GiB) }), false, both), {
    outcome: 'broken',
    reason: /means standard and conservative and on-demand/,
  });
  t.end();
});

t.test('a pool of any size is one in every shipped host, and a memory on demand is none', (t) => {
  const sizes: readonly (readonly [gib: number, tier: string])[] = [
    [4034, 'standard'],
    [484, 'conservative'],
    [42, 'conservative'],
    [2, 'conservative'],
    [4 + 1 / 16, 'on-demand'],
    [0.2, 'on-demand'],
  ];
  for (const name of ['spin', 'spin-sizes', 'wash', 'wasmtime-run', 'wasmtime-serve']) {
    const subject = findShippedSubject(name, axes);
    if (subject === null) throw new RangeError(name);
    for (const [gib, tier] of sizes) {
      const found = findTier([], subject, viewOf(gib * GiB).up);
      t.match(found, { kind: 'tier', tier, basis: 'seen' }, `${name}, ${gib} GiB`);
    }
  }
  t.end();
});
