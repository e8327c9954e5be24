import t from 'tap';
import { buildObservation, buildSubject } from '../fixtures/outcome/observations.ts';
import type { SubjectRun } from '../guest/observation.ts';
import type { Ready, Subject } from '../matrix/subject.ts';
import { classify } from './classify.ts';
import { classifyForeign } from './classify-foreign.ts';
import { judge } from './judge.ts';
import { resolveAsked } from './predict-cell.ts';
import { defaultSettings } from '../matrix/axes.ts';

const exit: Ready = { kind: 'exit', code: 0 };
const line: Ready = { kind: 'line', pattern: 'listening on \\d+', extended: 'listening on [0-9]+' };
const port: Ready = { kind: 'port', port: 3000 };

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
    reason: 'came up: it listens on port 3000; no pattern of a tier fits what it wrote',
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

t.test('one that is not up has not reached anything, whatever it says', (t) => {
  t.match(end(exit, { exitCode: 1, stdout: 'pooling on', stderr: 'x: os error 12' }), {
    outcome: 'exhausted',
    tier: null,
    reason: 'mapping: x: os error 12',
  });
  t.match(end(exit, { exitCode: 1, stdout: 'pooling on', stderr: 'boom' }), {
    outcome: 'crashed',
    tier: null,
    reason: 'ended with exit code 1; no pattern of the subject fits: boom',
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
    reason: /exit code 0, no line fits its pattern/,
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
    reason: 'mapping: mmap failed: 12 (no line fits /failed: x/)',
  });
  t.end();
});
