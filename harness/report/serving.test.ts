import t from 'tap';
import { servingModes } from '../measure/serving-plan.ts';
import { parseServingRecord, type ServingRecord } from '../store/serving-record.ts';
import { renderServingSection } from './serving-page.ts';
import { renderServing } from './serving-table.ts';

const base = {
  work: 'hello',
  connections: 2,
  cpuNs: 30_000,
  requestsPerSecond: 20_989.4,
  p50Ms: 0.08,
  p99Ms: 0.22,
  requests: 13_878,
  rounds: 5,
  to: 'spin',
  rate: null,
  stable: true,
};
const record: ServingRecord = {
  schema: 1,
  server: { name: 'wasmtime-serve', version: 'wasmtime 49.0.3 (f96eabaa1 2026-10-14)' },
  host: null,
  measuredAt: '2026-11-28T11:00:00.000Z',
  machine: { cpuModel: 'AMD EPYC', cores: 2, kernel: '6.18.44', os: 'Debian GNU/Linux 12 (bookworm)' },
  load: { before: 0.1, after: 2.25 },
  figures: [
    { ...base, mode: 'spin', cpu: null, invalid: null },
    { ...base, mode: 'pool', cpu: { ratio: 1.294, low: 1.2, high: 1.4 }, invalid: null, stable: false },
    { ...base, mode: 'on-demand', cpu: null, invalid: '3 of 100 answers had the status 500' },
  ],
};

t.test('the table names CPU and load, and tells unstable and invalid figures apart', (t) => {
  const text = renderServing(record);
  t.match(text, 'wasmtime 49.0.3 (f96eabaa1 2026-10-14) on AMD EPYC (2 cores');
  t.match(renderServing({ ...record, machine: { ...record.machine, cores: 1 } }), ' on AMD EPYC (1 core, ');
  t.match(text, 'load average before: 0.1, after: 2.3');
  t.match(text, /^hello, connections: 2 +CPU per request/m);
  t.match(text, /^spin +× 1\.00 +30\.0 +20989 +0\.08 +0\.22 +13878$/m);
  t.match(text, /^pool +× 1\.29 \[1\.20, 1\.40\] unstable /m);
  t.match(text, /^on-demand +invalid: 3 of 100 answers had the status 500 /m);
  t.end();
});

t.test('the page holds the claim against each interval, and shows no figure that does not count', (t) => {
  const cpu = { ratio: 1.15, low: 1.12, high: 1.18 };
  const [spin] = record.figures;
  const figures = [
    ...record.figures,
    { ...base, mode: 'spin (again)', cpu: { ratio: 1, low: 0.9, high: 1.1 }, invalid: null },
    { ...base, work: 'loop', mode: 'spin', cpu: null, invalid: null },
    { ...base, work: 'loop', mode: 'explicit', cpu, invalid: null },
    { ...base, work: 'hello', mode: 'explicit', cpu: { ratio: 1, low: 0.98, high: 1.02 }, invalid: null },
  ];
  const text = renderServingSection([{ ...record, figures }]);
  t.match(text, '- **explicit**: × 1.00 to × 1.15\n  - within 10–20 %: loop\n  - less: hello\n');
  t.match(text, '- **pool**: no stable figure\n  - not shown either way: hello\n');
  t.notMatch(text, '- **on-demand**');
  t.notMatch(text, '- **spin (again)**');
  t.match(text, /\| 2 \| on-demand \| invalid: 3 of 100 answers had the status 500 \|/);
  t.match(text, 'load average 0.1 before and 2.3 after');
  t.notMatch(text, 'The machine had other work');
  const busy = renderServingSection([
    { ...record, load: { before: 9, after: 9 }, figures: spin ? [spin] : [] },
  ]);
  t.match(busy, 'The machine had other work');
  t.end();
});

t.test('work and a comparison that this version does not know are no riddle', (t) => {
  const figure = { ...base, mode: 'pool', cpu: { ratio: 1.3, low: 1.2, high: 1.4 }, invalid: null, to: null };
  const later = { ...record, figures: [{ ...figure, work: 'later' }] };
  t.match(renderServingSection([later]), /\n### later\n/);
  t.match(renderServing(later), /× 1\.30 \[1\.20, 1\.40\] +30\.0/);
  t.end();
});

t.test('our host is named, and its baseline is no tier to be held against the claim', (t) => {
  const compared = { ...base, invalid: null };
  const figures = [
    ...record.figures.slice(0, 1),
    { ...compared, mode: 'host-standard', cpu: { ratio: 2.7, low: 2.6, high: 2.8 } },
    { ...compared, mode: 'host-on-demand', to: 'host-standard', cpu: { ratio: 1.9, low: 1.8, high: 2 } },
  ];
  const host = 'wasm host, wasmtime 50.0.1, Node 22.23.3';
  const text = renderServingSection([{ ...record, host, figures }]);
  t.match(text, 'wasmtime-serve, and wasm host, wasmtime 50.0.1, Node 22.23.3, on AMD EPYC');
  t.match(text, '- **host-on-demand**: × 1.90 to × 1.90\n  - more: hello\n');
  t.notMatch(text, '- **host-standard**');
  t.match(text, /\| host-standard \| × 2\.70 \\\[2\.60, 2\.80\\\] of spin \|/);
  t.match(text, /\| host-on-demand \| × 1\.90 \\\[1\.80, 2\.00\\\] of host-standard \|/);
  t.match(renderServing({ ...record, host, figures }), `(f96eabaa1 2026-10-14); ${host} on AMD EPYC`);
  t.end();
});

t.test('each machine is named with the kinds of work that were measured on it', (t) => {
  const machine = { ...record.machine, kernel: '6.19.1' };
  const loop = { ...base, work: 'loop', mode: 'spin', cpu: null, invalid: null };
  const text = renderServingSection([record, { ...record, machine, figures: [loop] }]);
  t.match(text, /^hello: wasmtime 49\.0\.3 .* Linux 6\.18\.44\), /m);
  t.match(text, /^loop: wasmtime 49\.0\.3 .* Linux 6\.19\.1\), /m);
  t.match(text, /^### hello: .*^### loop: /ms);
  t.match(renderServingSection([record]), /^wasmtime 49\.0\.3 /m, 'one machine has them all');
  t.end();
});

t.test('a record is read as it was written, and a damaged one is refused with its place', (t) => {
  t.same(parseServingRecord(JSON.stringify(record), 'serving.json'), record);
  t.throws(() => parseServingRecord('{', 'serving.json'), { code: 'STORE_CORRUPT' });
  const bad = { ...record, figures: [{ ...record.figures[0], cpuNs: 0 }] };
  t.throws(() => parseServingRecord(JSON.stringify(bad), 'serving.json'), {
    code: 'STORE_CORRUPT',
    message: /figures\.0\.cpuNs/,
    details: { file: 'serving.json' },
  });
  t.equal(servingModes[0]?.name, record.figures[0]?.mode, 'the baseline');
  t.end();
});
