import t from 'tap';
import { endWith, seen } from '../fixtures/field/endings.ts';
import { base, reportOf } from '../fixtures/field/reports.ts';
import type { Result } from '../store/result.ts';
import { mapReport } from './map.ts';
import { compareFailure, settleReport } from './reproduce.ts';
import { symptomOfReport } from './symptom.ts';

const gib = 2 ** 30;
const fetchError =
  'RangeError: WebAssembly.instantiate(): Out of memory: Cannot allocate Wasm memory for new instance';
const codeRange = '# Fatal process out of memory: Failed to reserve virtual memory for CodeRange';

t.test('a program that is a subject as it is runs as itself, where it does what failed', (t) => {
  const programs = { ...base.programs, deno: '2.9.6' };
  const old = { processor: { ...base.processor, flags: 'fpu pni ssse3 sse4_1 cx16' } };
  const trap = { exit: 'none', signal: 'SIGTRAP', space: 8 * gib } as const;
  const cage = '# Fatal process out of memory: Oilpan: CagedHeap reservation.';
  for (const [change, subject, end] of [
    [
      {
        words: ['npx', 'workerd@1.20250129.0', 'serve'],
        output: ['Illegal instruction (core dumped)'],
        exit: 132,
        more: old,
      },
      'workerd',
      'by stand-in',
    ],
    [{ words: ['npx', 'wrangler', 'dev'], exit: 'none', signal: 'SIGILL', more: old }, 'workerd', 'stand-in'],
    [{ words: ['deno', 'run', 'x.ts'], output: [cage], ...trap, more: { programs } }, 'deno@2.9.6', ''],
    [{ words: ['deno', 'task', 'dev'], output: [codeRange], ...trap }, 'deno', 'by stand-in'],
  ] as const) {
    const report = reportOf(change);
    const found = mapReport(report);
    t.match(found.settings, { subject, engine: 'wasmtime' });
    t.equal(settleReport(report, found), null, 'a guest says');
    const wanted = symptomOfReport(report)!;
    const died = seen(found.settings, wanted.act === 'instruction' ? null : wanted.text, 'crashed');
    const reason = wanted.act === 'instruction' ? 'died of SIGILL' : died.reason;
    const signal = wanted.act === 'instruction' ? 'SIGILL' : 'SIGTRAP';
    const result: Result = { ...died, reason, subject: { ...died.subject!, signal, exitCode: null } };
    t.match(compareFailure(wanted, result, found.mappings, report).end, new RegExp(`^reproduced.*${end}$`));
    t.equal(endWith(change, null).end, 'not reproduced');
  }
  const other = reportOf({ words: ['deno', 'run', 'x.ts'], output: [fetchError], space: 8 * gib });
  t.match(settleReport(other, mapReport(other)), {
    end: 'cannot be reproduced here',
    because: [/no subject does this with deno: an instance of a module/],
  });
  const grow = reportOf({
    words: ['node', 'x'],
    output: ['RangeError: WebAssembly.Memory.grow(): Unable to grow instance memory'],
  });
  t.match(settleReport(grow, mapReport(grow)), {
    end: 'cannot be reproduced here',
    because: [/the growth of a memory: no subject does this/],
  });
  t.end();
});
