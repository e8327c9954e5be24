import t from 'tap';
import { parseMeasurement } from './measurement.ts';
import { describeResources, summarizeResources } from './resources.ts';

const process = (clock: 'time' | 'instructions', tier: string, wallMs: number) =>
  parseMeasurement(
    JSON.stringify({
      poolproof: 'measure',
      schema: 1,
      engine: { kind: 'wasmtime', version: '1' },
      node: '20.20.2',
      clock,
      subjects: [{ tier, checks: 'elided' }],
      planted: [1],
      workloads: [],
      perStep: null,
      facts: {
        ...{
          cpuModel: 'A CPU',
          emulated: clock === 'instructions',
          overcommitMemory: 0,
          overcommitRatio: 50,
        },
        ...{ overcommitKbytes: 0, maxMapCount: 65_530, addressSpaceLimit: null, dataLimit: null },
        stackLimit: null,
        cgroupMemoryMax: null,
      },
      start: {
        wallMs,
        cpuNs: 25e7,
        usage: { virtualBytes: 4 * 2 ** 40, residentBytes: wallMs * 2 ** 20, chargedBytes: 3.5 * 2 ** 30 },
      },
      usage: { virtualBytes: 0, residentBytes: 0, chargedBytes: 0 },
    }),
  );

t.test('start and memory of a form are medians over its processes', (t) => {
  const all = [300, 900, 310].map((ms) => describeResources(process('time', 'standard', ms)));
  all.push(describeResources(process('time', 'on-demand', 200)));
  const found = summarizeResources(all);
  t.match(found, [
    {
      tier: 'standard',
      form: 'elided',
      startToFirstCall: { clock: 'time', ms: 310 },
      residentBytes: 310 * 2 ** 20,
    },
    { tier: 'on-demand', startToFirstCall: { ms: 200 } },
  ]);
  t.end();
});

t.test('an emulated process is told by its instructions, never by a time', (t) => {
  const [found] = summarizeResources([describeResources(process('instructions', 'standard', 4000))]);
  t.same(found?.startToFirstCall, { clock: 'instructions', count: 25e7 });
  t.end();
});
