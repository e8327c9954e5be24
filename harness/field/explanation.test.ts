import t from 'tap';
import { buildResult, buildStandard } from '../fixtures/report/results.ts';
import { parseCellId } from '../matrix/cell-id.ts';
import { estimateFacts } from '../plan/estimate-facts.ts';
import { predictSettings } from './model.ts';
import { explainResult, explainedTier } from './explanation.ts';

const [gib, mib] = [2 ** 30, 2 ** 20];

t.test('ten lines say what is mapped, what is charged, what stopped it and with which numbers', (t) => {
  const lines = explainResult(buildResult());
  t.equal(lines.length, 10);
  t.equal(explainedTier(buildResult()), 'standard', 'the best tier that failed');
  const line = (start: string) => lines.find((one) => one.startsWith(start)) ?? '';
  t.match(
    line('standard maps: '),
    /memory: 3\.94 TiB no access, not charged; table: 1531 MiB read-write, 1531 MiB charged/,
  );
  t.match(line('limit: '), /^limit: table pool needs \d+ MiB, CommitLimit leaves 172 MiB$/);
  t.match(line('predicted: '), /^predicted: conservative; seen: conservative$/);
  t.match(line('run it: '), /^run it: poolproof shell memory=1024M,overcommit=2/);
  t.end();
});

t.test('what the kernel saw stands beside what the model says', (t) => {
  const result = buildResult();
  const { host } = result;
  const proof = host!.proof!;
  const kernel = {
    committedBefore: 30 * mib,
    committedAfter: 57 * mib,
    mappings: [
      { protection: '---p', bytes: 66 * gib, count: 21 },
      { protection: 'rw-p', bytes: 60 * mib, count: 90 },
    ],
  };
  const [line] = explainResult({ ...result, host: { ...host!, proof: { ...proof, kernel } } }).filter((one) =>
    one.startsWith('kernel: '),
  );
  t.match(
    line,
    /maps ---p 67584 MiB in 21, rw-p 60 MiB in 90; Committed_AS 30 MiB -> 57 MiB; the model: 6\d{4} MiB mapped by conservative/,
  );
  const { kernel: _, ...before } = proof;
  const older = explainResult({ ...result, host: { ...host!, proof: before } }).find((one) =>
    one.startsWith('kernel: '),
  );
  t.match(older, /^kernel: \d+.* in \d+ mappings, 57 MiB resident; the model: /, 'a report without it');
  const none = explainResult({ ...result, host: null }).find((one) => one.startsWith('kernel: '));
  t.match(none, /no process proved a tier/);
  t.end();
});

t.test('a hostile message cannot leave its line', (t) => {
  const result = buildResult();
  const tiers = result.tiers.map((one) => ({ ...one, message: 'a\nb\u001b[2Jc'.repeat(200) }));
  const lines = explainResult({ ...result, tiers });
  t.equal(lines.length, 10);
  // eslint-disable-next-line no-control-regex -- what must not be there
  t.ok(lines.every((line) => !/[\u0000-\u001f]/.test(line) && line.length <= 1000));
  t.match(explainResult(buildStandard()).join('\n'), /nothing limits it|it fits/);
  t.end();
});

t.test('of a foreign subject it says what the kernel showed of its process', (t) => {
  const subject = { name: 'server', ready: true, failure: null, line: null, exitCode: null, signal: null };
  const end = { peakResidentBytes: 30 * mib, minorFaults: 1200, majorFaults: 3 };
  const up = {
    name: 'wasmtime',
    processes: 2,
    virtualBytes: 3.94 * 2 ** 40,
    writableBytes: 2161 * mib,
    residentBytes: 26 * mib,
    peakResidentBytes: 27 * mib,
    maps: 2078,
    largest: [
      { bytes: 3.937 * 2 ** 40, protection: '---p', name: '' },
      { bytes: 33 * mib, protection: 'r-xp', name: '/bin/wasmtime' },
    ],
    minorFaults: 1013,
    majorFaults: 0,
    committedBytes: 12 * mib,
  };
  const of = (process: object) =>
    explainResult({ ...buildResult(), subject: { ...subject, process } as never }).filter((line) =>
      /^(process|largest)/.test(line),
    );
  t.strictSame(of({ up, end }), [
    'process: wasmtime, the largest of 2: 3.94 TiB in 2078 mappings, 2161 MiB of it writable; 26 MiB resident, at most 27 MiB; 1013 page faults, 0 of the disk; Committed_AS 12 MiB',
    'largest mappings: ---p 3.94 TiB, r-xp 33 MiB /bin/wasmtime',
  ]);
  t.strictSame(of({ up: null, end }), [
    'process: ended; at most 30 MiB resident, 1200 page faults, 3 of the disk',
  ]);
  t.strictSame(of({ up: null, end: null }), []);
  t.end();
});

t.test('of a subject that stands for an act it names the limit, and every limit that was set', (t) => {
  const of = (words: string): string => {
    const settings = parseCellId(words);
    return explainResult({
      ...buildResult(),
      settings,
      facts: estimateFacts(settings),
      predicted: null,
      outcome: 'crashed',
      tier: null,
      subject: { name: settings.subject, ready: false, failure: null, line: null } as never,
    }).join('\n');
  };
  const rows: readonly (readonly [words: string, limit: RegExp, machine: RegExp])[] = [
    [
      'engine=v8,subject=node-threads,env.HOW=worker,pidsMax=6',
      /fails; .*; limit: the subject needs \d+ processes and threads, pids\.max allows 6$/m,
      /^machine: .*, pids\.max 6,/m,
    ],
    [
      'engine=v8,subject=node-start,processes=4,pidsMax=5',
      /limit: the subject needs \d+ processes and threads, RLIMIT_NPROC allows 4$/m,
      /^machine: .*, pids\.max 5, RLIMIT_NPROC 4,/m,
    ],
    [
      'subject=wasmtime-module,cpu=qemu64',
      /limit: the subject needs the instructions ssse3, sse4\.1, sse4\.2, which the CPU qemu64 lacks$/m,
      /^machine: .*, CPU qemu64,/m,
    ],
    [
      'subject=wasmtime-module,mdwe=seccomp,env.NODE_OPTIONS=--jitless',
      /limit: memory for machine code is to become executable, which mdwe seccomp refuses$/m,
      /^machine: .*, mdwe seccomp,/m,
    ],
    [
      'engine=v8,subject=node-instance,addressSpace=900M',
      /limit: .* address space|limit: .* RLIMIT_AS leaves/m,
      /^machine: .*, RLIMIT_AS 900 MiB,/m,
    ],
    [
      'engine=v8,subject=node-memories,node=22.13.0,env.MEMORIES=7,addressSpace=64G',
      /limit: Node and 7 memories need \d+ MiB of address space, RLIMIT_AS allows 65536 MiB$/m,
      /^machine: .*, RLIMIT_AS 65536 MiB,/m,
    ],
    [
      'engine=v8,subject=node-instance,cgroupMemory=300M',
      /predicted: it works; seen: crashed$/m,
      /^machine: .*, memory\.max 300 MiB,/m,
    ],
  ];
  for (const [words, limit, machine] of rows) {
    t.match(of(words), limit, words);
    t.match(of(words), machine, words);
  }
  t.notMatch(of('subject=wasmtime-module'), /RLIMIT|pids\.max|memory\.max|mdwe|CPU|limit: /);
  t.end();
});

t.test('of a real host it says how it decides for its pool, what that maps, and the limit', (t) => {
  const lines = (id: string, subject: object) => {
    const settings = parseCellId(id);
    const own = { name: settings.subject, ready: false, failure: 'pool-mapping', line: null, ...subject };
    return explainResult({
      ...buildResult(),
      settings,
      facts: estimateFacts(settings),
      predicted: predictSettings(settings),
      outcome: 'exhausted',
      tier: null,
      subject: own as never,
    });
  };
  const line = 'Error: failed to create table pool mapping';
  const causes = ['mmap failed to allocate 0x5fb40000 bytes'];
  const spin = lines('memory=512M,overcommit=2,subject=spin-sizes', { line, causes });
  t.ok(spin.length <= 10);
  t.match(spin, [
    /^cell: /,
    /^seen: exhausted; spin-sizes/,
    /^why: /,
    /^machine: MemTotal /,
    /^host: wasmtime serve with Spin's pool, wasmtime 49\.0\.3 \(\w+ [\d-]+\): tries to map 4 TiB; if that succeeds it makes its pool or ends, /,
    /^its pool maps: memory: 3\.94 TiB no access, not charged; table: 1531 MiB read-write, 1531 MiB charged/,
    /^engine said: Error: failed to create table pool mapping: mmap failed to allocate 0x5fb40000 bytes$/,
    /^predicted: exhausted; seen: exhausted; limit: table pool needs 1531 MiB, CommitLimit leaves \d+ MiB$/,
    /^run it: /,
  ]);
  const run = lines('memory=512M,subject=wasmtime-run', {}).join('\n');
  t.match(run, /host: wasmtime run, wasmtime 49.*: makes no pool: each memory is mapped when it is needed/);
  t.notMatch(run, /its pool maps/);
  t.match(run, /predicted: on-demand; seen: exhausted; limit: /);
  const refused = lines('memory=512M,subject=spin-sizes,env.SPIN_MAX_INSTANCE_COUNT=many', {}).join('\n');
  t.match(refused, /predicted: nothing/, 'what the host refuses is not predicted');
  t.end();
});
