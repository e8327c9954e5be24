import t from 'tap';
import { describeShortfall } from '../../images/allocator/explain.ts';
import type { HostReport } from '../../images/allocator/host-report.ts';
import type { Prediction, Shortfall } from '../../images/allocator/prediction.ts';
import { formatBytes } from '../../images/allocator/sizes.ts';
import {
  asked,
  buildObservation,
  buildReported,
  buildSubject,
  conservativePrediction,
  conservativeReport,
  crashPrediction,
  exhaustedReport,
  facts,
  tablePoolBytes,
  tableFailure,
  tableShortfall,
} from '../fixtures/outcome/observations.ts';
import { settings } from '../fixtures/report/results.ts';
import type { Expectation } from '../matrix/cell.ts';
import { type Observed, compare, renderExpectation } from './expect.ts';
import { explain } from './explain.ts';
import { estimateCell, predictCell, resolveAsked } from './predict-cell.ts';
import { judge, judgeUnasked } from './judge.ts';
import { plainLine, plainLines, plainTail } from './plain-text.ts';

/** The model's own words; their rounding is tested there. */
const tableSentence = describeShortfall(tableShortfall);
const tableSize = formatBytes(tablePoolBytes);

const because = { because: null, link: null };
const conservative: Observed = { outcome: 'reached', tier: 'conservative', checks: 'elided' };

t.test('the word of the matrix decides the verdict', (t) => {
  const table: readonly [Expectation, Observed, 'expected' | 'unexpected', string][] = [
    [{ tier: 'conservative', ...because }, conservative, 'expected', 'conservative'],
    [{ tier: 'standard', ...because }, conservative, 'unexpected', 'standard'],
    [{ atLeast: 'on-demand', ...because }, conservative, 'expected', 'at least on-demand'],
    [{ atLeast: 'conservative', ...because }, conservative, 'expected', 'at least conservative'],
    [{ atLeast: 'standard', ...because }, conservative, 'unexpected', 'at least standard'],
    [{ outcome: 'reached', ...because }, conservative, 'expected', 'reached'],
    [{ outcome: 'crashed', ...because }, conservative, 'unexpected', 'crashed'],
    [
      { outcome: 'crashed', ...because },
      { outcome: 'crashed', tier: null, checks: null },
      'expected',
      'crashed',
    ],
    [
      { atLeast: 'on-demand', ...because },
      { outcome: 'timeout', tier: null, checks: null },
      'unexpected',
      'at least on-demand',
    ],
  ];
  for (const [expectation, observed, verdict, text] of table) {
    const compared = compare(observed, expectation, null);
    t.match(compared, { verdict, expected: { source: 'matrix', text, expectation }, finding: null });
  }
  t.end();
});

t.test('without a word of the matrix the prediction is the expectation', (t) => {
  t.same(compare(conservative, null, conservativePrediction), {
    verdict: 'expected',
    expected: { source: 'prediction', text: 'conservative', expectation: null },
    finding: null,
  });
  t.match(compare(conservative, null, crashPrediction), {
    verdict: 'unexpected',
    expected: { text: 'crashed' },
    finding: 'the model said crashed, conservative was observed',
  });
  t.match(compare({ outcome: 'timeout', tier: null, checks: null }, null, conservativePrediction), {
    finding: 'the model said conservative, timeout was observed',
  });
  t.match(compare(conservative, { error: 'x', ...because }, crashPrediction), {
    expected: { source: 'matrix', text: 'crashed, a line /x/' },
  });
  t.equal(renderExpectation(because), 'anything');
  t.same(compare(conservative, null, null), { verdict: null, expected: null, finding: null });
  t.end();
});

t.test('what chance decides is expected both ways and contradicts no model', (t) => {
  const shortfall = { pool: 'memory', limit: 'free gap', needed: 2, available: 1, unit: 'bytes' } as const;
  const chance: Prediction = {
    outcome: 'exhausted',
    tier: null,
    checks: null,
    startup: null,
    tiers: [{ tier: 'standard', fits: false, shortfall: { ...shortfall, chance: true } }],
  };
  const exhausted: Observed = { outcome: 'exhausted', tier: null, checks: null };
  for (const observed of [conservative, exhausted])
    t.same(compare(observed, null, chance), {
      verdict: 'expected',
      expected: { source: 'prediction', text: 'exhausted, or another end by chance', expectation: null },
      finding: null,
    });
  t.equal(compare({ ...exhausted, outcome: 'crashed' }, null, chance).verdict, 'unexpected');
  t.equal(compare({ ...exhausted, outcome: 'broken' }, null, chance).verdict, null);
  t.match(compare(exhausted, { tier: 'standard', ...because }, chance), {
    verdict: 'unexpected',
    finding: null,
  });
  t.match(compare(exhausted, null, { ...chance, tiers: [{ tier: 'standard', fits: false, shortfall }] }), {
    verdict: 'expected',
    expected: { text: 'exhausted' },
  });
  t.end();
});

t.test('a model that is wrong is a finding also where the matrix was right', (t) => {
  const expectation = { tier: 'conservative', ...because } as const;
  const compared = compare(conservative, expectation, { ...conservativePrediction, tier: 'on-demand' });
  t.match(compared, { verdict: 'expected', finding: 'the model said on-demand, conservative was observed' });
  t.match(compare({ ...conservative, checks: 'explicit' }, null, conservativePrediction), {
    verdict: 'expected',
    finding: 'the model said elided bounds checks, explicit were observed',
  });
  t.end();
});

t.test('invalid, broken and skipped have no verdict', (t) => {
  for (const outcome of ['invalid', 'broken', 'skipped'] as const) {
    const compared = compare({ outcome, tier: null, checks: null }, null, conservativePrediction);
    t.match(compared, { verdict: null, expected: { text: 'conservative' }, finding: null }, outcome);
  }
  t.end();
});

t.test('the reason names the numbers of the tier that was missed', (t) => {
  const reasonOf = (report: HostReport, prediction: Prediction | null = conservativePrediction) =>
    explain({ outcome: report.outcome, reason: report.why, hostReport: report }, prediction);
  const [failed, proven] = conservativeReport.attempts;
  t.equal(reasonOf(conservativeReport), tableSentence);
  const unread = { ...conservativeReport, attempts: [{ ...failed!, predicted: null }, proven!] };
  t.equal(reasonOf(unread), tableSentence, "the harness' model helps out");
  t.equal(reasonOf(unread, null), `table pool needs ${tableSize}, which the kernel refused (ENOMEM)`);
  const stack = { ...failed!, failure: { ...tableFailure, pool: 'stack', bytes: 2_101_248_000 } as const };
  t.equal(
    reasonOf({ ...conservativeReport, attempts: [stack, proven!] }),
    'stack pool needs 2004 MiB, which the kernel refused (ENOMEM)',
    'the model named another pool: the engine is believed',
  );
  const nameless = { ...stack, failure: { ...stack.failure, errno: null } };
  t.equal(
    reasonOf({ ...conservativeReport, attempts: [nameless, proven!] }),
    'stack pool needs 2004 MiB, which the kernel refused',
  );
  const library = {
    ...failed!,
    failure: { ...tableFailure, class: 'library', pool: null, message: 'no\nkoffi' } as const,
  };
  t.equal(reasonOf({ ...conservativeReport, attempts: [library, proven!] }), 'no koffi');
  t.equal(
    reasonOf({ ...conservativeReport, attempts: [{ ...failed!, failure: null }, proven!] }),
    'failed without a reason',
  );
  t.equal(reasonOf({ ...conservativeReport, attempts: [proven!] }), 'every pool could be mapped');
  t.equal(
    reasonOf({ ...conservativeReport, choice: 'conservative', attempts: [proven!] }),
    'it fits (conservative was forced)',
  );
  t.match(
    reasonOf(exhaustedReport),
    /^standard: table pool needs 153\d MiB.*; conservative: .*; on-demand: /,
  );
  t.end();
});

t.test('a failure class is joined with the shortfall it can mean', (t) => {
  const [failed, proven] = conservativeReport.attempts;
  const reason = (failure: Partial<typeof tableFailure>, shortfall: Partial<Shortfall>) => {
    const predicted = {
      tier: 'standard',
      fits: false,
      shortfall: { ...tableShortfall, ...shortfall },
    } as const;
    const attempt = {
      ...failed!,
      failure: { ...tableFailure, pool: null, bytes: null, message: 'words', ...failure },
      predicted,
    };
    const hostReport = { ...conservativeReport, attempts: [attempt, proven!] };
    return explain({ outcome: 'reached', reason: '', hostReport }, null);
  };
  t.match(
    reason({ class: 'stack-guard' }, { pool: 'stack-guards', unit: 'maps' }),
    /^guard pages of the stack pool need/,
  );
  t.match(
    reason({ class: 'instance-mapping', bytes: 2 ** 32 }, { pool: 'linear-memory' }),
    /^linear memories need 4096 MiB/,
  );
  t.match(reason({ class: 'unsupported' }, { limit: 'feature' }), /^table pool.*this version or setting/);
  t.equal(reason({ class: 'verification' }, {}), 'words');
  t.match(
    reason({ class: 'pool-mapping', pool: 'table', bytes: 5 }, {}),
    /needs 153\d MiB/,
    'fewer bytes than there are',
  );
  t.end();
});

t.test('a crash that was predicted is explained by the model, any other by its own words', (t) => {
  const crashed = { outcome: 'crashed', reason: 'the host died of SIGTRAP', hostReport: null } as const;
  t.equal(
    explain(crashed, crashPrediction),
    'the process itself needs 560 MiB, CommitLimit leaves 172 MiB; the host died of SIGTRAP',
  );
  t.equal(explain(crashed, conservativePrediction), 'the host died of SIGTRAP');
  t.equal(explain({ ...crashed, outcome: 'timeout' }, crashPrediction), 'the host died of SIGTRAP');
  t.end();
});

t.test('the whole judgement of a proven cell', (t) => {
  const observation = buildObservation({ subject: buildReported(conservativeReport) });
  const judged = judge(observation, asked, null, conservativePrediction);
  t.match(judged, {
    outcome: 'reached',
    tier: 'conservative',
    verdict: 'expected',
    finding: null,
    reason: tableSentence,
    form: { checks: 'elided', slots: 16, reservedBytes: 69_292_523_520, chargedBytes: 2_621_440 },
    host: { node: '22.23.3', choice: 'auto', proof: { instances: 2 } },
  });
  t.same(
    judged.tiers.map(({ tier, ok, pool }) => ({ tier, ok, pool })),
    [
      { tier: 'standard', ok: false, pool: 'table' },
      { tier: 'conservative', ok: true, pool: null },
    ],
  );
  t.end();
});

t.test('the file of the library and a line that only its report has are part of the judgement', (t) => {
  const engine = { ...conservativeReport.engine, library: { saysVersion: '50', sha256: 'ab12' } };
  const observation = buildObservation({ subject: buildReported({ ...conservativeReport, engine }) });
  const error = 'failed to create table pool';
  const judged = judge(observation, asked, { tier: 'conservative', error, ...because }, null);
  t.match(judged, { verdict: 'expected', host: { engine: { library: { sha256: 'ab12' } } } });
  const dead = judge(buildObservation({ machineEnd: { kind: 'exited', detail: 'x' } }), asked, null, null);
  t.match(dead, { tier: null, verdict: null, host: null });
  t.end();
});

t.test('nothing of a report that was not believed is shown as a tier', (t) => {
  const subject = buildReported(conservativeReport, { exitCode: 1 });
  const judged = judge(buildObservation({ subject }), asked, null, conservativePrediction);
  t.match(judged, {
    outcome: 'broken',
    tier: null,
    form: null,
    verdict: null,
    tiers: [],
    host: { proof: null },
  });
  const silent = judge(
    buildObservation({ subject: buildSubject({ exitCode: 1 }) }),
    asked,
    null,
    crashPrediction,
  );
  t.match(silent, { outcome: 'crashed', verdict: 'expected', host: null, tiers: [] });
  t.end();
});

t.test('a skipped cell keeps its reason and has no verdict', (t) => {
  const judged = judgeUnasked('skipped', 'needs 64G of memory,\n24G are here', null, conservativePrediction);
  t.match(judged, {
    outcome: 'skipped',
    reason: 'needs 64G of memory, 24G are here',
    verdict: null,
    tier: null,
  });
  t.end();
});

t.test('text of a guest loses what a terminal, XML or a browser would obey', (t) => {
  const hostile =
    'a\u001b[31mb\u001b]0;title\u0007c\u0000\u0085\u202ed\u2066\ufeff\ufffe\ud800e\u{e0041}f\r\ng\rh';
  t.equal(plainLines(hostile), 'abcd\ufffdef\ng\nh');
  t.equal(plainLine('  a\n\tb  '), 'a b');
  t.equal(plainLine('x'.repeat(50), 10), `${'x'.repeat(9)}…`);
  t.equal(plainLines('x'.repeat(50), 10), `${'x'.repeat(10)}…`);
  t.equal(plainTail('one\n\n  two  \n'), 'one | two');
  t.equal(
    plainTail(
      [
        '#',
        '# Fatal process out of memory: Failed to reserve',
        '#FailureMessage Object: 0x7ffd1234',
        '----- Native stack trace -----',
        '',
        ' 1: 0xe9376e _start [/disks/node-22/bin/node]',
        '12: 0x7f33ddc4524a [/lib/x86_64-linux-gnu/libc.so.6]',
        'wasm host: Node did not start (status 133)',
      ].join('\n'),
    ),
    '# Fatal process out of memory: Failed to reserve | wasm host: Node did not start (status 133)',
    'a trace of addresses hides no message',
  );
  t.equal(plainTail(`${'x'.repeat(50)}end`, 10), `…${'x'.repeat(6)}end`);
  t.ok(plainLine('\u001b['.repeat(5e6)).length < 2000);
  t.end();
});

t.test('a cell is predicted from the facts its guest gave', (t) => {
  const predicted = predictCell(settings, facts, '22.23.3');
  t.match(predicted, {
    outcome: 'reached',
    tier: 'conservative',
    tiers: [
      {
        tier: 'standard',
        fits: false,
        shortfall: { pool: 'table', limit: 'CommitLimit', needed: tablePoolBytes },
      },
    ],
  });
  t.match(predictCell({ ...settings, engine: 'v8' }, facts, '24.21.0'), {
    outcome: 'crashed',
    startup: { pool: 'process' },
  });
  t.equal(predictCell(settings, null, '22.23.3'), null, 'without facts nothing is known');
  t.equal(predictCell({ ...settings, env: { SPIN_MAX_INSTANCE_COUNT: 'x' } }, facts, '22.23.3'), null);
  const defect = new TypeError('a defect');
  const env = new Proxy<Record<string, string>>(
    {},
    {
      get: () => {
        throw defect;
      },
    },
  );
  t.throws(() => predictCell({ ...settings, env }, facts, '22.23.3'), defect, 'a defect is no refusal');
  t.match(estimateCell(settings), { outcome: 'reached', tier: 'conservative' });
  t.end();
});

t.test('what a cell asks of the host is told in versions', (t) => {
  t.match(resolveAsked(settings), {
    engine: { kind: 'wasmtime', version: /^\d+\./ },
    node: '22',
    instances: 2,
    parameters: '',
  });
  t.match(resolveAsked({ ...settings, tables: 1, guard: 65_536 }), {
    instances: 1,
    parameters: 'tables=1,guard=65536',
  });
  t.match(resolveAsked({ ...settings, engine: 'wasmtime@38.0.0' }), { engine: { version: '38.0.0' } });
  t.match(resolveAsked({ ...settings, engine: 'v8' }), { engine: { kind: 'v8', version: null } });
  const withEnv = (env: Record<string, string>) => resolveAsked({ ...settings, env }).instances;
  t.equal(withEnv({ SPIN_WASMTIME_TOTAL_MEMORIES: '1' }), 1);
  t.equal(withEnv({ SPIN_WASMTIME_TOTAL_TABLES: '1' }), 1);
  t.equal(withEnv({ SPIN_MAX_INSTANCE_COUNT: 'x' }), 2);
  t.equal(resolveAsked({ ...settings, profile: 'wasmtime' }).instances, 2);
  const one = { ...conservativeReport.proof!, tier: 'standard', instances: 1 } as const;
  const attempts = [{ ...conservativeReport.attempts[1]!, tier: 'standard', predicted: null } as const];
  const report = { ...conservativeReport, tier: 'standard', proof: one, attempts } as const;
  const small = judge(
    buildObservation({ subject: buildReported(report) }),
    { ...asked, instances: 1 },
    null,
    null,
  );
  t.match(small, { outcome: 'reached', tier: 'standard' });
  t.end();
});
