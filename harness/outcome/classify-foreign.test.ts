import t from 'tap';
import { buildObservation, buildSubject } from '../fixtures/outcome/observations.ts';
import type { SubjectRun } from '../guest/observation.ts';
import type { Ready, Subject } from '../matrix/subject.ts';
import { findCauses } from './output-lines.ts';
import { classify } from './classify.ts';
import { classifyForeign } from './classify-foreign.ts';
import { judge } from './judge.ts';
import { resolveAsked } from './predict-cell.ts';
import { defaultSettings } from '../axes/table.ts';

const exit: Ready = { kind: 'exit', code: 0 };
const line: Ready = { kind: 'line', pattern: 'listening on \\d+', extended: 'listening on [0-9]+' };
const port: Ready = { kind: 'port', port: 3000 };

const http: Ready = { kind: 'http', port: 8080, path: '/', status: 200, body: '^hello', answers: 10 };

const subject = (ready: Ready = exit): Subject => ({
  name: 'server',
  title: null,
  files: [],
  run: ['server'],
  ready,
  words: [
    { word: 'standard', patterns: ['^pooling on$'] },
    { word: 'on-demand', patterns: ['^pooling off$'] },
    { word: 'mapping', patterns: ['mmap failed', 'os error 12'] },
  ],
  timeoutMs: null,
});

const end = (ready: Ready, changes: Partial<SubjectRun>, oomKill = false) =>
  classifyForeign(buildSubject({ stderr: '', stdout: '', ...changes }), oomKill, subject(ready));

t.test('of a long line the part that fits is shown', (t) => {
  const pad = (char: string): string => char.repeat(6000);
  const long = (pattern: string, stdout: string) =>
    classifyForeign(buildSubject({ stderr: '', exitCode: 0, stdout: `${stdout}\n` }), false, {
      ...subject(),
      words: [{ word: 'standard', patterns: [pattern] }],
    });
  const rows: readonly (readonly [pattern: string, stdout: string, shown: RegExp])[] = [
    ['pooling on', `${pad('x')} pooling on`, /^…x{78} pooling on$/],
    ['pooling on', `${pad(' ')}pooling on${pad('y')}`, /^ ?pooling ony{79}…$/],
    ['^.*pooling on$', `${pad('x')} pooling on`, /^x{119}…x{109} pooling on$/],
    ['\\s+pooling on', `${pad(' ')}pooling on`, /^pooling on$/],
    ['pooling on', `pooling on${pad('\u{1F600}')}`, /^pooling on(?:\u{1F600}){39}\ufffd?…$/u],
  ];
  for (const [pattern, stdout, shown] of rows) {
    const { reason, summary } = long(pattern, stdout);
    t.match(reason.replace('says standard: ', ''), shown, pattern);
    t.match(summary.line, shown, pattern);
  }
  t.end();
});

t.test('one that is up has reached what its line says', (t) => {
  t.match(end(exit, { exitCode: 0, stdout: 'pooling on\n' }), {
    outcome: 'reached',
    tier: 'standard',
    reason: 'says standard: pooling on',
    summary: { ready: true, failure: null, line: 'pooling on', exitCode: 0 },
  });
  t.match(
    end(line, { ready: true, signal: 'SIGKILL', exitCode: null, stdout: 'pooling off\nlistening on 80\n' }),
    {
      outcome: 'reached',
      tier: 'on-demand',
      summary: { signal: null },
    },
  );
  t.match(end(port, { ready: true, signal: 'SIGKILL', exitCode: null }), {
    outcome: 'reached',
    tier: null,
    reason: 'came up: it listens on port 3000; no pattern of a tier matches its output',
  });
  t.match(end(exit, { exitCode: 0, stderr: 'mmap failed\n' }), {
    outcome: 'reached',
    reason: /it wrote mapping: mmap failed/,
    summary: { failure: 'mapping' },
  });
  t.match(end({ kind: 'exit', code: 3 }, { exitCode: 3 }), { outcome: 'reached' });
  t.match(
    end(line, { exitCode: 0, stdout: 'listening on 80' }),
    { outcome: 'reached' },
    'and ended by itself',
  );
  t.end();
});

t.test('a pattern over which a backtracking engine never ends takes no time', (t) => {
  const evil: Subject = { ...subject(), words: [{ word: 'standard', patterns: ['^(a+)+$'] }] };
  const stdout = `${'a'.repeat(50)}!\n`;
  t.match(classifyForeign(buildSubject({ stderr: '', stdout, exitCode: 0 }), false, evil), {
    outcome: 'reached',
    tier: null,
  });
  t.match(classifyForeign(buildSubject({ stderr: '', stdout: `${stdout}aaa`, exitCode: 0 }), false, evil), {
    tier: 'standard',
    reason: 'says standard: aaa',
  });
  t.end();
});

t.test('one that is not up has not reached anything, whatever it says', (t) => {
  t.match(end(exit, { exitCode: 1, stdout: 'pooling on', stderr: 'x: os error 12' }), {
    outcome: 'exhausted',
    tier: null,
    reason: 'mapping: x: os error 12',
  });
  t.match(end(exit, { exitCode: 1, stdout: 'pooling on', stderr: 'boom' }), {
    outcome: 'crashed',
    tier: null,
    reason: 'ended with exit code 1; no pattern of the subject matches: boom',
  });
  t.match(end(exit, { exitCode: null, signal: 'SIGABRT', stderr: 'mmap failed' }), {
    outcome: 'crashed',
    reason: 'died of SIGABRT; mapping: mmap failed',
    summary: { failure: 'mapping', signal: 'SIGABRT' },
  });
  t.match(end(exit, { exitCode: null, signal: 'SIGKILL' }, true), {
    outcome: 'crashed',
    reason: /out-of-memory killer/,
  });
  t.match(end(line, { exitCode: 0 }), {
    outcome: 'crashed',
    reason: /exit code 0, no line matches its pattern/,
  });
  t.match(
    end(line, { exitCode: 1, stdout: 'listening on 80' }),
    { outcome: 'crashed' },
    'it was up, and died',
  );
  t.match(end(port, { exitCode: 0 }), { outcome: 'crashed', reason: /nothing listened on port 3000/ });
  t.match(end(port, { timedOut: true, exitCode: null, signal: 'SIGKILL', durationMs: 5000 }), {
    outcome: 'timeout',
    reason: 'not up within 5.0 s: nothing listened on port 3000',
  });
  t.match(end(exit, { timedOut: true, exitCode: null, signal: 'SIGKILL', durationMs: 5000 }), {
    outcome: 'timeout',
    reason: 'not up within 5.0 s: it did not end',
  });
  t.end();
});

t.test('a server has reached what it has when it answers as it should', (t) => {
  const ended = { exitCode: null, signal: 'SIGKILL' } as const;
  const good = { status: 200, count: 3, body: 'hello\n', whole: true };
  t.match(end(http, { ...ended, ready: true, answer: good, stdout: 'pooling on\n' }), {
    outcome: 'reached',
    tier: 'standard',
    summary: { ready: true, signal: null, answer: { status: 200, count: 3, body: 'hello' } },
  });
  t.match(end(http, { ...ended, ready: true, answer: good }), {
    outcome: 'reached',
    reason: /^came up: it answers \/ on port 8080 with 200/,
  });
  const wrong = { status: 500, count: 10, body: 'Internal Server Error', whole: true };
  t.match(
    end(http, {
      ...ended,
      answeredWrong: true,
      answer: wrong,
      stdout: 'pooling on\n',
      stderr: 'mmap failed',
    }),
    {
      outcome: 'exhausted',
      tier: null,
      reason:
        'serves nothing: none of 10 answers had status 200; the last had status 500: Internal Server Error; mapping: mmap failed',
      summary: { ready: false, failure: 'mapping', answer: { status: 500, count: 10 } },
    },
  );
  t.match(end(http, { ...ended, answeredWrong: true, answer: { ...wrong, status: 0, count: 1, body: '' } }), {
    outcome: 'exhausted',
    reason: 'serves nothing: none of 1 answer had status 200; the last had no status of HTTP',
  });
  t.match(end(http, { ...ended, ready: true, answer: { ...good, whole: false } }), {
    outcome: 'exhausted',
    reason: 'serves nothing: its answer ends before its own end: status 200: hello',
  });
  t.match(end(http, { ...ended, ready: true, answer: { ...good, body: 'bye' } }), {
    outcome: 'exhausted',
    reason: 'serves nothing: no line of its answer fits ^hello: status 200: bye',
  });
  t.match(end(http, { ...ended, ready: true }), { outcome: 'broken' }, 'up by an answer that is not there');
  t.end();
});

t.test('a server that was not seen to serve has the end it had', (t) => {
  const answer = { status: 500, count: 2, body: '', whole: true };
  t.match(end(http, { timedOut: true, exitCode: null, signal: 'SIGKILL', durationMs: 5000, answer }), {
    outcome: 'timeout',
    reason: 'not up within 5.0 s: none of 2 answers had status 200; the last had status 500',
  });
  t.match(end(http, { timedOut: true, exitCode: null, signal: 'SIGKILL', durationMs: 5000 }), {
    outcome: 'timeout',
    reason: 'not up within 5.0 s: nothing answered on port 8080',
  });
  t.match(end(http, { exitCode: 1, stderr: 'mmap failed', answer }), {
    outcome: 'exhausted',
    reason: 'mapping: mmap failed',
  });
  t.match(end(http, { exitCode: null, signal: 'SIGABRT' }), { outcome: 'crashed' });
  t.end();
});

t.test('what says nothing about the subject is broken', (t) => {
  t.match(end(exit, { exitCode: 0, stdout: 'pooling on\npooling off' }), {
    outcome: 'broken',
    reason: /standard and on-demand were both written/,
  });
  t.match(end(line, { ready: true, signal: 'SIGKILL', exitCode: null }), { outcome: 'broken' });
  t.match(end(exit, { exitCode: null, signal: null }), { outcome: 'broken' });
  t.match(end(exit, { exitCode: 127, stderr: '/disks/x: exec: line 0: nope: not found' }), {
    outcome: 'broken',
    reason: 'its command line cannot be run: nope: not found',
  });
  t.match(end(exit, { exitCode: 126, stderr: '/: exec: line 0: node: Cannot allocate memory' }), {
    outcome: 'crashed',
    reason: /could not be started: node: Cannot allocate memory/,
  });
  t.match(end(exit, { exitCode: 2, stderr: "/x: line 0: can't cd to /x: No such file or directory" }), {
    outcome: 'broken',
  });
  t.match(end(exit, { exitCode: 127, stderr: 'my own 127' }), { outcome: 'crashed' });
  t.end();
});

t.test('every line that is kept is matched, however many there are and however long', (t) => {
  const many = 'a line\n'.repeat(30_000);
  const inputs = {
    'after 30,000 short lines': `${many}pooling on\n`,
    'at column 6,000': `${'x'.repeat(6000)} says pooling on\n`,
    'after 300 KB': `${'y'.repeat(300_000)}\npooling on\n`,
  };
  const wide: Subject = {
    ...subject(),
    words: [
      { word: 'standard', patterns: ['pooling on$'] },
      { word: 'on-demand', patterns: ['pooling off$'] },
    ],
  };
  for (const [where, stdout] of Object.entries(inputs)) {
    t.match(
      classifyForeign(buildSubject({ stdout }), false, wide),
      { outcome: 'reached', tier: 'standard' },
      where,
    );
  }
  t.match(
    end(exit, { stdout: `pooling on\n${many}pooling off\n` }),
    { outcome: 'broken', tier: null, reason: /standard and on-demand were both written/ },
    'two tiers spoke',
  );
  t.match(end(line, { ready: true, stdout: `${many}pooling on\nlistening on 80\n` }), { tier: 'standard' });
  t.end();
});

t.test('where bytes were dropped, what they may have said is not judged', (t) => {
  const cut = (kept: Partial<SubjectRun>): Partial<SubjectRun> => ({
    stdoutTail: 'tail\n',
    stdoutDropped: 5000,
    ...kept,
  });
  const noVerdict = { outcome: 'broken', tier: null, reason: 'output was cut: 5000 bytes were not kept' };
  t.match(end(exit, cut({ stdout: 'pooling on\n' })), noVerdict, 'another tier may have spoken');
  t.match(end(exit, cut({ stdout: 'x\n' })), noVerdict, 'a tier may have spoken');
  t.match(end(exit, cut({ exitCode: 1, stdout: 'pooling on\n' })), noVerdict, 'it may have said why');
  t.match(end(line, cut({ exitCode: 0, stdout: 'pooling on\n' })), noVerdict, 'it may have been up');
  t.match(
    end(port, { ready: true, stderrDropped: 5000, stderrTail: '', stdout: 'pooling on\n' }),
    noVerdict,
    'either stream',
  );
  t.match(
    end(exit, cut({ stdout: 'pooling on\n', stdoutTail: 'pooling off\n' })),
    noVerdict,
    'a line at the cut is not a line',
  );
  t.match(end(exit, cut({ stdout: 'pooling on\n', stdoutTail: 'x\npooling off\n' })), {
    outcome: 'broken',
    reason: /both written/,
  });
  // What the dropped bytes cannot change.
  t.match(end(exit, cut({ exitCode: 1, stdoutTail: 'x\nmmap failed\n' })), {
    outcome: 'exhausted',
    reason: 'mapping: mmap failed',
  });
  t.match(end(exit, cut({ exitCode: null, signal: 'SIGABRT' })), {
    outcome: 'crashed',
    reason: 'died of SIGABRT (output was cut: 5000 bytes were not kept): tail',
  });
  t.match(end(line, cut({ timedOut: true, exitCode: null, signal: 'SIGKILL' })), { outcome: 'timeout' });
  const mute: Subject = { ...subject(line), words: [] };
  t.match(
    classifyForeign(buildSubject(cut({ ready: true, exitCode: null, signal: 'SIGKILL' })), false, mute),
    { outcome: 'reached', tier: null },
    'the guest saw the line',
  );
  t.match(classifyForeign(buildSubject(cut({ exitCode: 1 })), false, mute), { outcome: 'crashed' });
  t.end();
});

t.test('a line too long for the guest to look at is no silence', (t) => {
  const late = { timedOut: true, exitCode: null, signal: 'SIGKILL', unwatchedBytes: 7 } as const;
  const long = `${'x'.repeat(70_000)} listening on 80\n`;
  t.match(end(line, { ...late, stdout: long }), { outcome: 'broken', reason: /7 bytes of long lines/ });
  t.match(end(line, { ...late, stdoutDropped: 9, stdout: 'x' }), { outcome: 'broken', reason: /9 bytes/ });
  t.match(end(line, { ...late, stdout: 'x'.repeat(70_000) }), { outcome: 'timeout' }, 'all of it is known');
  t.end();
});

const asked = resolveAsked(defaultSettings());

t.test('settings that were not met make it invalid, as with the wasm host', (t) => {
  const found = { ok: false, axis: 'memory', asked: '1', found: '2' };
  const observation = buildObservation({ subject: buildSubject({ exitCode: 0 }), readBack: [found] });
  t.match(classify(observation, asked, subject()), { outcome: 'invalid' });
  t.end();
});

t.test('an expected line that is missing makes what happened unexpected', (t) => {
  const observation = buildObservation({ subject: buildSubject({ exitCode: 1, stderr: 'mmap failed: 12' }) });
  const expectation = { outcome: 'exhausted' as const, because: null, link: null };
  const verdictOf = (error?: string) =>
    judge(observation, asked, { ...expectation, ...(error !== undefined && { error }) }, null, subject());
  t.match(verdictOf(), { verdict: 'expected', tier: null, form: null, subject: { name: 'server' } });
  t.match(verdictOf('failed: \\d+'), {
    verdict: 'expected',
    expected: { text: 'exhausted, a line /failed: \\d+/' },
  });
  t.match(verdictOf('failed: x'), {
    verdict: 'unexpected',
    reason: 'mapping: mmap failed: 12 (no line matches /failed: x/)',
  });
  const up = buildObservation({ subject: buildSubject({ exitCode: 0, stdout: 'pooling on' }) });
  t.match(judge(up, asked, { tier: 'standard', because: null, link: null }, null, subject()), {
    outcome: 'reached',
    tier: 'standard',
    verdict: 'expected',
    form: null,
    tiers: [],
  });
  const cut = buildObservation({
    subject: buildSubject({ exitCode: 1, stderr: 'mmap failed: 12\n', stderrDropped: 70, stderrTail: '' }),
  });
  const verdictOfCut = (error: string) => judge(cut, asked, { ...expectation, error }, null, subject());
  t.match(verdictOfCut('failed: \\d+'), { outcome: 'exhausted', verdict: 'expected' });
  t.match(
    verdictOfCut('failed: x'),
    {
      outcome: 'broken',
      tier: null,
      verdict: null,
      reason: 'output was cut: 70 bytes were not kept (no line matches /failed: x/)',
    },
    'it may be in what was not kept',
  );
  const unmet = { axis: 'thp', asked: 'always', found: 'never', ok: false };
  t.match(
    judge({ ...cut, readBack: [unmet] }, asked, { ...expectation, error: 'failed: x' }, null, subject()),
    { outcome: 'invalid', verdict: null },
    'what has no verdict keeps its outcome',
  );
  t.end();
});

t.test('a line that says it is up, which the grep of the guest did not take for one, is no time-out', (t) => {
  for (const stdout of ['listening on 80\r\n', 'pooling on\nlistening on 80\n']) {
    t.match(end(line, { timedOut: true, signal: 'SIGKILL', exitCode: null, stdout }), {
      outcome: 'broken',
      reason: /the guest saw none/,
    });
  }
  t.match(end(line, { timedOut: true, signal: 'SIGKILL', exitCode: null, stdout: 'pooling on\n' }), {
    outcome: 'timeout',
  });
  t.end();
});

t.test('what a program writes as the causes of its failure is kept', (t) => {
  const causes = (stderr: string) => end(port, { stderr, exitCode: 1 }).summary;
  const error = 'Error: mmap failed';
  t.match(
    causes(
      `${error}\n\nCaused by:\n    0: mmap failed to allocate 0x1000 bytes\n    1: os error 12\n\nbye\n`,
    ),
    { line: error, causes: ['mmap failed to allocate 0x1000 bytes', 'os error 12'] },
  );
  t.same(causes(`${error}\n\nCaused by:\n    out of memory\nbye\n`).causes, ['out of memory']);
  t.notOk('causes' in causes(`${error}\nbye\n`));
  const many = Array.from({ length: 12 }, (_, index) => `    ${index}: cause ${index}`).join('\n');
  t.match(causes(`${error}\n\nCaused by:\n${many}\n`).causes?.at(-1), /^cause [1-9]$/, 'not all of many');
  t.same(findCauses(['Caused by:'], error), [], 'the error may not be among the lines that were kept');
  t.notOk('causes' in causes(`${error}\nCaused by:\nbye\n`));
  t.end();
});
