import t from 'tap';
import type { HostReport } from '../../images/allocator/host-report.ts';
import {
  asked,
  buildObservation,
  buildReported,
  buildSubject,
  conservativeReport,
  exhaustedReport,
  facts,
  tableFailure,
} from '../fixtures/outcome/observations.ts';
import type { MachineEnd, SubjectRun } from '../guest/observation.ts';
import { findProofContradictions } from './check-proof.ts';
import { findContradictions } from './check-report.ts';
import { classify } from './classify.ts';
import type { Outcome } from './outcome.ts';
import { readReport } from './read-report.ts';

const line = (report: unknown) => `${JSON.stringify(report)}\n`;
const of = (subject: SubjectRun) => classify(buildObservation({ subject }), asked);

t.test('a proven report and the matching exit code give reached or exhausted', (t) => {
  const reached = of(buildReported(conservativeReport));
  t.match(reached, { outcome: 'reached', reason: conservativeReport.why });
  t.equal(reached.hostReport?.proof?.tier, 'conservative');
  t.match(of(buildReported(exhaustedReport)), { outcome: 'exhausted', reason: 'no tier works' });
  t.end();
});

t.test('what a subject without a report did decides by its end', (t) => {
  const table: readonly [string, Partial<SubjectRun>, Outcome, RegExp][] = [
    [
      'a signal',
      { signal: 'SIGTRAP', exitCode: null, stderr: 'Fatal process OOM\n' },
      'crashed',
      /SIGTRAP: Fatal/,
    ],
    ['an exit code of a shell', { exitCode: 134 }, 'crashed', /exit code 134 \(SIGABRT\)/],
    ['another exit code', { exitCode: 1, stderr: 'boom' }, 'crashed', /exit code 1: boom/],
    ['exit 70', { exitCode: 70, stderr: 'ReferenceError: x' }, 'broken', /has a defect.*ReferenceError/],
    ['exit 3', { exitCode: 3 }, 'exhausted', /report could not be read/],
    ['exit 0', { exitCode: 0 }, 'broken', /left no report/],
    ['exit 2', { exitCode: 2, stderr: 'USAGE: unknown option' }, 'broken', /refused its arguments.*USAGE/],
    [
      'a fork that failed',
      { exitCode: 2, stderr: "sh: can't fork: Cannot allocate memory" },
      'crashed',
      /not be started/,
    ],
    ['neither code nor signal', { exitCode: null }, 'broken', /neither/],
    [
      'a deadline',
      { timedOut: true, signal: 'SIGKILL', exitCode: null, durationMs: 30_000 },
      'timeout',
      /30\.0 s/,
    ],
    [
      'a capped output',
      { exitCode: 0, stdout: 'x', stdoutBytes: 9e9, stdoutDropped: 9e9 - 1 },
      'broken',
      /8999999999 bytes were not kept/,
    ],
  ];
  for (const [name, changes, outcome, reason] of table) {
    const found = of(buildSubject(changes));
    t.equal(found.outcome, outcome, name);
    t.match(found.reason, reason, name);
    t.equal(found.hostReport, null);
  }
  const killed = buildSubject({ signal: 'SIGKILL', exitCode: null });
  t.match(
    classify(buildObservation({ subject: killed, oomKill: true }), asked).reason,
    /out-of-memory killer/,
  );
  t.end();
});

t.test('a report that contradicts how the process ended is broken, and says so', (t) => {
  const table: readonly [HostReport, Partial<SubjectRun>, RegExp][] = [
    [conservativeReport, { exitCode: 3 }, /says reached conservative, but ended with exit code 3, not 0/],
    [conservativeReport, { exitCode: null, signal: 'SIGSEGV' }, /signal SIGSEGV/],
    [conservativeReport, { exitCode: 1 }, /exit code 1/],
    [conservativeReport, { exitCode: 0, timedOut: true }, /did not end within its deadline/],
    [exhaustedReport, { exitCode: 0 }, /says exhausted, but ended with exit code 0, not 3/],
    [exhaustedReport, { exitCode: 139 }, /139 \(SIGSEGV\)/],
    [exhaustedReport, { exitCode: null }, /ended with exit code unknown, not 3/],
    [conservativeReport, { helperLost: true }, /a process of the session vanished/],
  ];
  for (const [report, changes, reason] of table) {
    const found = of(buildReported(report, changes));
    t.equal(found.outcome, 'broken', found.reason);
    t.match(found.reason, reason);
  }
  t.end();
});

t.test('a tier without its proof is broken, never reached', (t) => {
  const [failed, proven] = conservativeReport.attempts;
  const proof = conservativeReport.proof!;
  const table: readonly [Partial<HostReport>, RegExp][] = [
    [{ tier: null }, /names no tier/],
    [{ proof: null }, /carries no proof/],
    [{ proof: { ...proof, tier: 'on-demand' } }, /proof is of on-demand/],
    [{ proof: { ...proof, instances: 1 } }, /has 1 of 2 instances/],
    [{ attempts: [] }, /last attempt is not a success/],
    [{ attempts: [failed!] }, /last attempt is not a success/],
    [{ attempts: [{ ...failed!, ok: true, failure: null }, proven!] }, /an earlier attempt succeeded/],
    [{ attempts: [failed!, { ...proven!, failure: tableFailure }] }, /succeeded and failed/],
    [{ attempts: [{ ...failed!, failure: null }, proven!] }, /has no failure/],
    [{ attempts: [{ ...failed!, predicted: proven!.predicted }, proven!] }, /model of another tier/],
    [{ attempts: [{ ...failed!, tier: 'on-demand', predicted: null }, proven!] }, /lower tier to a higher/],
    [{ choice: 'conservative' }, /choice was conservative and it tried another/],
  ];
  for (const [changes, reason] of table) {
    const found = of(buildReported({ ...conservativeReport, ...changes }, { exitCode: 0 }));
    t.equal(found.outcome, 'broken', String(reason));
    t.match(found.reason, reason);
  }
  t.end();
});

/** What a host printed that copied the model, of a library whose pools were patched away. */
const copied: HostReport = {
  ...conservativeReport,
  tier: 'standard',
  attempts: [
    {
      tier: 'standard',
      ok: true,
      failure: null,
      predicted: { tier: 'standard', fits: true, checks: 'elided', slots: 1000, tightest: null },
      durationMs: 900,
    },
  ],
  proof: {
    tier: 'standard',
    checks: 'elided',
    slots: 1000,
    reservedBytes: 4_332_262_162_432,
    chargedBytes: 3_706_880_000,
    instances: 2,
    virtualBytes: 9_499_934_720,
    residentBytes: 60_000_000,
    maps: 126,
  },
};

t.test('a proof that measured nothing, and one whose numbers disagree, give no verdict', (t) => {
  t.match(of(buildReported(copied)), {
    outcome: 'broken',
    reason: /the host says reached standard, but its proof measured nothing of the kernel/,
  });
  const proven = conservativeReport.proof!;
  const kernel = proven.kernel!;
  const steps = (at: string, change: object) =>
    kernel.steps!.map((step) => (step.step === at ? { ...step, ...change } : step));
  const memory = (change: object) => ({ kernel: { ...kernel, memory: { ...kernel.memory!, ...change } } });
  const model = (change: object) => ({ model: { ...proven.model!, ...change } });
  const table: readonly (readonly [RegExp, object])[] = [
    [/16 slots were measured, its model has 17/, model({ slots: 17 })],
    [/16 slots were measured, its model has none/, model({ slots: null })],
    [/no slots were measured, its model has 16;.*no slots, but the mapping has 16/, { slots: null }],
    [/16 slots, but the mapping has none/, memory({ slots: null })],
    [/elided checks were measured, its model has explicit/, model({ checks: 'explicit' })],
    [
      /64\.\d+ GiB reserved were measured|reserved were measured, its model has/,
      model({ reservedBytes: 71_000_000_000 }),
    ],
    [/charged were measured, its model has/, model({ chargedBytes: 164_000_000 })],
    [/do not fit in a process of/, { virtualBytes: 9_499_934_720 }],
    [
      /yet the process grew by/,
      { kernel: { ...kernel, steps: steps('canary', { virtualBytes: 9_499_934_720 }) } },
    ],
    [
      /did not come with the engine/,
      { kernel: { ...kernel, steps: steps('engine', { virtualBytes: 775_225_344 }) } },
    ],
    [/yet writable memory grew by/, { ...model({ chargedBytes: 164_000_000 }), chargedBytes: 164_000_000 }],
    [/the mapping has 15/, memory({ slots: 15 })],
    [/do not fit in a mapping of/, memory({ mappingBytes: 4_328_521_728 })],
    [/checks are elided with .* inaccessible behind/, memory({ behindBytes: 64 * 2 ** 20 })],
    [/measured nothing/, { kernel: { ...kernel, steps: kernel.steps!.slice(1) } }],
    [
      /charged under strict overcommit, yet Committed_AS grew by/,
      { chargedBytes: 164_000_000, ...model({ chargedBytes: 164_000_000 }) },
    ],
  ];
  for (const [words, change] of table) {
    const report = { ...conservativeReport, proof: { ...proven, ...change } };
    t.match(of(buildReported(report)), { outcome: 'broken', reason: words });
  }
  const explicit = { ...proven, checks: 'explicit', ...model({ checks: 'explicit' }) } as const;
  const v8 = { ...conservativeReport, engine: { kind: 'v8', version: '12.4' } } as const;
  t.same(findProofContradictions(v8, explicit), ['checks are explicit with a guard region behind a memory']);
  const small = { ...explicit, ...memory({ behindBytes: 64 * 2 ** 20 }) };
  t.same(findProofContradictions(v8, small), []);
  const lenient = { ...conservativeReport, facts: { ...facts, overcommitMemory: 0 as const } };
  t.same(findProofContradictions(lenient, proven), [], 'nothing is charged without strict overcommit');
  // What the process takes beside its engine, and guard pages of stacks, are no disagreement.
  const near = { ...proven, reservedBytes: proven.reservedBytes - 4_096_000, chargedBytes: 0 };
  t.match(of(buildReported({ ...conservativeReport, proof: near })), { outcome: 'reached' });
  t.end();
});

t.test(
  'an engine of another version than it says, or that does not do what it was told, gives no verdict',
  (t) => {
    const { library: _, ...silent } = conservativeReport.engine;
    const other = { ...silent, library: { saysVersion: '38', sha256: null } };
    t.match(of(buildReported({ ...conservativeReport, engine: silent })), {
      outcome: 'broken',
      reason: /its engine says no version/,
    });
    t.match(of(buildReported({ ...conservativeReport, engine: other })), {
      outcome: 'broken',
      reason: /its engine 50\.0\.1 says that it is 38/,
    });
    const failure = { ...tableFailure, class: 'verification', message: 'standard: no mapping' } as const;
    const attempts = conservativeReport.attempts.map((attempt) =>
      attempt.ok ? attempt : { ...attempt, failure },
    );
    t.match(of(buildReported({ ...conservativeReport, attempts })), {
      outcome: 'broken',
      reason: /a tier is no proof: standard: no mapping/,
    });
    t.end();
  },
);

t.test('an exhausted report that proves something is broken', (t) => {
  const table: readonly [Partial<HostReport>, RegExp][] = [
    [{ tier: 'standard' }, /names the tier/],
    [{ proof: conservativeReport.proof }, /carries a proof/],
    [{ attempts: [] }, /tried no tier/],
    [{ attempts: conservativeReport.attempts }, /one of its attempts succeeded/],
  ];
  for (const [changes, reason] of table) {
    t.match(of(buildReported({ ...exhaustedReport, ...changes })), { outcome: 'broken', reason });
  }
  t.same(findContradictions(exhaustedReport, asked), []);
  t.end();
});

t.test('another engine or Node than asked is invalid', (t) => {
  const table: readonly [Partial<HostReport>, RegExp][] = [
    [{ engine: { kind: 'v8', version: '12.4' } }, /engine wasmtime was requested, v8 ran/],
    [{ engine: { kind: 'wasmtime', version: '38.0.0' } }, /50\.0\.1 was requested, 38\.0\.0 ran/],
    [{ parameters: { tables: 1 } }, /parameters .*were requested, tables=1 were used/],
    [{ node: '24.1.0' }, /Node 22 was requested, 24\.1\.0 ran/],
    [{ node: '220.1.0' }, /Node 22 was requested/],
  ];
  for (const [changes, reason] of table) {
    t.match(of(buildReported({ ...conservativeReport, ...changes })), { outcome: 'invalid', reason });
  }
  const subject = buildReported({ ...conservativeReport, engine: { kind: 'v8', version: 'any' } });
  const v8 = classify(buildObservation({ subject }), {
    engine: { kind: 'v8', version: null },
    node: '22.23.3',
    instances: 2,
    parameters: '',
  });
  t.equal(v8.outcome, 'reached', 'the version of v8 is that of Node');
  t.end();
});

t.test('settings that were not found as asked are invalid, whatever the subject says', (t) => {
  const readBack = [{ axis: 'thp', asked: 'always', found: 'never', ok: false }];
  for (const subject of [null, buildReported(conservativeReport), buildSubject({ exitCode: 1 })]) {
    const found = classify(buildObservation({ readBack, subject }), asked);
    t.match(found, { outcome: 'invalid', reason: 'thp always was requested, never found' });
  }
  const unread = classify(
    buildObservation({ readBack: [], subject: buildReported(conservativeReport) }),
    asked,
  );
  t.match(unread, { outcome: 'broken', reason: /no setting was read back/ });
  t.end();
});

t.test('how a machine ended decides when no answer came', (t) => {
  const end = (kind: MachineEnd['kind'], changes = {}) =>
    classify(buildObservation({ machineEnd: { kind, detail: 'the figures' }, ...changes }), asked);
  const died: readonly MachineEnd['kind'][] = ['panic', 'reset', 'exited', 'silent'];
  const lost: readonly MachineEnd['kind'][] = ['no-console', 'not-ready', 'start-failed', 'killed'];
  for (const kind of died) {
    t.match(end(kind), { outcome: 'guest-died', reason: /: the figures$/ }, kind);
    const early = { facts: null, readBack: [], timings: { spawn: 10 } };
    t.match(
      end(kind, early),
      { outcome: 'broken', reason: /before its session was up/ },
      `${kind} while booting`,
    );
    t.equal(end(kind, { ...early, timings: { ready: 1 } }).outcome, 'guest-died');
  }
  for (const kind of lost) t.equal(end(kind).outcome, 'broken', kind);
  t.match(end('silent', { oomKill: true }).reason, /out-of-memory killer had spoken/);
  t.match(classify(buildObservation(), asked), { outcome: 'broken', reason: /alive and gave no answer/ });
  t.end();
});

t.test('a machine that ends after a complete answer leaves it, unless the guest itself died', (t) => {
  const subject = buildReported(conservativeReport);
  const after = (kind: MachineEnd['kind']) =>
    classify(buildObservation({ subject, machineEnd: { kind, detail: 'later' } }), asked).outcome;
  for (const kind of ['killed', 'exited', 'silent'] as const) t.equal(after(kind), 'reached', kind);
  for (const kind of ['panic', 'reset', 'no-console', 'start-failed', 'not-ready'] as const) {
    t.equal(after(kind), 'broken', kind);
  }
  t.end();
});

t.test('the report is found in any output', (t) => {
  const report = line(conservativeReport);
  const binary = Buffer.from([0, 255, 254, 10, 27, 91, 50, 74, 10]).toString('latin1');
  const outputs = {
    'binary around it': `${binary}${report}${binary}`,
    'carriage returns': report.replace('\n', '\r\n'),
    'no last newline': report.trimEnd(),
    'megabytes on one line before it': `${'x'.repeat(5e6)}\n${report}`,
    'other JSON after it': `${report}${line({ poolproof: 'session', schema: 1 })}`,
    'a forgery that is no report': `${report}${line({ poolproof: 'wasm-host', schema: 1, tier: 'standard' })}`,
    'the tag in a text': `${report}"wasm-host" says hello\n`,
    'a cut copy of itself': `${report}${report.slice(0, 500)}`,
    'itself twice': report + report,
  };
  for (const [name, stdout] of Object.entries(outputs)) {
    t.match(of(buildSubject({ stdout })), { outcome: 'reached' }, name);
  }
  t.end();
});

t.test('output that looks like a report and is none gives no verdict', (t) => {
  const outputs: readonly [string, RegExp][] = [
    [line({ ...conservativeReport, schema: 2 }), /speaks schema 2/],
    [line({ ...conservativeReport, tier: 'best' }), /tier/],
    [line(conservativeReport).slice(0, -30), /cut short or damaged/],
    [`{"poolproof":"wasm-host",${' '.repeat(2 ** 20)}}`, /left no report$/],
    [line([conservativeReport]), /left no report$/],
  ];
  for (const [stdout, reason] of outputs) {
    t.match(of(buildSubject({ stdout })), { outcome: 'broken', reason });
  }
  t.end();
});

t.test('two reports that contradict each other give no verdict', (t) => {
  const forged = { ...conservativeReport, tier: 'standard' };
  const stdout = line(conservativeReport) + line(forged);
  t.match(of(buildSubject({ stdout })), { outcome: 'broken', reason: /two reports that contradict/ });
  t.end();
});

t.test('a flood of tagged lines is looked at from its end, and not for ever', (t) => {
  const flood = '{"poolproof":"wasm-host"}\n'.repeat(100_000);
  t.equal(readReport(flood + line(conservativeReport)).report?.tier, 'conservative');
  t.equal(readReport(line(conservativeReport) + flood).report, null, 'beyond the limit nothing is believed');
  t.end();
});

t.test('hostile text in a reason is made harmless', (t) => {
  const stderr = '\u001b[2J\u0000\u202egnp.exe\nlast \u0007line';
  const { reason } = of(buildSubject({ exitCode: 1, stderr }));
  t.equal(reason, 'the host ended with exit code 1: gnp.exe | last line');
  t.end();
});
