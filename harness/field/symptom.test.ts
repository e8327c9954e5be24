import t from 'tap';
import { reportOf } from '../fixtures/field/reports.ts';
import { findRuntime } from './runtime.ts';
import { symptomOfReport, symptomOfText } from './symptom.ts';

const codeRange = '# Fatal process out of memory: Failed to reserve virtual memory for CodeRange';
const semiSpace =
  'FATAL ERROR: Committing semi space failed. Allocation failed - JavaScript heap out of memory';

t.test('one message has one class, in a report and in a guest', (t) => {
  t.match(symptomOfText(semiSpace), { class: 'v8-fatal', act: 'commit' });
  t.match(symptomOfText(codeRange), { class: 'v8-fatal', act: 'start' });
  t.match(symptomOfText('FATAL ERROR: CALL_AND_RETRY_LAST Allocation failed - process out of memory'), {
    act: 'heap',
  });
  t.equal(symptomOfText('FATAL ERROR: v8::ToLocalChecked Empty MaybeLocal.'), null, 'no start that failed');
  for (const option of [
    'node: bad option: --disable-wasm-trap-handler',
    'node: --disable-wasm-trap-handler is not allowed in NODE_OPTIONS',
  ])
    t.match(symptomOfText(option), { act: 'option', engine: 'v8', class: 'unsupported' });
  t.equal(symptomOfText('Error: read EAGAIN'), null, 'a socket has nothing to do with threads');
  t.match(symptomOfText('Error: unable to make memory executable'), { act: 'code', engine: 'wasmtime' });
  t.equal(symptomOfText("thread 'main' panicked at src/lib.rs:1:1:\nindex out of bounds"), null);
  t.match(symptomOfReport(reportOf({ words: ['x'], exit: 137 })), { class: 'killed' });
  t.end();
});

t.test('what comes back empty for now is no thread that was refused', (t) => {
  for (const text of [
    'read: Resource temporarily unavailable',
    'flock: 3: Resource temporarily unavailable',
    'thread \'main\' panicked at src/main.rs:4:2:\nErr(Os { code: 11, message: "Resource temporarily unavailable" })',
    "thread 'main' panicked at 'recv: Resource temporarily unavailable (os error 11)', src/main.rs:4:2",
  ])
    t.not(symptomOfText(text)?.act, 'thread', text);
  for (const text of [
    'node[7]: pthread_create: Resource temporarily unavailable',
    'bash: fork: retry: Resource temporarily unavailable',
    'sh: 0: Cannot fork',
    "OS can't spawn worker thread: Resource temporarily unavailable (os error 11)",
    "thread 'main' panicked at std/src/thread/mod.rs:729:29:\nfailed to spawn thread: Os { code: 11 }",
    'thread \'main\' panicked at library/std/src/thread/mod.rs:1:2:\nOs { code: 11, message: "Resource temporarily unavailable" }',
    'ThreadPoolBuildError { kind: IOError(Os { code: 11, message: "Resource temporarily unavailable" }) }',
    'fork/exec /usr/bin/git: resource temporarily unavailable',
    'runtime: failed to create new OS thread (have 9 already; errno=11)',
    'java.lang.OutOfMemoryError: unable to create native thread: possibly out of memory',
    "RuntimeError: can't start new thread",
    'Assertion `(0) == (uv_thread_create(t.get(), start_thread, this))` failed.',
  ])
    t.equal(symptomOfText(text)?.act, 'thread', text);
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
    [['next', 'build'], codeRange, { kind: 'node', name: 'node' }],
    [
      ['./my-cli'],
      'FATAL ERROR: NewSpace::Grow Allocation failed - JavaScript heap out of memory',
      { kind: 'node' },
    ],
    [['./shell'], '# Fatal JavaScript out of memory: Reached heap limit', { kind: 'other', name: 'shell' }],
    [['bash', '-c', 'ulimit -v 524288; /usr/bin/node x.js'], codeRange, { kind: 'node', assumed: false }],
    [['sh', '-c', 'exec spin up'], 'failed to create table pool mapping', { kind: 'spin' }],
    [['docker', 'run', '--rm', 'image', 'wasmtime', 'run'], '(os error 12)', { kind: 'wasmtime' }],
    [
      ['docker', 'run', '--rm', 'denoland/deno:2.1.1', 'run', 'x.ts'],
      codeRange,
      { kind: 'whole', name: 'deno' },
    ],
    [['docker', 'run', 'node:22', 'x.js'], codeRange, { kind: 'node', assumed: false }],
    [['podman', 'run', 'team/spin:v3.0', 'up'], '(os error 12)', { kind: 'spin' }],
    [['sh', './start.sh'], codeRange, { kind: 'node', name: null, assumed: true }],
    [['sh', './start.sh'], 'failed to create table pool mapping', { kind: 'embedder', name: null }],
    [['strace', '-f', 'npx', 'workerd', 'serve'], 'Illegal instruction', { kind: 'whole', name: 'workerd' }],
    [['npx', 'wrangler', 'dev'], '', { kind: 'whole', subject: 'workerd' }],
  ] as const;
  for (const [words, output, expected] of rows)
    t.match(findRuntime(reportOf({ words, output: [output] })), expected, words.join(' '));
  t.end();
});
