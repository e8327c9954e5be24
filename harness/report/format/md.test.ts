import t from 'tap';
import { formatCellId, parseCellId } from '../../matrix/cell-id.ts';
import {
  buildDefaultResults,
  buildResult,
  buildStandard,
  record,
  recordOf,
  viewOf,
} from '../../fixtures/report/results.ts';
import { md } from './md.ts';

t.test('a run whose images name no components says nothing of the guests', (t) => {
  const images = { ...record.images, components: {} };
  t.match(md.render(viewOf(buildDefaultResults())), /In the guests: wasmtime 50\.0\.1, /);
  t.notMatch(md.render(viewOf(buildDefaultResults(), { ...record, images })), 'In the guests');
  t.end();
});

t.test('a known failure that did not run has its end and no more', (t) => {
  const one = {
    id: 'owner/project#1',
    title: null,
    link: null,
    cells: [{ id: 'memory=1G', role: 'fails' }],
    standIn: null,
    contradicts: null,
    cannot: null,
  } as const;
  const results = [buildStandard()];
  const text = md.render(viewOf(results, { ...recordOf(results), cases: [one] }));
  t.match(text, /^- owner\/project\\#1: \*\*not run\*\*$/m);
  t.end();
});

t.test('a process that does not start has a cause without a tier', (t) => {
  const shortfall = {
    pool: 'process',
    limit: 'commit',
    unit: 'bytes',
    needed: 2 ** 30,
    available: 2 ** 29,
  } as const;
  const crashed = buildResult({
    outcome: 'crashed',
    tier: null,
    form: null,
    tiers: [],
    finding: null,
    verdict: 'expected',
    predicted: { outcome: 'crashed', tier: null, checks: null, tiers: [], startup: shortfall as never },
  });
  const [line = ''] = md.render(viewOf([crashed])).match(/^- \*\*all cells\*\*.*$/m) ?? [];
  t.match(line, /does not start \(crashed\): [^:]*\. Observed: /);
  t.end();
});

t.test('the rows of hosts name unusual settings, and a line below the table the usual ones', (t) => {
  const settings = ['memory=2G', 'memory=1G,node=24', 'memory=1G,overcommit=2', 'memory=1G,thp=never'];
  const results = ['wash', 'wasm-host'].flatMap((subject) =>
    settings.map((text) => {
      const of = parseCellId(`${text},subject=${subject}`);
      return buildStandard({ id: formatCellId(of), settings: of });
    }),
  );
  const hosts = md.render(viewOf(results)).split('## Hosts')[1];
  t.match(hosts, /^\| 1G \| node 24 \|/m);
  t.match(hosts, /^As usual: |^as usual: /m);
  t.end();
});
