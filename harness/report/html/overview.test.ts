import t from 'tap';
import { buildResult, buildStandard, record, recordOf, viewOf } from '../../fixtures/report/results.ts';
import type { RunRecord } from '../../store/run-record.ts';
import { renderDate, renderHow, renderRunStates } from './overview.ts';
import { buildPageView } from './page-view.ts';

const results = [buildStandard({ id: 'one' }), buildResult({ id: 'two' }, { overcommit: 1 })];
const pageOf = (of: RunRecord) => buildPageView([viewOf(results, of)]);

t.test('parts of one run are whole together', (t) => {
  const statesOf = (size: number): string => {
    const of = { ...record, matrix: { ...record.matrix, size } };
    const parts = results.map((result) => viewOf([result], of));
    return renderRunStates(buildPageView(parts))
      .map(({ text }) => text)
      .join('');
  };
  t.equal(statesOf(2), '');
  t.equal(statesOf(3), '<p><strong>? 1 of 3 cells is missing (the run has ended without them)</strong></p>');
  t.end();
});

t.test('the age of a run is told where the time of reading is known and not before it', (t) => {
  const ageOn = (now: string | null): string =>
    /<\/time>(.*?) ·/.exec(renderDate(pageOf(recordOf(results)), now).text)?.[1] ?? 'no date';
  t.same(
    [null, '2026-11-23T23:59:00Z', '2026-11-25T00:00:00Z', '2026-11-20T00:00:00Z', 'yesterday'].map(ageOn),
    ['', ', today', ', 1 day ago', '', ''],
  );
  t.end();
});

t.test('what the guests ran on is told as far as it is known', (t) => {
  const bare: RunRecord = {
    ...recordOf(results),
    accelerator: { kind: 'kvm', reason: '/dev/kvm is there' },
    machine: { ...record.machine, cpuModel: null },
    kernels: {},
  };
  const text = renderHow(pageOf(bare), null).text;
  t.match(text, /hardware virtualisation \(KVM\): \/dev\/kvm is there; unknown CPU, 2\s+cores/);
  t.match(text, 'kernel not recorded; wasmtime 50.0.1; Node 22.23.3');
  t.match(renderDate(pageOf(bare), null).text, ' · QEMU 7.2.22, hardware virtualisation · ');
  t.match(renderHow(pageOf(recordOf(results)), null).text, 'emulation (TCG)');
  t.end();
});
