import t from 'tap';
import { buildResult } from '../fixtures/report/results.ts';
import { requireVerdict } from './run-trial.ts';

t.test('a result that says nothing about the subject is no answer, and has a code of its own', (t) => {
  for (const outcome of ['broken', 'invalid', 'skipped'] as const)
    t.throws(() => requireVerdict({ ...buildResult(), outcome, reason: 'QEMU is gone' }), {
      code: 'NO_VERDICT',
      message: /: (broken|invalid|skipped): QEMU is gone$/,
    });
  for (const outcome of ['reached', 'exhausted', 'crashed', 'timeout', 'guest-died'] as const)
    t.equal(requireVerdict({ ...buildResult(), outcome }).outcome, outcome);
  t.end();
});
