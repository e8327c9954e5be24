import t from 'tap';
import { base, reportOf } from '../fixtures/field/reports.ts';
import { mapReport } from './map.ts';
import { settleReport } from './reproduce.ts';

const gib = 2 ** 30;
const fetchError =
  'RangeError: WebAssembly.instantiate(): Out of memory: Cannot allocate Wasm memory for new instance';

t.test('limits of threads and processes are told, and decide where a thread was refused', (t) => {
  const limit = (soft: number) => ({ ...base.resourceLimits, processes: { soft, hard: soft } });
  const group = {
    version: 2 as const,
    levels: [
      { memoryMax: 'unlimited' as const, memoryHigh: 'unlimited' as const, memoryCurrent: 1, pidsMax: 8 },
    ],
  };
  for (const [words, output, more, fact] of [
    [
      ['wasmtime', 'run'],
      'ThreadPoolBuildError { kind: IOError(Os { code: 11, message: "Resource temporarily unavailable" }) }',
      { resourceLimits: limit(40), processor: { ...base.processor, count: 104 } },
      /resourceLimits\.processes 40: there is no such axis/,
    ],
    [
      ['node', 'app.js'],
      'node[7]: pthread_create: Resource temporarily unavailable',
      { cgroup: group },
      /cgroup\.levels\.pidsMax 8/,
    ],
    [['node', 'x'], 'Error: spawn EAGAIN', { resourceLimits: limit(10) }, /processes 10/],
    [
      ['node', 'x'],
      'Error [ERR_WORKER_INIT_FAILED]: Worker initialization failure: EAGAIN',
      {},
      /no limit in the report/,
    ],
  ] as const) {
    const report = reportOf({ words, output: [output], exit: 'none', signal: 'SIGABRT', more });
    const end = settleReport(report, mapReport(report));
    t.equal(end?.end, 'cannot be reproduced here', output);
    t.match(end?.because.join('\n'), fact);
  }
  const other = mapReport(
    reportOf({ words: ['node', 'x'], output: [fetchError], space: gib, more: { cgroup: group } }),
  );
  t.match(
    other.mappings.find(({ fact }) => fact === 'cgroup.levels.pidsMax'),
    { how: 'not reproducible', decides: false },
  );
  t.end();
});
