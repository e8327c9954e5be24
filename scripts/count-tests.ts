/**
 * Prints how many tests of a TAP file passed and failed, `N passed, N failed` as the last line, and sets the exit code.
 * Arguments: the file, the exit code of the checks, the exit code of tap. Checks count as one test.
 */
import { readFileSync } from 'node:fs';
import { type FinalResults, Parser, type Result } from 'tap-parser';

export type Counts = {
  /** Tests: what `t.test` names, where it asserts something itself. */
  passed: number;
  failed: number;
  skipped: number;
  assertions: number;
  /** Names of what failed. */ failures: string[];
};

export const noCounts: Counts = { passed: 0, failed: 0, skipped: 0, assertions: 0, failures: [] };

export const addCounts = (one: Counts, other: Counts): Counts => ({
  passed: one.passed + other.passed,
  failed: one.failed + other.failed,
  skipped: one.skipped + other.skipped,
  assertions: one.assertions + other.assertions,
  failures: [...one.failures, ...other.failures],
});

/** What failed, then the counts; those of tests are the last line. */
export function renderCounts({ passed, failed, skipped, assertions, failures }: Counts): string {
  const last = `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
  return [...failures.map((name) => `failed: ${name}`), `${assertions} assertions`, last, ''].join('\n');
}

/**
 * Tests of a TAP text. A file is a test where it asserts something outside all of its tests. A test fails by its own
 * assertions, or where it does not come to its end; not by a test inside it, which is counted itself.
 */
export function countTests(text: string): Counts {
  const counts: Counts = { ...noCounts, failures: [] };
  const root = new Parser();
  watch(root, counts, true);
  root.end(text);
  return counts;
}

function watch(parser: Parser, counts: Counts, isRoot: boolean): void {
  let [own, children] = [0, 0];
  let [ownFailed, childFailed] = [false, false];
  parser.on('child', (child: Parser) => {
    children += 1;
    watch(child, counts, false);
  });
  parser.on('assert', (point: Result) => {
    if (point.closingTestPoint) {
      childFailed ||= !point.ok;
      return;
    }
    if (point.skip || point.todo) {
      counts.skipped += 1;
      return;
    }
    own += 1;
    counts.assertions += 1;
    if (point.ok) return;
    ownFailed = true;
    counts.failures.push(point.fullname);
  });
  parser.on('complete', ({ ok, plan }: FinalResults) => {
    // The document itself is no test, but a file that never began is one line of it.
    if (isRoot && own === 0) return;
    if (ownFailed || (!ok && !childFailed)) {
      counts.failed += 1;
      if (!ownFailed) counts.failures.push(`${parser.fullname}: it did not come to its end`);
    } else if (plan.skipAll) counts.skipped += 1;
    else if (own > 0 || children === 0) counts.passed += 1;
  });
}

const [, script = '', file, checks, tap] = process.argv;
if (file !== undefined && script.endsWith('count-tests.js')) {
  const counts = countTests(readFileSync(file, 'utf8'));
  if (checks === '0') counts.passed += 1;
  else {
    counts.failed += 1;
    counts.failures.push('npm run check');
  }
  // tap failed although every test passed: that is a failure too.
  if (tap !== '0' && counts.failed === (checks === '0' ? 0 : 1)) {
    counts.failed += 1;
    counts.failures.push('tap itself');
  }
  process.stdout.write(renderCounts(counts));
  process.exitCode = counts.failed === 0 && counts.passed > 0 ? 0 : 1;
}
