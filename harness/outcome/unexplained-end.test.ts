import t from 'tap';
import type { AttemptFailure, HostReport } from '../../images/allocator/host-report.ts';
import {
  asked,
  buildObservation,
  buildReported,
  buildSubject,
  conservativeReport,
  exhaustedReport,
  tableFailure,
} from '../fixtures/outcome/observations.ts';
import type { Observation, SubjectRun } from '../guest/observation.ts';
import { classify } from './classify.ts';
import type { Outcome } from './outcome.ts';
import { findUnexplainedEnd } from './unexplained-end.ts';

/** The report, with its first attempt ended in that way. */
function endFirst(report: HostReport, failure: AttemptFailure['class']): HostReport {
  const [first, ...rest] = report.attempts;
  if (first === undefined) throw new RangeError('a report without an attempt');
  return { ...report, attempts: [{ ...first, failure: { ...tableFailure, class: failure } }, ...rest] };
}

type Row = readonly [title: string, observation: Observation, outcome: Outcome, reason: RegExp];

const after = (
  report: HostReport,
  failure: AttemptFailure['class'],
  run: Partial<SubjectRun> = {},
  more: Partial<Observation> = {},
): Observation => buildObservation({ subject: buildReported(endFirst(report, failure), run), ...more });

const unknown = { oomKills: Number.NaN };

t.test('an attempt that ended by a deadline or a kill lets no lower tier count', (t) => {
  const rows: readonly Row[] = [
    ['a mapping that was refused', after(conservativeReport, 'pool-mapping'), 'reached', /table pool/],
    ['a crash', after(conservativeReport, 'crashed'), 'reached', /table pool/],
    [
      'the deadline of the host',
      after(conservativeReport, 'timeout'),
      'broken',
      /says reached conservative, but the attempt at standard was ended by the host's own deadline/,
    ],
    ['its deadline, where no tier works', after(exhaustedReport, 'timeout'), 'broken', /says exhausted, but/],
    [
      'its deadline, while memory was short',
      after(conservativeReport, 'timeout', { oomKills: 1 }),
      'broken',
      /deadline/,
    ],
    [
      'a kill',
      after(conservativeReport, 'killed'),
      'broken',
      /standard was killed, and the kernel says of no lack/,
    ],
    [
      'a kill of the out-of-memory killer',
      after(conservativeReport, 'killed', { oomKills: 1 }),
      'reached',
      /table pool/,
    ],
    [
      'words on the console that the counter does not bear out',
      after(conservativeReport, 'killed', {}, { oomKill: true }),
      'broken',
      /was killed/,
    ],
    [
      'those words, in a guest without a counter',
      after(conservativeReport, 'killed', unknown, { oomKill: true }),
      'reached',
      /table pool/,
    ],
    [
      'a kill in a guest without a counter',
      after(conservativeReport, 'killed', unknown),
      'broken',
      /was killed/,
    ],
  ];
  for (const [title, observation, outcome, reason] of rows)
    t.match(classify(observation, asked), { outcome, reason }, title);
  const two = endFirst(conservativeReport, 'killed');
  const both = { ...two, attempts: [...two.attempts.slice(0, 1), ...two.attempts] };
  const kills = (oomKills: number) =>
    findUnexplainedEnd(buildObservation({ subject: buildReported(both, { oomKills }) }));
  t.match(kills(1), /standard and at standard was killed/, 'one kill of the kernel does not explain two');
  t.equal(kills(2), null);
  t.end();
});

t.test('a host that died without a report is believed as far as its guest got to run', (t) => {
  const late = 'wasm host: standard: nothing within 180 s, killed\n';
  const neither = `${late}wasm host: Node did not start (nothing within 180 s, killed): no tier was tried\n`;
  const died = { exitCode: null, signal: 'SIGKILL' } as const;
  const run = (changes: Partial<SubjectRun>): Observation =>
    buildObservation({ subject: buildSubject({ ...died, ...changes }) });
  const rows: readonly Row[] = [
    [
      'Node neither starts nor ends',
      run({ stderr: neither, guestTimeMs: 179_200 }),
      'crashed',
      /SIGKILL.*Node did not start/,
    ],
    [
      'Node was given 180 s, and the guest was stopped for most of them',
      run({ stderr: neither, guestTimeMs: 90_000 }),
      'broken',
      /180 s, of which the guest could run for 90\.0/,
    ],
    ['an observation from before that was counted', run({ stderr: neither }), 'crashed', /SIGKILL/],
    [
      'a report that could not be written after a deadline',
      run({ exitCode: 3, signal: null, stderr: late, guestTimeMs: 190_000 }),
      'broken',
      /gave a worker 180 s/,
    ],
    [
      'nobody had a deadline: the kernel refused its first mappings',
      run({ guestTimeMs: 900 }),
      'crashed',
      /SIGKILL/,
    ],
    [
      'the harness ended it',
      run({ timedOut: true, stopped: 'request', stderr: late, guestTimeMs: 210_000, durationMs: 400_000 }),
      'timeout',
      /no answer within 210\.0 s/,
    ],
  ];
  for (const [title, observation, outcome, reason] of rows)
    t.match(classify(observation, asked), { outcome, reason }, title);
  t.end();
});

t.test('a guest that hardly got to run gives no verdict, with an answer or without', (t) => {
  const machineEnd = { kind: 'stalled', detail: 'the figures' } as const;
  for (const subject of [
    null,
    buildReported(conservativeReport),
    buildSubject({ timedOut: true, signal: 'SIGKILL' }),
  ])
    t.match(classify(buildObservation({ subject, machineEnd }), asked), {
      outcome: 'broken',
      reason: /hardly got to run: the figures/,
    });
  t.end();
});
