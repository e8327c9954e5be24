import t from 'tap';
import { describeShortfall } from '../../images/allocator/explain.ts';
import type { Prediction } from '../../images/allocator/prediction.ts';
import {
  asked,
  buildObservation,
  buildReported,
  buildSubject,
  conservativePrediction,
  conservativeReport,
  tableShortfall,
} from '../fixtures/outcome/observations.ts';
import { settings } from '../fixtures/report/results.ts';
import type { SubjectProcess } from '../guest/subject-process.ts';
import type { Subject } from '../matrix/subject.ts';
import { compare } from './expect.ts';
import { judge } from './judge.ts';
import { estimateCell, findSubject } from './predict-cell.ts';

const program = { version: '49.0.4', says: 'wasmtime 49.0.3', sha256: 'a'.repeat(64) };
const server: Subject = {
  name: 'server',
  title: null,
  files: [],
  run: ['server'],
  program,
  ready: { kind: 'port', port: 8080 },
  words: [{ word: 'pool-mapping', patterns: ['failed to create'] }],
  timeoutMs: null,
};
const ended = buildObservation({
  subject: buildSubject({ exitCode: 1, stdout: '', stderr: 'failed to create table pool mapping\n' }),
});
const up = buildObservation({ subject: buildSubject({ ready: true, stdout: '', stderr: '' }) });

const refused = {
  outcome: 'exhausted',
  tier: null,
  checks: null,
  tiers: [{ tier: 'standard', fits: false, shortfall: tableShortfall }],
  startup: null,
} as const satisfies Prediction;
const whole = {
  ...refused,
  outcome: 'reached',
  tier: 'standard',
  checks: 'elided',
  tiers: [{ tier: 'standard', fits: true, checks: 'elided', slots: 1000, tightest: null }],
} as const satisfies Prediction;

t.test('a host that came as far as the model says is explained by its numbers', (t) => {
  const judged = judge(ended, asked, null, refused, server);
  t.match(judged, {
    outcome: 'exhausted',
    verdict: 'expected',
    finding: null,
    subject: { failure: 'pool-mapping', program },
  });
  t.equal(
    judged.reason,
    `pool-mapping: failed to create table pool mapping; ${describeShortfall(tableShortfall)}`,
  );
  t.match(judge(ended, asked, null, whole, server), {
    verdict: 'unexpected',
    reason: 'pool-mapping: failed to create table pool mapping',
  });
  t.match(judge(up, asked, null, whole, server), { reason: 'came up: it listens on port 8080' });
  t.equal(judge(ended, asked, null, null, server).verdict, null, 'without a row there is no verdict');
  t.end();
});

t.test('a subject that came up and tells no tier contradicts none', (t) => {
  const silent = { outcome: 'reached', tier: null, checks: null } as const;
  t.match(compare(silent, null, conservativePrediction), { verdict: 'expected', finding: null });
  t.equal(compare(silent, null, refused).verdict, 'unexpected');
  t.equal(compare({ ...silent, tier: 'on-demand' }, null, conservativePrediction).verdict, 'unexpected');
  t.end();
});

t.test('the process of the wasm host is stored, its names without what a terminal obeys', (t) => {
  const end: SubjectProcess['end'] = { peakResidentBytes: 4096, minorFaults: 10, majorFaults: 1 };
  const view = { name: 'no\u001b[31mde', processes: 1, virtualBytes: 1, writableBytes: 1, residentBytes: 1 };
  const seen = { ...view, peakResidentBytes: 1, maps: 1, minorFaults: 1, majorFaults: 0, committedBytes: 1 };
  const largest = [{ bytes: 4096, protection: 'r--p', name: '/a\u0007b' }];
  for (const up of [null, { ...seen, largest }]) {
    const { host } = judge(
      buildObservation({ subject: buildReported(conservativeReport, { process: { up, end } }) }),
      asked,
      null,
      null,
    );
    t.same(host?.process?.end, end);
    t.notMatch(JSON.stringify(host?.process), /\\u00(?:1b|07)/);
    t.equal(host?.process?.up?.largest[0]?.bytes, up === null ? undefined : 4096);
  }
  t.end();
});

t.test('a shipped host is known by name, one of a matrix only there', (t) => {
  const cell = { ...settings, memory: 2 * 1024 ** 3, subject: 'wasmtime-serve', overcommit: 0 } as const;
  t.equal(estimateCell(cell)?.tier, 'standard');
  t.equal(findSubject(cell), findSubject(cell), 'read once');
  t.equal(findSubject({ ...cell, subject: 'mine' }), null);
  t.equal(estimateCell({ ...cell, subject: 'mine' }), null);
  t.end();
});
