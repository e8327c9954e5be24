/** What comes out of Redis is not believed: anybody may have written it. */
import { deflateRawSync } from 'node:zlib';
import t from 'tap';
import { fakeImages, fakePrepared } from '../fixtures/fake-prepared.ts';
import { parseMatrix } from '../matrix/load.ts';
import { planBoots } from '../run/boot-plan.ts';
import { endUnasked } from '../run/run-cell.ts';
import { collectSamples, buildLanes, findForeignFile, findOtherImages, findUnfit } from './lanes.ts';
import { packMessage, parseCall, parseJob, parsePresence, unpackMessage } from './messages.ts';

const matrix = parseMatrix(
  `axes: {memory: [512M, 1G], subject: [wasm-host, plain-node]}
subjects: {plain-node: {run: ['{node}', -v], ready: {exit: 0}, tiers: {conservative: v2}}}
expect: [{tier: conservative, where: {memory: 512M}, because: small}]
measure: {overhead: true}
`,
  'm.yaml',
);
const cells = [...matrix.cells()];
const machine = { name: 'lab-1', qemu: '7.2.0', accelerator: 'tcg', cpuModel: 'x', kernel: '6' } as const;
const result = endUnasked(cells[0]!, 'skipped', 'x', fakeImages.digest).result;
const ended = { kind: 'ended', result, evidence: { 'console.log': 'x', 'attempt-1/stdout': 'y' } } as const;

const invalid = { name: 'InvalidMessage' };

/** As a worker sends it, whatever it says. */
const pack = (value: unknown, rest = ''): Buffer => deflateRawSync(`${JSON.stringify(value)}\n${rest}`);
/** With the sizes of its evidence. */
const sent = { ...ended, evidence: { 'console.log': 1, 'attempt-1/stdout': 2 } };

t.test('a message is the same after its way', (t) => {
  const evidence = { ...ended.evidence, stderr: '', 'host.json': '{"größe": 1}\n\n' };
  const { event } = unpackMessage(packMessage({ machine, event: { ...ended, evidence } }));
  t.ok(event.kind === 'ended');
  if (event.kind === 'ended') {
    t.strictSame(event.result, result);
    const text = Object.entries(event.evidence).map(([name, bytes]) => [name, Buffer.from(bytes).toString()]);
    t.strictSame(Object.fromEntries(text), evidence);
  }
  for (const event of [
    { kind: 'started', cell: 'a#1' },
    { kind: 'notice', text: 'x' },
    { kind: 'given-up', job: 'job-1', reason: 'x', lost: 1 },
  ] as const)
    t.strictSame(unpackMessage(packMessage({ machine, event })), { machine, event });
  t.end();
});

t.test('a message that is no message, or says what none can say, is refused', (t) => {
  const bad: Readonly<Record<string, Buffer>> = {
    'no data': Buffer.alloc(0),
    'not deflated': Buffer.from('{}'),
    'a bomb': deflateRawSync(Buffer.alloc(80 * 2 ** 20)),
    'too deep': deflateRawSync(`${'['.repeat(1000)}\n`),
    'no end of its line': deflateRawSync(
      JSON.stringify({ machine, event: { kind: 'started', cell: 'a#1' } }),
    ),
    'no machine': pack({ event: sent }, 'xyz'),
    'a name that a terminal obeys': pack({ machine: { ...machine, name: '\u001b[2J' }, event: sent }, 'xyz'),
    'an unknown kind': pack({ machine, event: { kind: 'run', command: 'sh' } }),
    'evidence that leaves its folder': pack({ machine, event: { ...sent, evidence: { '../x': 1 } } }, 'x'),
    'evidence as text': pack({ machine, event: { ...sent, evidence: { stdout: 'x' } } }, 'x'),
    'evidence of less than nothing': pack({ machine, event: { ...sent, evidence: { a: 4, b: -1 } } }, 'xyz'),
    'less evidence than it says': pack({ machine, event: sent }, 'xy'),
    'more evidence than it says': pack({ machine, event: sent }, 'xyz!'),
    'evidence of nothing that ended': pack({ machine, event: { kind: 'started', cell: 'a#1' } }, 'x'),
    'no result': pack({ machine, event: { ...sent, result: null } }, 'xyz'),
    'a tier without a proof': pack(
      { machine, event: { ...sent, result: { ...result, outcome: 'reached' } } },
      'xyz',
    ),
    'half a result': pack({ machine, event: { ...sent, result: { id: result.id } } }, 'xyz'),
  };
  t.doesNotThrow(() => unpackMessage(pack({ machine, event: sent }, 'xyz')));
  for (const [title, bytes] of Object.entries(bad)) t.throws(() => unpackMessage(bytes), invalid, title);
  t.end();
});

t.test('a job is a boot plan and nothing else', (t) => {
  const [plan] = planBoots(cells, fakePrepared.images, true);
  const job = { schema: 1, run: '20261123T230311Z-a1b2c3', plan, lost: 0 };
  t.strictSame(
    JSON.parse(JSON.stringify(parseJob(JSON.parse(JSON.stringify(job))))),
    JSON.parse(JSON.stringify(job)),
  );
  for (const [title, change] of Object.entries({
    'another schema': { schema: 2 },
    'a command': { command: ['rm', '-rf', '/'] },
    'a run that is a path': { run: '../x' },
    'no cells': { plan: { ...plan, cells: [] } },
    'a field nobody knows': { plan: { ...plan, qemu: '/bin/sh' } },
    'a setting that no guest has': {
      plan: { ...plan, cells: [{ ...cells[0], settings: { ...cells[0]!.settings, memory: 'all' } }] },
    },
  }))
    t.throws(() => parseJob({ ...job, ...change }), invalid, title);
  t.throws(() => parseCall('{'), invalid);
  t.throws(() => parsePresence('{"schema": 1}'), invalid);
  t.end();
});

t.test('a lane has a sample for each Node, engine and subject, and a queue a person can read', (t) => {
  const samples = collectSamples(cells);
  t.same(
    samples.get('bookworm')?.map(({ subject }) => subject?.name),
    [undefined, 'plain-node'],
  );
  const [lane] = buildLanes('20261123T230311Z-a1b2c3', fakePrepared, samples);
  t.equal(lane?.queue, 'poolproof-20261123T230311Z-a1b2c3-bookworm-3');
  t.same(buildLanes('x', fakePrepared, new Map()), []);
  t.equal(findOtherImages(lane!, fakePrepared), null);
  t.match(findOtherImages(lane!, { images: new Map() }), /images of bookworm are missing/);
  t.end();
});

t.test('each architecture has lanes of its own, with the QEMU that runs its guests', (t) => {
  const source = 'axes: {arch: [x86-64, arm64], node: [22, 24]}\n';
  const samples = collectSamples(parseMatrix(source, 'm.yaml').cells());
  const { qemu, accelerator } = fakePrepared;
  const lanes = buildLanes(
    '20261123T230311Z-a1b2c3',
    {
      ...fakePrepared,
      images: new Map([
        ['bookworm', fakeImages],
        ['arm64/bookworm', { ...fakeImages, digest: 'sha256:4' }],
      ]),
      emulators: new Map([
        ['x86-64', { qemu, accelerator: { ...accelerator, accelerator: 'kvm' } }],
        ['arm64', { qemu: { ...qemu, version: '10.0.2' }, accelerator }],
      ]),
    },
    samples,
  );
  t.match(lanes, [
    { kernel: 'bookworm', digest: 'sha256:3', qemu: '7.2.0', accelerator: 'kvm' },
    { kernel: 'arm64/bookworm', digest: 'sha256:4', qemu: '10.0.2', accelerator: 'tcg' },
  ]);
  t.same(
    lanes.map(({ samples }) => samples.map(({ settings: { arch, node } }) => `${arch} ${node}`)),
    [
      ['x86-64 22', 'x86-64 24'],
      ['arm64 22', 'arm64 24'],
    ],
  );
  t.match(lanes[1]?.queue, /^poolproof-.*-arm64-bookworm-4$/);
  t.end();
});

t.test('a machine that differs in what the record of a run says does not fit', (t) => {
  const call = { tool: '1.0.0', qemu: '7.2.0', accelerator: 'tcg' };
  t.equal(findUnfit(call, call), null);
  t.equal(findUnfit(call, { ...call, tool: '0.9.0' }), 'this worker has poolproof 0.9.0, the run 1.0.0');
  t.match(findUnfit(call, { ...call, qemu: '9.1.0' }), /QEMU 9\.1\.0/);
  t.match(findUnfit(call, { ...call, accelerator: 'kvm' }), /the accelerator kvm/);
  t.end();
});

t.test("files of other people's subjects are packages with a checksum, or need a permission", (t) => {
  const withFile = (from: string, sha256?: string) => {
    const file = { to: 'x', from, ...(sha256 !== undefined && { sha256 }) };
    return { samples: [{ ...cells[1]!, subject: { ...cells[1]!.subject!, files: [file] } }] };
  };
  t.equal(findForeignFile({ samples: cells }), null);
  t.equal(findForeignFile(withFile('npm:x@1.0.0/x.js', 'ab')), null);
  t.equal(findForeignFile(withFile('npm:x@1.0.0/x.js')), 'npm:x@1.0.0/x.js');
  t.equal(findForeignFile(withFile('/etc/shadow', 'ab')), '/etc/shadow');
  t.end();
});
