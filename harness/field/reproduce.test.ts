import t from 'tap';
import type { FieldReport } from './report.ts';
import { base, type Change, reportOf } from '../fixtures/field/reports.ts';
import { endWith } from '../fixtures/field/endings.ts';
import { buildResult } from '../fixtures/report/results.ts';
import type { Result } from '../store/result.ts';
import { mapReport } from './map.ts';
import {
  compareFailure,
  compareModel,
  describeReached,
  endCodes,
  settleReport,
  type End,
} from './reproduce.ts';
import { symptomOfReport, symptomOfText } from './symptom.ts';

const [mib, gib] = [2 ** 20, 2 ** 30];
const fetchError =
  'RangeError: WebAssembly.instantiate(): Out of memory: Cannot allocate Wasm memory for new instance';
const undici = '    at lazyllhttp (node:internal/deps/undici/undici:5829:32)';
const codeRange = '# Fatal process out of memory: Failed to reserve virtual memory for CodeRange';
const heapLimit = 'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory';
const oldInstance = 'RangeError: WebAssembly.Instance(): Out of memory: wasm memory';

t.test('the act that failed is done again, on its engine and version, and nothing else counts', (t) => {
  for (const [space, node] of [
    [50 * gib, '22.13.0'],
    [30 * gib, '20.9.0'],
    [20 * gib, '24.18.0'],
  ] as const) {
    const change: Change = { words: ['node', 'x.js'], output: [fetchError, undici], space, node };
    const report = reportOf(change);
    const found = mapReport(report);
    t.match(found.settings, { subject: 'node-fetch', engine: 'v8', node, addressSpace: space });
    t.equal(settleReport(report, found), null, 'a guest says');
    const works = endWith(change, null);
    t.match(works, {
      end: 'not reproduced',
      because: [
        /nothing failed/,
        /needs .* of address space .* fails with less; this limit has room for \d+/,
      ],
    });
    t.equal(endWith(change, fetchError).end, 'reproduced', 'its one line needs no frames');
    t.match(endWith(change, '1 memories, then RangeError: WebAssembly.Memory(): could not allocate memory'), {
      end: 'not reproduced',
      because: [/^same limit, another act: fetch\(\) was reported, one more linear memory failed here/],
    });
    t.equal(endWith(change, codeRange, 'crashed').end, 'not reproduced');
  }
  t.end();
});

t.test('a heap that filled up is no start that failed, whatever the limit', (t) => {
  for (const [output, space, node] of [
    [heapLimit, 512 * mib, '22.13.0'],
    ['FATAL ERROR: NewSpace::Rebalance Allocation failed - JavaScript heap out of memory', gib, '20.20.2'],
    ['FATAL ERROR: Ineffective mark-compacts near heap limit Allocation failed', 'unlimited', '18.20.8'],
  ] as const) {
    const change: Change = {
      words: ['node', 'build.js'],
      output: [output],
      signal: 'SIGABRT',
      exit: 'none',
      space,
      node,
    };
    t.equal(mapReport(reportOf(change)).settings.subject, 'node-start');
    t.match(endWith(change, codeRange, 'crashed'), {
      end: 'not reproduced',
      because: [
        /another act: the JavaScript heap, filled at run time was reported, the start of the runtime/,
        /max-old-space-size/,
      ],
    });
    t.match(endWith(change, null), {
      end: 'not reproduced',
      because: [/nothing failed/, /max-old-space-size/],
    });
  }
  t.equal(
    endWith({ words: ['node', 'x'], output: [codeRange], space: 512 * mib }, codeRange, 'crashed').end,
    'reproduced',
  );
  t.end();
});

t.test("a report without Node in PATH is Node's by the failure's own words", (t) => {
  const rows: readonly (readonly [
    words: readonly string[],
    output: readonly string[],
    space: number,
    node: string,
    subject: string,
  ])[] = [
    [['.vscode-server/bin/code-server', '--start-server'], [fetchError, undici], 4 * gib, '22', 'node-fetch'],
    [['/opt/app/server'], [fetchError, undici], 40 * gib, '26', 'node-fetch'],
    [['webpack'], [oldInstance], 4 * gib, '16.20.2', 'node-instance'],
    [
      ['server'],
      ['RangeError: WebAssembly.Memory(): could not allocate memory'],
      8 * gib,
      '22',
      'node-memories',
    ],
  ];
  for (const [words, output, space, node, subject] of rows) {
    const report = reportOf({ words, output, space, node: 'notFound' });
    const { settings, mappings } = mapReport(report);
    t.match(settings, { engine: 'v8', subject, node }, words.join(' '));
    t.match(
      mappings.find(({ fact, axis }) => fact === 'programs.node' && axis === 'node'),
      { how: 'approximated', why: /^assumed: the newest Node/ },
    );
  }
  t.end();
});

t.test('V8 in another program is said to be no subject, before anything boots', (t) => {
  for (const [words, output] of [
    [['envoy', '-c', 'envoy.yaml'], codeRange],
    [['/usr/bin/chromium'], '# Fatal process OOM in Failed to reserve memory for new V8 Isolate'],
    [['/usr/share/code/code'], 'V8 process OOM (Failed to reserve memory for new V8 Isolate)'],
    [['pgbouncer'], '# Check failed: 12 == (*__errno_location ()).'],
    [['google-chrome-stable'], 'RangeError: WebAssembly.Memory(): could not allocate memory'],
    [['/usr/lib/chromium/chromium'], fetchError],
  ] as const) {
    const report = reportOf({ words, output: [output], exit: 'none', signal: 'SIGTRAP' });
    const end = settleReport(report, mapReport(report));
    t.match(end, {
      end: 'cannot be reproduced here',
      because: [/V8 in another program: there is no subject with/],
    });
  }
  t.end();
});

t.test('an old Node runs a subject that it can', (t) => {
  for (const node of ['12.18.3', '14.21.3', '16.20.0']) {
    const change: Change = { words: ['node', './bin/x'], output: [oldInstance], space: 10_000_000_000, node };
    t.match(mapReport(reportOf(change)).settings, { subject: 'node-instance', node, env: {} });
    t.equal(endWith(change, `0 instances, then ${oldInstance}`).end, 'reproduced');
  }
  const npm = mapReport(
    reportOf({ words: ['npm', 'start'], output: [fetchError, undici], node: '16.20.0', space: gib }),
  );
  t.match(npm.settings, { subject: 'node-instance', env: { HOW: 'instantiate' } }, 'fetch() came with 18');
  t.end();
});

t.test('an option that a Node refuses is refused again, on its command line or in NODE_OPTIONS', (t) => {
  const flag = '--disable-wasm-trap-handler';
  const refused = `node: ${flag} is not allowed in NODE_OPTIONS`;
  for (const [words, output, node] of [
    [['env', `NODE_OPTIONS=${flag}`, 'node', 'x.js'], refused, '18.20.8'],
    [['sh', '-c', `NODE_OPTIONS="--no-warnings ${flag}" node x.js`], refused, '16.20.0'],
    [['node', flag, 'x.js'], `node: bad option: ${flag}`, '20.9.0'],
  ] as const) {
    const change: Change = { words, output: [output], exit: 9, node };
    t.match(mapReport(reportOf(change)).settings, { subject: 'node-start', env: { NODE_OPTIONS: flag } });
    t.equal(endWith(change, refused, 'crashed').end, 'reproduced');
    t.equal(endWith(change, codeRange, 'crashed').end, 'not reproduced');
  }
  t.end();
});

t.test('an instruction that is missing names the flags, and needs a subject that has it', (t) => {
  const flags = 'fpu pni ssse3 sse4_1 cx16';
  const old = { processor: { ...base.processor, flags } };
  for (const [words, ending] of [
    [['npx', '-y', 'bun', 'x'], { output: ['Illegal instruction (core dumped)'], exit: 132 }],
    [['./server'], { exit: 132 }],
    [['/opt/app', '--x'], { exit: 'none', signal: 'SIGILL' }],
  ] as const) {
    const report = reportOf({ words, ...ending, more: old });
    t.match(settleReport(report, mapReport(report)), {
      end: 'cannot be reproduced here',
      because: [/no subject with/, /lacks sse4\.2, popcnt, avx/],
    });
  }
  const simd: Change = {
    words: ['node', 'x'],
    output: ['CompileError: Wasm SIMD unsupported @+25226'],
    more: old,
  };
  t.match(mapReport(reportOf(simd)).settings, { subject: 'node-simd', cpu: /sse4\.2=off/ });
  const older = { processor: { ...base.processor, flags: 'fpu pni cx16 popcnt' } };
  t.equal(mapReport(reportOf({ ...simd, more: older })).settings.cpu, 'qemu64,popcnt=on');
  t.equal(endWith(simd, 'CompileError: WebAssembly.Module(): Wasm SIMD unsupported').end, 'reproduced');
  t.match(endWith(simd, null), { end: 'not reproduced', because: [/nothing failed/, /lacks sse4\.2/] });
  t.end();
});

t.test('where the fact that decides is unknown, the command that shows it is named', (t) => {
  for (const [words, output] of [
    [
      ['node', 'filen'],
      [fetchError, undici],
    ],
    [['node', 'x'], ['RangeError: WebAssembly.Memory(): could not allocate memory']],
    [['freenet'], ['mmap failed to reserve 0x104000000 bytes']],
  ] as const) {
    const report = reportOf({ words, output, space: null });
    t.match(settleReport(report, mapReport(report)), {
      end: 'cannot tell',
      because: [/addressSpace is unknown .*`ulimit -v`/],
    });
  }
  const change: Change = {
    words: ['node', 'x'],
    output: [fetchError, undici],
    space: null,
    more: { processor: { ...base.processor, processBits: 39 } },
  };
  t.equal(settleReport(reportOf(change), mapReport(reportOf(change))), null, 'another limit may do');
  t.equal(endWith(change, null).end, 'cannot tell');
  t.equal(endWith(change, fetchError).end, 'reproduced by stand-in');
  const simd = reportOf({
    words: ['node', 'x'],
    output: ['Wasm SIMD unsupported'],
    more: { processor: { ...base.processor, flags: null } },
  });
  t.match(settleReport(simd, mapReport(simd)), { end: 'cannot tell', because: [/cpuinfo/] });
  const arm: Change = {
    words: ['wasmcloud'],
    output: ['mmap failed to reserve 0x3efd2000000 bytes'],
    space: 'unlimited',
    more: {
      kernel: { ...base.kernel, architecture: 'aarch64' },
      processor: { ...base.processor, processBits: null },
    },
  };
  t.match(settleReport(reportOf(arm), mapReport(reportOf(arm))), {
    end: 'cannot tell',
    because: [/processBits is unknown .*\/proc\/self\/maps/],
  });
  const cut = reportOf({ words: ['node', 'x'], exit: null, signal: 'none' });
  t.match(settleReport(cut, mapReport(cut)), { end: 'cannot tell', because: [/how the command ended/] });
  for (const cutOffIn of ['files', 'cgroup', 'programs']) {
    const early = reportOf({ more: { cutOffIn } });
    t.match(settleReport(early, mapReport(early)), {
      end: 'cannot tell',
      because: [new RegExp(`cut off in ${cutOffIn}, before any command`)],
    });
  }
  t.end();
});

t.test('a warning that a pool was given up is a failure, whatever the exit code', (t) => {
  const warning =
    'WARN pooling allocator disabled: failed to create memory pool mapping: mmap failed to reserve 0x3efd2000000 bytes';
  for (const ending of [{ exit: 0 }, { exit: 1 }, { exit: 'none', signal: 'SIGTERM' }] as const) {
    const report = reportOf({ words: ['wasmcloud', 'host'], output: [warning], node: 'notFound', ...ending });
    t.match(symptomOfReport(report), { act: 'pool', class: 'pool-mapping', pool: 'memory' });
    t.equal(settleReport(report, mapReport(report)), null, 'a guest says');
  }
  t.end();
});

t.test('a report without a failure has nothing to reproduce, and says what its machine reaches', (t) => {
  for (const change of [
    {},
    { words: ['node', 'x'], output: ['listening'], exit: 0 },
    { words: ['true'], exit: 0 },
  ] as const) {
    const report = reportOf(change);
    t.equal(settleReport(report, mapReport(report)), null, 'a guest says what it reaches');
  }
  const result = { outcome: 'reached', tier: 'standard' } as Result;
  const predicted = { outcome: 'reached', tier: 'standard' } as Parameters<typeof describeReached>[0];
  t.match(describeReached(predicted, result), {
    end: 'nothing to reproduce',
    because: [/no failure/, /reaches standard, as the model says/],
  });
  t.match(describeReached(null, result), {
    end: 'nothing to reproduce',
    because: [/no failure/, /the model says nothing/],
  });
  const gvisor = reportOf({ more: { surroundings: { ...base.surroundings, gvisor: 'sign' } } });
  t.match(settleReport(gvisor, mapReport(gvisor)), { end: 'nothing to reproduce', because: [/gvisor/] });
  const unknown = reportOf({ words: ['node', 'x'], output: ['TypeError: x is not a function'] });
  t.match(settleReport(unknown, mapReport(unknown)), {
    end: 'cannot be reproduced here',
    because: [/no known failure/],
  });
  t.end();
});

t.test('another size, another pool, other words or another engine is named', (t) => {
  const table = symptomOfText(
    'failed to create table pool mapping: mmap failed to allocate 0x5fb40000 bytes',
  )!;
  const result = (bytes: number, pool: 'table' | 'stack'): Result => {
    const [first] = buildResult().tiers;
    const message = `standard: failed to create ${pool} pool mapping: mmap failed to allocate 0x${bytes.toString(16)} bytes`;
    return {
      ...buildResult(),
      tiers: [{ ...first!, ok: false, class: 'pool-mapping', pool, bytes, message }],
    };
  };
  const report = reportOf({ words: ['spin', 'up'], output: [table.text] });
  const compare = (bytes: number, pool: 'table' | 'stack') =>
    compareFailure(table, result(bytes, pool), [], report);
  t.equal(compare(0x5fb4_0000, 'table').end, 'reproduced');
  t.match(compare(0x61a8_0000, 'table').because, [/^same cause, another size/]);
  t.match(compare(0x7d3e_8000, 'stack').because, [/^another pool/, /another size/]);
  const old: Change = { words: ['node', 'x'], output: [oldInstance], space: 4 * gib };
  t.match(endWith(old, `0 instances, then ${fetchError}`).because, [/^same cause, other words/]);
  t.match(endWith(old, 'mmap failed to reserve 0x104000000 bytes').because, [/^another engine/]);
  t.end();
});

t.test('memory that may not become executable is met by an engine in a Node that needs none', (t) => {
  const denied = (process: Partial<FieldReport['process']>) => ({ process: { ...base.process, ...process } });
  for (const [words, output, more, mdwe] of [
    [
      ['wasmtime', 'run', 'a.wasm'],
      'unable to make memory executable',
      denied({ writableToExecutable: 'no', seccomp: 'filter' }),
      'seccomp',
    ],
    [
      ['graph-node'],
      'Error: unable to make memory readable+executable',
      denied({ memoryDenyWriteExecute: 'yes' }),
      'seccomp',
    ],
    [['shim'], 'unable to make memory executable', denied({ writableToExecutable: 'no' }), 'seccomp'],
  ] as const) {
    const change: Change = { words, output: [output], more, node: 'notFound' };
    const { settings } = mapReport(reportOf(change));
    t.match(settings, { subject: 'wasmtime-module', mdwe, env: { NODE_OPTIONS: '--jitless' } });
    t.match(endWith(change, 'floor: unable to make memory executable | 1: Permission denied (os error 13)'), {
      end: 'reproduced by stand-in',
    });
    t.match(endWith(change, '# Check failed: 12 == (*__errno_location ()).', 'crashed').because, [
      /another engine/,
    ]);
  }
  const unknown = reportOf({
    words: ['wasmtime'],
    output: ['unable to make memory executable'],
    more: denied({ writableToExecutable: null }),
  });
  t.match(settleReport(unknown, mapReport(unknown)), {
    end: 'cannot tell',
    because: [/MemoryDenyWriteExecute/],
  });
  const node: Change = { words: ['node', 'x'], output: ['# Check failed: 12 == (*__errno_location ()).'] };
  t.equal(mapReport(reportOf(node)).settings.subject, 'node-start');
  t.end();
});

t.test('each end has its exit code', (t) => {
  const codes: Readonly<Record<End, number>> = {
    reproduced: 0,
    'reproduced by stand-in': 0,
    'not reproduced': 1,
    'nothing to reproduce': 2,
    'cannot tell': 2,
    'cannot be reproduced here': 2,
  };
  t.same(endCodes, codes);
  const result = { outcome: 'reached', tier: 'standard' } as Result;
  t.equal(
    compareModel({ outcome: 'reached', tier: 'standard' } as Parameters<typeof compareModel>[0], result).end,
    'reproduced',
  );
  t.equal(
    compareModel({ outcome: 'exhausted', tier: null } as Parameters<typeof compareModel>[0], result).end,
    'not reproduced',
  );
  t.equal(compareModel(null, result).end, 'nothing to reproduce');
  t.end();
});
