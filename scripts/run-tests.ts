/**
 * Runs test files in one process per core: `node scripts/run-tests.ts [--jobs N] [file ...]`. Each process takes one
 * file after another from a shared queue. Prints what fails, and how many tests passed and failed as the last line.
 * `tap run` starts a process for each file, which takes 0.5 s to load tap and the project.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { text as readText } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Parser, type Result } from 'tap-parser';
import { stringify } from 'yaml';
import { addCounts, type Counts, countTests, noCounts, renderCounts } from './count-tests.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const program = fileURLToPath(new URL('test-process.ts', import.meta.url));
const loader = new URL('load-tests.ts', import.meta.url).href;

/** Prints each assertion that fails, when it does, with what tap says of it. */
function printFailures(parser: Parser): void {
  parser.on('child', printFailures);
  parser.on('assert', (point: Result) => {
    if (point.ok || point.todo || point.skip || point.closingTestPoint) return;
    process.stdout.write(`not ok: ${point.fullname}\n${point.diag ? stringify(point.diag) : ''}`);
  });
}

/** Runs files from the queue in a process, until it is empty or the process ends; counts its tests. */
async function runProcess(queue: string[]): Promise<Counts> {
  const child = fork(program, {
    cwd: root,
    execArgv: [`--import=${loader}`],
    env: { NODE_COMPILE_CACHE: '.tap/cache', ...process.env, TAP: '1' },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  let file: string | undefined;
  child.on('message', (message) => {
    // tap sends words of its own.
    if (message !== 'next' && message !== 'done') return;
    file = message === 'next' ? queue.shift() : undefined;
    if (message === 'next') child.send({ file });
  });
  const parser = new Parser();
  printFailures(parser);
  const { stdout } = child;
  if (stdout === null) throw new Error('a test process without its output');
  stdout.pipe(parser);
  const [output, [code, signal]] = await Promise.all([
    readText(stdout),
    once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>,
  ]);
  const counts = countTests(output);
  const how = signal ?? `exit code ${code}`;
  if (file !== undefined) return addFailure(counts, `${file}: its process ended, ${how}`);
  return code !== 0 && counts.failed === 0 ? addFailure(counts, `a process of tests: ${how}`) : counts;
}

const addFailure = (counts: Counts, failure: string): Counts =>
  addCounts(counts, { ...noCounts, failed: 1, failures: [failure] });

/** One process at a time; a new one follows where it ended, or grew too large, before the queue was empty. */
async function runProcesses(queue: string[]): Promise<Counts> {
  let counts = noCounts;
  while (queue.length > 0) counts = addCounts(counts, await runProcess(queue));
  return counts;
}

const { values, positionals: files } = parseArgs({
  options: { jobs: { type: 'string', default: String(availableParallelism()) } },
  allowPositionals: true,
});
const queue = [...files];
const jobs = Array.from({ length: Number(values.jobs) }, () => runProcesses(queue));
const start = files.length > 0 ? noCounts : addFailure(noCounts, 'no test file is named');
const counts = (await Promise.all(jobs)).reduce(addCounts, start);
process.stdout.write(renderCounts(counts));
process.exitCode = counts.failed === 0 && counts.passed > 0 ? 0 : 1;
