import t from 'tap';
import { classifyEngineText, classifyWorkerEnd, type WorkerEnd } from './failure.ts';
import { findMessage } from './known-messages.ts';

const end: WorkerEnd = { tier: 'standard', exitCode: null, signal: 'SIGABRT', timedOut: false, stderr: '' };

const panic = (what: string, cause: string) => `
thread '<unnamed>' (812) panicked at crates/c-api/src/engine.rs:37:38:
called \`Result::unwrap()\` on an \`Err\` value: ${what}

Caused by:
    0: ${cause}
    1: Cannot allocate memory (os error 12)
note: run with \`RUST_BACKTRACE=1\` environment variable to display a backtrace
`;

t.test('an abort names the pool, its bytes and the error number', (t) => {
  for (const [pool, verb, bytes] of [
    ['memory', 'reserve', 0x3ef_d200_0000],
    ['table', 'allocate', 0x5fb4_0000],
    ['stack', 'allocate', 0x7d3e_8000],
  ] as const) {
    const stderr = panic(
      `failed to create ${pool} pool mapping`,
      `mmap failed to ${verb} 0x${bytes.toString(16)} bytes`,
    );
    const failure = classifyWorkerEnd({ ...end, stderr });
    t.match(failure, {
      class: 'pool-mapping',
      pool,
      bytes,
      errno: 'ENOMEM',
      signal: 'SIGABRT',
      exitCode: null,
    });
    t.equal(
      failure.message,
      `standard: failed to create ${pool} pool mapping: mmap failed to ${verb} 0x${bytes.toString(16)} bytes: Cannot allocate memory (os error 12)`,
    );
  }
  t.end();
});

t.test('too few mappings show at the guard pages of the stacks', (t) => {
  const stderr = panic('failed to protect stack guard page', 'Cannot allocate memory');
  t.match(classifyWorkerEnd({ ...end, stderr }), { class: 'stack-guard', pool: 'stack', bytes: null });
  t.end();
});

t.test("other ends of a worker are told apart by the engine's own words", (t) => {
  const rows: readonly (readonly [stderr: string, expected: object, exit?: Partial<WorkerEnd>])[] = [
    [
      '/opt/node: bad option: --disable-wasm-trap-handler\n',
      { class: 'unsupported', exitCode: 9 },
      { exitCode: 9, signal: null },
    ],
    [
      '#\n# Fatal process out of memory: Failed to reserve virtual memory for CodeRange\n#\n',
      { class: 'v8-fatal', signal: 'SIGTRAP' },
      { signal: 'SIGTRAP' },
    ],
    ['# Fatal process OOM in Failed to reserve virtual memory for CodeRange', { class: 'v8-fatal' }],
    ['# Fatal javascript OOM in Committing semi space failed.', { class: 'v8-fatal' }],
    ['FATAL ERROR: Committing semi space failed. Allocation failed', { class: 'v8-fatal' }],
    ['memory allocation of 786432 bytes failed', { class: 'engine', bytes: 786_432 }],
    [
      "thread '<unnamed>' panicked at src/lib.rs:1:1:\nindex out of bounds",
      { class: 'engine', message: 'standard: index out of bounds' },
    ],
    ["thread '<unnamed>' panicked at src/lib.rs:1:1:", { class: 'engine', message: /panicked at/ }],
    [
      'Segmentation fault',
      { class: 'crashed', message: 'standard: the worker ended by SIGABRT', bytes: null },
    ],
    ['', { class: 'crashed', message: 'standard: the worker exited with 7' }, { exitCode: 7, signal: null }],
    ['', { message: 'standard: the worker exited with no code' }, { signal: null }],
    ['panicked at', { class: 'killed', errno: null }, { signal: 'SIGKILL' }],
    ['panicked at', { class: 'timeout', message: /no answer/ }, { signal: 'SIGKILL', timedOut: true }],
  ];
  for (const [stderr, expected, exit] of rows) {
    t.match(classifyWorkerEnd({ ...end, ...exit, stderr }), expected, stderr);
  }
  t.end();
});

t.test('only the tail of the standard error is kept', (t) => {
  const failure = classifyWorkerEnd({ ...end, stderr: `${'x'.repeat(10_000)}end` });
  t.equal(failure.stderr.length, 4096);
  t.ok(failure.stderr.endsWith('end'));
  t.end();
});

t.test('errors of instantiation have no pool wording', (t) => {
  t.same(
    classifyEngineText(
      'mmap failed to reserve 0x104000000 bytes\n\nCaused by:\n    Cannot allocate memory (os error 12)',
    ),
    {
      class: 'instance-mapping',
      pool: null,
      bytes: 0x1_0400_0000,
      errno: 'ENOMEM',
    },
  );
  t.match(classifyEngineText('Invalid argument (os error 22)'), { class: 'engine', errno: 'EINVAL' });
  t.match(classifyEngineText('Interrupted (os error 4)'), { class: 'engine', errno: null });
  t.match(classifyEngineText('maximum concurrent limit of 1000 for memory stripe 0 reached'), {
    class: 'engine',
  });
  t.match(classifyEngineText('failed to create GC heap pool mapping'), { class: 'pool-mapping', pool: null });
  t.end();
});

t.test("what V8's memory was for shows in the frames of the stack", (t) => {
  const words = 'RangeError: WebAssembly.instantiate(): Out of memory: Cannot allocate Wasm memory';
  for (const [frame, act] of [
    ['at lazyllhttp (node:internal/deps/undici/undici:5978:32)', 'fetch'],
    ['at init (node:internal/deps/cjs-module-lexer/dist/lexer:1:1)', 'import'],
    ['at main (file:///srv/host.js:3:1)', 'instance'],
  ] as const)
    t.equal(findMessage(`${words}\n    ${frame}\n`)?.message.act, act, frame);
  t.equal(findMessage('all is well'), null);
  t.end();
});
