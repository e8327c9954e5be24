/**
 * Prints `N passed, N failed` for a TAP file as the last line, and sets the exit code.
 * Arguments: the file, the exit code of the checks, the exit code of tap. Checks count as one test.
 */
import { readFileSync } from 'node:fs';
import { Parser, type Result } from 'tap-parser';

type Counts = {
  passed: number;
  failed: number;
  skipped: number;
  /** Names of what failed. */ failures: string[];
};

/** Assertions of a TAP text; a subtest's closing point repeats its assertions and does not count. */
export function countTests(text: string): Counts {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0, failures: [] };
  const watch = (parser: Parser): void => {
    parser.on('child', watch);
    parser.on('assert', (point: Result) => {
      if (point.closingTestPoint) return;
      if (point.skip || point.todo) counts.skipped += 1;
      else if (point.ok) counts.passed += 1;
      else {
        counts.failed += 1;
        counts.failures.push(point.fullname);
      }
    });
  };
  const parser = new Parser();
  watch(parser);
  parser.end(text);
  return counts;
}

const [, script = '', file, checks, tap] = process.argv;
if (file !== undefined && script.endsWith('count-tests.js')) {
  const counts = countTests(readFileSync(file, 'utf8'));
  const failedParts = [checks, tap].filter((code) => code !== '0').length;
  if (checks === '0') counts.passed += 1;
  else counts.failed += 1;
  // tap failed although every assertion passed (a timeout, a crash, a plan not met): that is a failure too.
  if (tap !== '0' && counts.failed === (checks === '0' ? 0 : 1)) counts.failed += 1;
  for (const name of counts.failures) process.stdout.write(`failed: ${name}\n`);
  if (checks !== '0') process.stdout.write('failed: npm run check\n');
  const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
  process.stdout.write(`${counts.passed} passed, ${counts.failed} failed${skipped}\n`);
  process.exitCode = failedParts === 0 && counts.failed === 0 && counts.passed > 0 ? 0 : 1;
}
