import t from 'tap';
import { endWith } from '../fixtures/field/endings.ts';
import { base, type Change, reportOf } from '../fixtures/field/reports.ts';
import { mapReport } from './map.ts';
import { plainImages } from './mapping.ts';
import { moveToHost } from './real-host.ts';
import { predictSubject } from './subject-model.ts';

const gib = 2 ** 30;
const codeRange = '# Fatal process out of memory: Failed to reserve virtual memory for CodeRange';
const noMemory = 'RangeError: WebAssembly.Memory(): could not allocate memory';

t.test('a setting that decides and is approximated, or another error number, is a stand-in', (t) => {
  const denied: Change = {
    words: ['wasmtime', 'run', 'a.wasm'],
    output: ['Error: unable to make memory executable', 'Caused by:', '    Permission denied (os error 13)'],
    more: {
      process: { ...base.process, memoryDenyWriteExecute: 'yes' },
      programs: { ...base.programs, wasmtime: '41.0.0' },
    },
  };
  const executable = 'floor: unable to make memory executable';
  const end = endWith(denied, `${executable} | 1: Operation not permitted (os error 1)`);
  t.match(end, { end: 'reproduced by stand-in' });
  t.match(end.because.join('\n'), /EACCES \(os error 13\) was reported, EPERM \(os error 1\) was seen/);
  t.match(end.because.join('\n'), /memoryDenyWriteExecute yes is approximated by mdwe=seccomp: /);

  const exact: Change = {
    ...denied,
    more: {
      process: { ...base.process, writableToExecutable: 'no', seccomp: 'filter' },
      programs: { ...base.programs, wasmtime: '50.0.1' },
    },
  };
  t.equal(endWith(exact, `${executable} | 1: Permission denied (os error 13)`).end, 'reproduced');
  t.match(endWith(exact, `${executable} | 1: Operation not permitted (os error 1)`), {
    end: 'reproduced by stand-in',
    because: [/./, /EACCES .* EPERM/],
  });

  const levels = [
    { memoryMax: 'unlimited', memoryHigh: 'unlimited', memoryCurrent: 1, pidsMax: 64 } as const,
  ];
  const thread: Change = {
    words: ['node', 'x'],
    output: ['node[7]: pthread_create: Resource temporarily unavailable'],
    more: { cgroup: { version: 2, levels } },
  };
  t.match(endWith(thread, 'node[9]: pthread_create: Resource temporarily unavailable'), {
    end: 'reproduced by stand-in',
    because: [/./, /pidsMax 64 is approximated by pidsMax=\d+: others of the group/],
  });
  t.end();
});

t.test('what was to start a thread is named where something else failed to in its place', (t) => {
  const pool =
    'ThreadPoolBuildError { kind: IOError(Os { code: 11, message: "Resource temporarily unavailable" }) }';
  const limits = { ...base.resourceLimits, processes: { soft: 40, hard: 40 } };
  const more = { resourceLimits: limits, process: { ...base.process, sysAdmin: 'no' as const } };
  const programs = { ...base.programs, wasmtime: '50.0.1' };
  for (const [output, expected] of [
    ["OS can't spawn worker thread: Resource temporarily unavailable (os error 11)", /tokio's was reported/],
    ['pthread_create: Resource temporarily unavailable', /a thread of C code was reported/],
  ] as const)
    t.match(endWith({ words: ['wasmtime', 'serve'], output: [output], more: { ...more, programs } }, pool), {
      end: 'reproduced by stand-in',
      because: [
        /./,
        new RegExp(`^another act: .*${expected.source}, the thread pool of rayon's failed here`),
      ],
    });
  t.equal(
    endWith({ words: ['wasmtime', 'run'], output: [pool], more: { ...more, programs } }, pool).end,
    'reproduced',
  );
  t.end();
});

t.test(
  'a commit that was refused names the limits that refuse one, as only the heap limit is V8 own',
  (t) => {
    const semiSpace =
      'FATAL ERROR: Committing semi space failed. Allocation failed - JavaScript heap out of memory';
    for (const [output, space, mode, expected] of [
      [semiSpace, 1_100_000_000, 0, /suspected is RLIMIT_AS, 1049 MiB .* 734 MiB to start/],
      [semiSpace, 'unlimited', 2, /suspected is vm\.overcommit_memory=2/],
      ['# Fatal process out of memory: Zone', 1_200_000_000, 2, /suspected are RLIMIT_AS, .*overcommit/],
      [semiSpace, 'unlimited', 0, /neither RLIMIT_AS nor .* the whole machine was short of memory/],
    ] as const) {
      const change: Change = {
        words: ['node', 'build.js'],
        output: [output],
        space,
        more: { overcommit: { ...base.overcommit, mode } },
      };
      for (const end of [endWith(change, null), endWith(change, codeRange, 'crashed')]) {
        t.equal(end.end, 'not reproduced');
        t.match(end.because.join('\n'), expected);
        t.notMatch(end.because.join('\n'), /max-old-space-size|no limit of the machine/);
      }
    }
    t.end();
  },
);

t.test('one memory more is tried than the report says were made', (t) => {
  for (const [count, space, node] of [
    [9, 100 * gib, '22.13.0'],
    [4, 48 * gib, '20.9.0'],
    [14, 150 * gib, '18.20.8'],
  ] as const) {
    const change: Change = {
      words: ['node', 'x.js'],
      output: [`created ${count} memories`, noMemory],
      space,
      node,
    };
    const { settings } = mapReport(reportOf(change));
    t.match(settings, { subject: 'node-memories', env: { MEMORIES: String(count + 1) } });
    t.equal(predictSubject(settings), false, 'the model says that it fails');
    t.equal(endWith(change, `${count} memories, then ${noMemory}`).end, 'reproduced');
    t.match(endWith(change, `2 memories, then ${noMemory}`), {
      end: 'not reproduced',
      because: [new RegExp(`^same cause, another number: ${count} .* 2 here`)],
    });
  }
  t.end();
});

t.test('an engine that wants an instruction for SIMD compiles a module with SIMD', (t) => {
  for (const [output, only] of [
    ['Error: SIMD support requires SSE4.1', 'simd'],
    ['SIMD support requires SSSE3 and SSE4.1 on x86_64.', 'simd'],
    ['error while compiling: libcall FloorF64 not implemented', 'floor'],
  ] as const) {
    const change: Change = {
      words: ['wasmtime', 'run', 'a.wasm'],
      output: [output],
      more: {
        processor: { ...base.processor, flags: 'fpu pni cx16' },
        programs: { ...base.programs, wasmtime: '25.0.0' },
      },
    };
    t.match(mapReport(reportOf(change)).settings, { subject: 'wasmtime-module', env: { ONLY: only } });
    const end = endWith(change, null);
    t.equal(end.end, 'not reproduced');
    t.match(end.because.join('\n'), /programs\.wasmtime 25\.0\.0 is approximated by engine=/);
  }
  t.end();
});

t.test('another release of the engine than the reported one is named, and never counts as it', (t) => {
  const substitutes = new Map([['38.0.3', '38.0.0']]);
  for (const [wasmtime, engine, why] of [
    ['38.0.3', 'wasmtime@38.0.0', /^libwasmtime 38\.0\.3 was never published, 38\.0\.0 is the nearest$/],
    [
      '30.0.2',
      'wasmtime',
      /^libwasmtime 50\.0\.1, the newest .*: of 30\.0\.2 the pools cannot be configured/,
    ],
    ['25.0.0', 'wasmtime', /of 25\.0\.0 the pools/],
    ['38.0.0', 'wasmtime@38.0.0', null],
  ] as const) {
    const report = reportOf({
      words: ['wasmtime', 'run', 'a.wasm'],
      output: ['Error: unable to make memory executable'],
      more: { programs: { ...base.programs, wasmtime } },
    });
    const { settings, mappings } = mapReport(report, { ...plainImages, substitutes });
    t.equal(settings.engine, engine, wasmtime);
    const [mapping] = mappings.filter(({ axis }) => axis === 'engine');
    t.match(mapping, { how: why === null ? 'exact' : 'approximated', standIn: why !== null });
    if (why !== null) t.match(mapping?.why, why);
  }
  const report = reportOf({
    words: ['wasmtime', 'run', 'a.wasm'],
    output: ['Error: failed to create memory pool mapping: mmap failed to reserve 0x61a80000000 bytes'],
    more: { programs: { ...base.programs, wasmtime: '38.0.3' } },
  });
  const { settings } = mapReport(report, { ...plainImages, substitutes });
  t.equal(moveToHost(report, settings).settings.engine, 'wasmtime@38.0.0', 'nearer than the newest program');
  t.end();
});
