import t from 'tap';
import { reportOf } from '../fixtures/field/reports.ts';
import { findRuntime } from './runtime.ts';
import { symptomOfReport, symptomOfText } from './symptom.ts';

const codeRange = '# Fatal process out of memory: Failed to reserve virtual memory for CodeRange';
const semiSpace =
  'FATAL ERROR: Committing semi space failed. Allocation failed - JavaScript heap out of memory';

t.test('one message has one class, in a report and in a guest', (t) => {
  t.match(symptomOfText(semiSpace), { class: 'v8-fatal', act: 'heap' });
  t.match(symptomOfText(codeRange), { class: 'v8-fatal', act: 'start' });
  t.match(symptomOfText('FATAL ERROR: CALL_AND_RETRY_LAST Allocation failed - process out of memory'), {
    act: 'heap',
  });
  t.equal(symptomOfText('FATAL ERROR: v8::ToLocalChecked Empty MaybeLocal.'), null, 'no start that failed');
  t.equal(symptomOfText('Error: read EAGAIN'), null, 'a socket has nothing to do with threads');
  t.match(symptomOfText('Error: unable to make memory executable'), { act: 'code', engine: 'wasmtime' });
  t.equal(symptomOfText("thread 'main' panicked at src/lib.rs:1:1:\nindex out of bounds"), null);
  t.match(symptomOfReport(reportOf({ words: ['x'], exit: 137 })), { class: 'killed' });
  t.end();
});

t.test("the failure's own words decide the engine, whatever the command is", (t) => {
  const rows = [
    [
      ['spin', 'up'],
      'RangeError: WebAssembly.Memory(): could not allocate memory',
      { kind: 'node', assumed: true },
    ],
    [['wasmtime', 'run'], codeRange, { kind: 'other', name: 'wasmtime' }],
    [['node', 'x'], 'failed to create memory pool mapping', { kind: 'embedder', name: 'node' }],
    [['env', 'A=1', '/usr/bin/nodejs', 'x'], codeRange, { kind: 'node', assumed: false }],
    [['sudo', 'spin', 'up'], 'failed to create table pool mapping', { kind: 'spin' }],
    [['npx', '-y', 'vite@5'], codeRange, { kind: 'node', name: 'node' }],
  ] as const;
  for (const [words, output, expected] of rows)
    t.match(findRuntime(reportOf({ words, output: [output] })), expected, words.join(' '));
  t.end();
});
