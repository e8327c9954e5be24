import t from 'tap';
import { parseMeasureArguments, parseSubject } from './measure-arguments.ts';
import { openClock } from './measure-clock.ts';
import { findCode } from './measure-code.ts';
import { measureCommand, type MeasureRequest, type Subject } from './measure-command.ts';
import { chooseTimed, orderSamples, settle, takeSamples, warmLength } from './measure-samples.ts';

const standard: Subject = { tier: 'standard', checks: 'elided' };
const few: Subject = { tier: 'conservative', checks: 'elided' };
const small: Subject = { tier: 'conservative', checks: 'explicit' };
const unreserved: Subject = { tier: 'on-demand', checks: 'explicit' };

const request: MeasureRequest = {
  engine: 'wasmtime',
  version: '50.0.1',
  library: '/lib/libwasmtime.so',
  profile: 'spin',
  clock: 'time',
  subjects: [standard, standard, small],
  workloads: ['random-access', 'sqlite'],
  files: '/files',
  node: '/bin/node',
  program: '/measure.js',
};

t.test('a command line says everything that was asked for', (t) => {
  const { command, args } = measureCommand({
    ...request,
    lengths: [0.2, 1],
    samples: 3,
    compiled: '/compiled',
    planted: [1, 1, 1.05],
  });
  t.equal(command, '/bin/node');
  t.equal(args[0], '/measure.js');
  const parsed = parseMeasureArguments(args.slice(1));
  t.match(parsed, {
    engine: { kind: 'wasmtime', version: '50.0.1' },
    library: '/lib/libwasmtime.so',
    profile: 'spin',
    clock: 'time',
    subjects: [standard, standard, small],
    lengths: [0.2, 1],
    samples: 3,
    files: '/files',
    compiled: '/compiled',
    planted: [1, 1, 1.05],
  });
  t.same(
    parsed.workloads.map(({ name }) => name),
    ['random-access', 'sqlite'],
  );
  const plain = parseMeasureArguments(measureCommand(request).args.slice(1));
  t.match(plain, { lengths: [1], samples: 8, compiled: null, planted: [1, 1, 1] });
  t.match(measureCommand({ ...request, program: undefined as never }).args[0], /measure\.js$/);
  t.end();
});

t.test(
  'V8 compiles everything at once and well; guards go off with the process only when none need them',
  (t) => {
    const v8 = { ...request, engine: 'v8', version: null, library: null } as const;
    const flags = (subjects: readonly Subject[]) =>
      measureCommand({ ...v8, subjects }).args.filter((word) => /^--(no-|disable)/.test(word));
    t.same(flags([standard, unreserved]), ['--no-liftoff', '--no-wasm-lazy-compilation']);
    t.same(flags([unreserved]), [
      '--no-liftoff',
      '--no-wasm-lazy-compilation',
      '--disable-wasm-trap-handler',
    ]);
    const { args } = measureCommand({ ...v8, subjects: [standard] });
    t.match(parseMeasureArguments(args.slice(3)), {
      engine: { kind: 'v8', version: process.versions.v8 },
      library: null,
    });
    t.end();
  },
);

t.test('what cannot be measured is refused', (t) => {
  const refuse = (change: Partial<MeasureRequest>, text: RegExp) => {
    const { args } = measureCommand({ ...request, ...change });
    t.throws(() => parseMeasureArguments(args.slice(1)), { message: text });
  };
  refuse(
    { clock: 'instructions', workloads: ['bulk-memory'] },
    /bulk-memory is not measurable in instructions/,
  );
  refuse({ workloads: ['none'] }, /there is no workload none/);
  refuse({ clock: 'wall' as never }, /must be time or instructions/);
  refuse({ profile: 'other' }, /--profile other/);
  refuse({ lengths: [0] }, /a number above 0/);
  refuse({ version: null }, /must be wasmtime@VERSION or v8/);
  refuse({ files: '' }, /--files is missing/);
  t.throws(() => parseMeasureArguments([]), { message: '--profile is missing' });
  for (const text of ['standard', 'best/elided', 'standard/some']) {
    t.throws(() => parseSubject(text), /must be TIER\/elided or TIER\/explicit/);
  }
  t.end();
});

t.test('only what differs from the baseline is timed, and then the baseline twice', (t) => {
  const subjects = [standard, standard, few, small];
  t.same(chooseTimed(subjects, ['a', 'a', 'a', 'b'], 'wasmtime'), [0, 1, 3]);
  t.same(chooseTimed(subjects, ['a', 'a', 'a', 'a'], 'wasmtime'), [], 'all the same code');
  t.same(chooseTimed([standard, standard], ['a', 'a'], 'wasmtime'), [0, 1], 'asked for by itself');
  t.same(chooseTimed([small], ['b'], 'wasmtime'), [0]);
  t.same(chooseTimed([], [], 'wasmtime'), []);
  const none = [null, null, null, null];
  t.same(chooseTimed([standard, standard, few, unreserved], none, 'v8'), [0, 1, 3], 'equal checks');
  t.end();
});

t.test('samples are mirrored, and each subject is as often at the turn', (t) => {
  t.same(orderSamples(2, 4), [0, 1, 1, 0, 1, 0, 0, 1]);
  t.same(orderSamples(3, 2), [0, 1, 2, 2, 1, 0]);
  const order = orderSamples(4, 8);
  for (const subject of [0, 1, 2, 3]) {
    t.equal(order.filter((one) => one === subject).length, 8);
    const mean = order.reduce((sum, one, at) => (one === subject ? sum + at : sum), 0) / 8;
    t.equal(mean, (order.length - 1) / 2, 'the same mean place in time');
  }
  t.end();
});

t.test('every sample comes after an untimed run of the same, and is timed by thread and wall', (t) => {
  const runs: string[] = [];
  let now = 0;
  const running = [4, 7].map((subject) => ({
    subject,
    run: (length: number) => {
      runs.push(`${subject}:${length}`);
      now += length * subject;
      return 0;
    },
  }));
  const series = takeSamples(running, [8, 100], 2, () => ({ cpuNs: now, wallNs: 10 * now }));
  t.same(runs.slice(0, 4), ['4:2', '4:8', '4:25', '4:100']);
  t.same(series, [
    { subject: 4, length: 8, cpu: [32, 32], wall: [320, 320] },
    { subject: 4, length: 100, cpu: [400, 400], wall: [4000, 4000] },
    { subject: 7, length: 8, cpu: [56, 56], wall: [560, 560] },
    { subject: 7, length: 100, cpu: [700, 700], wall: [7000, 7000] },
  ]);
  t.equal(warmLength(1), 1);
  runs.length = 0;
  settle(running, 25, 10);
  t.same(runs, ['4:10', '7:10', '4:10', '7:10', '4:10', '7:10']);
  settle(running, 0, 10);
  t.equal(runs.length, 6);
  t.end();
});

t.test('the clock runs with the thread, and stands while the thread waits', (t) => {
  const { read: clock, readProcess } = openClock();
  const start = clock();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
  const waited = clock();
  t.ok(waited.wallNs - start.wallNs >= 49e6);
  t.ok(waited.cpuNs - start.cpuNs < 25e6, 'waiting costs no thread time');
  let sum = 0;
  while (clock().cpuNs - waited.cpuNs < 5e6) sum += 1;
  t.ok(sum > 0);
  t.ok(readProcess() >= clock().cpuNs, 'the process is all its threads');
  t.end();
});

t.test('what is not an ELF file with code is refused', (t) => {
  t.throws(() => findCode(Buffer.alloc(10)), { message: 'a serialized module is not an ELF file' });
  t.throws(() => findCode(Buffer.alloc(100)), { message: 'a serialized module is not an ELF file' });
  // One section, the table of names, and no .text.
  const elf = Buffer.alloc(200);
  elf.write('\x7fELF\x02\x01', 'latin1');
  elf.writeBigUInt64LE(100n, 40);
  elf.writeUInt16LE(64, 58);
  elf.writeUInt16LE(1, 60);
  elf.writeBigUInt64LE(64n, 124);
  elf.writeBigUInt64LE(16n, 132);
  t.throws(() => findCode(elf), { message: 'a serialized module has no machine code' });
  elf.write('.text\0', 64, 'latin1');
  t.equal(findCode(elf).length, 16);
  t.end();
});
