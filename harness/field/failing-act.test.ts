import t from 'tap';
import { base, reportOf } from '../fixtures/field/reports.ts';
import { mapReport } from './map.ts';
import type { FieldReport } from './report.ts';
import { settleReport } from './reproduce.ts';
import { predictSubject } from './subject-model.ts';

const gib = 2 ** 30;
const fetchError =
  'RangeError: WebAssembly.instantiate(): Out of memory: Cannot allocate Wasm memory for new instance';

/** A process that a limit of its user binds. */
const user = { process: { ...base.process, sysAdmin: 'no' as const } };

t.test(
  'a refused thread is run again with the room that its words tell, of the limit that was too small',
  (t) => {
    const limit = (soft: number) => ({ ...base.resourceLimits, processes: { soft, hard: soft } });
    const group = (pidsMax: number) => ({
      version: 2 as const,
      levels: [
        { memoryMax: 'unlimited' as const, memoryHigh: 'unlimited' as const, memoryCurrent: 1, pidsMax },
      ],
    });
    const pthread = 'node[7]: pthread_create: Resource temporarily unavailable';
    const worker = 'Error [ERR_WORKER_INIT_FAILED]: Worker initialization failure: EAGAIN';
    const rayon =
      'ThreadPoolBuildError { kind: IOError(Os { code: 11, message: "Resource temporarily unavailable" }) }';
    const cores = (count: number) => ({ processor: { ...base.processor, count } });
    for (const [program, output, more, set] of [
      [
        'node',
        pthread,
        { cgroup: group(8) },
        { pidsMax: 6, processes: null, subject: 'node-threads', env: {} },
      ],
      ['node', pthread, { cgroup: group(5) }, { pidsMax: 5 }],
      [
        'node',
        'Error: spawn git EAGAIN',
        { resourceLimits: limit(10) },
        { processes: 7, env: { HOW: 'spawn' } },
      ],
      ['node', worker, { cgroup: group(64) }, { pidsMax: 7, env: { HOW: 'worker' } }],
      [
        'wasmtime',
        rayon,
        { resourceLimits: limit(40), ...cores(104) },
        { processes: 40, subject: 'wasmtime-module', env: { RAYON_NUM_THREADS: '104' } },
      ],
      ['wasmtime', rayon, { resourceLimits: limit(8), ...cores(4) }, { processes: 8, cpus: 4, env: {} }],
      [
        'wasmtime',
        rayon,
        { cgroup: group(60), ...cores(96) },
        { pidsMax: 60, env: { RAYON_NUM_THREADS: '96' } },
      ],
    ] as const) {
      const report = reportOf({
        words: [program, 'x'],
        output: [output],
        exit: 'none',
        signal: 'SIGABRT',
        more: { ...user, ...more },
      });
      const found = mapReport(report);
      t.match(found.settings, set, `${output} ${JSON.stringify(set)}`);
      t.equal(settleReport(report, found), null, 'a guest says whether it fails there');
      t.equal(predictSubject(found.settings), false, 'and the model that it does');
    }
    t.end();
  },
);

t.test('of a refused thread without a limit that is small enough, or known, no guest is booted', (t) => {
  const output = ['Error: spawn git EAGAIN'];
  const settle = (more: Partial<FieldReport>) => {
    const report = reportOf({ words: ['node', 'x'], output, more });
    return settleReport(report, mapReport(report));
  };
  t.match(settle({}), { end: 'cannot be reproduced here', because: [/no limit in the report/] });
  const processes = { soft: null, hard: null };
  t.match(settle({ resourceLimits: { ...base.resourceLimits, processes } }), {
    end: 'cannot tell',
    because: [/resourceLimits\.processes is unknown and decides: `ulimit -u` shows it/],
  });
  const machine = settle({ kernelLimits: { maxMapCount: 65_530, pidMax: 32_768, threadsMax: 300 } });
  t.match(machine, {
    end: 'cannot be reproduced here',
    because: [/threadsMax 300: it counts the threads of the whole/],
  });
  for (const [words, text] of [
    [['graph-node'], 'failed to spawn thread: Resource temporarily unavailable (os error 11)'],
    [['./runner'], 'runtime: failed to create new OS thread (have 9 already; errno=11)'],
    [['java', '-jar', 'x'], 'java.lang.OutOfMemoryError: unable to create native thread'],
  ] as const) {
    const limits = { ...base.resourceLimits, processes: { soft: 64, hard: 64 } };
    const report = reportOf({ words, output: [text], more: { ...user, resourceLimits: limits } });
    t.match(settleReport(report, mapReport(report)), {
      end: 'cannot be reproduced here',
      because: [/there is no subject with/, 'processes bounds the processes and threads of the user: 64'],
    });
  }
  t.end();
});

t.test(
  'limits of processes that nobody met are set as well, but those of the machine and of root are none',
  (t) => {
    const processes = (soft: number, more: Partial<FieldReport> = {}) =>
      mapReport(
        reportOf({
          words: ['node', 'x'],
          output: [fetchError],
          space: gib,
          more: {
            ...user,
            ...more,
            resourceLimits: { ...base.resourceLimits, processes: { soft, hard: soft } },
          },
        }),
      ).settings.processes;
    t.equal(processes(64), 64);
    t.equal(processes(7594), null, 'the kernel gives so many by the size of the machine');
    t.equal(processes(64, { process: { ...base.process, sysAdmin: 'yes' } }), null);
    t.end();
  },
);
