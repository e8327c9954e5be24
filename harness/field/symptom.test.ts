import t from 'tap';
import { reportOf } from '../fixtures/field/reports.ts';
import { symptomOfReport, symptomOfText } from './symptom.ts';

const codeRange = '# Fatal process out of memory: Failed to reserve virtual memory for CodeRange';
const semiSpace =
  'FATAL ERROR: Committing semi space failed. Allocation failed - JavaScript heap out of memory';

t.test('one message has one class, in a report and in a guest', (t) => {
  t.match(symptomOfText(semiSpace), { class: 'v8-fatal', act: 'heap' });
  t.match(symptomOfText(codeRange), { class: 'v8-fatal', act: 'start' });
  t.match(symptomOfText('Error: unable to make memory executable'), { act: 'code', engine: 'wasmtime' });
  t.equal(symptomOfText("thread 'main' panicked at src/lib.rs:1:1:\nindex out of bounds"), null);
  t.match(symptomOfReport(reportOf({ words: ['x'], exit: 137 })), { class: 'killed' });
  t.end();
});
