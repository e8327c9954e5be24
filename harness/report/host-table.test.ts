import t from 'tap';
import { parseCellId } from '../matrix/cell-id.ts';
import { formatCellId } from '../matrix/cell-id.ts';
import type { Result } from '../store/result.ts';
import { buildResult, viewOf } from '../fixtures/report/results.ts';
import { html } from './format/html.ts';
import { md } from './format/md.ts';
import { type HostTable, basisOf, describeStart, formatStart } from './host-table.ts';

const answer = { status: 500, count: 3, body: '' };
const line = 'Error: failed to create stack pool mapping';
const causes = ['mmap failed to allocate 0x7d3e8000 bytes'];

/** A result of a host; without `subject` of our own. */
function of(id: string, changes: Partial<Result>, subject?: object): Result {
  const settings = parseCellId(id);
  const { subject: _, ...plain } = buildResult();
  const whole = {
    name: settings.subject,
    ready: false,
    failure: null,
    line: null,
    exitCode: 1,
    signal: null,
    ...subject,
  };
  return {
    ...plain,
    id: formatCellId(settings),
    settings,
    outcome: changes.tier == null ? 'exhausted' : 'reached',
    tier: null,
    ...changes,
    ...(subject !== undefined && { subject: whole }),
  };
}

const seen = { basis: 'seen' };
const results: readonly Result[] = [
  of('overcommit=0', { tier: 'standard' }),
  of('overcommit=2', { tier: 'conservative' }),
  of('overcommit=0,subject=wash', { tier: 'standard' }, { basis: 'told', line: 'pool_reservation=3.9TiB' }),
  of('overcommit=2,subject=wash', {}, { line: `2026-11-28T14:07:47.400307Z ${line}`, causes }),
  of('overcommit=0,subject=wasmtime-serve', { tier: 'on-demand' }, seen),
  of('overcommit=2,subject=wasmtime-serve', {}, { line, causes }),
  of('overcommit=0,subject=spin-sizes', {}, { answer, line: 'error: instantiation error' }),
  of('overcommit=2,subject=spin-sizes', { tier: 'conservative', verdict: 'unexpected' }, seen),
  of('overcommit=0,subject=bun', { outcome: 'reached' }, { ready: true }),
];

const hostsOf = (some: readonly Result[]): HostTable => viewOf(some).hosts!;

t.test('each host is a column that says how it starts, and how that is known', (t) => {
  const { grid } = hostsOf(results);
  t.same(grid.columns.flat(), ['bun', 'spin-sizes', 'wash', 'wasm-host', 'wasmtime-serve']);
  t.same(
    grid.rows.map(({ labels, places }) => [
      ...labels,
      ...places.map((cell) => (cell === null ? null : formatStart(cell))),
    ]),
    [
      [
        '0',
        'runs',
        'starts but serves nothing',
        'runs fully (told)',
        'runs fully (proven)',
        'runs without a pool (seen)',
      ],
      ['2', null, 'runs smaller (seen) ✗', 'does not start', 'runs smaller (proven)', 'does not start'],
    ],
  );
  const [older] = results.slice(2, 3).map(({ subject, ...rest }) => ({ ...rest, subject: { ...subject! } }));
  delete (older!.subject as { basis?: unknown }).basis;
  t.equal(basisOf(older!), 'told', 'before bases were stored');
  t.equal(viewOf(results.slice(0, 2)).hosts, null, 'one host is no comparison');
  t.end();
});

t.test('what hosts print is told once, with the causes and without the time', (t) => {
  const { texts } = hostsOf(results);
  t.match(
    texts.find(({ start }) => start === 'does not start'),
    {
      where: 'overcommit 2 subject wash/wasmtime-serve',
      text: `${line}: ${causes[0]}`,
      cells: 2,
    },
  );
  t.match(
    texts.find(({ start }) => start === 'starts but serves nothing'),
    { text: 'error: instantiation error' },
  );
  t.notOk(
    texts.some(({ text }) => text.includes('3.9TiB')),
    'what runs fully explains nothing',
  );
  t.end();
});

t.test('many hosts, such as versions of one, are rows', (t) => {
  const versions = Array.from({ length: 11 }, (_, minor) =>
    [0, 2].map((mode) => of(`overcommit=${mode},subject=wash@2.${minor}.0`, { tier: 'standard' }, seen)),
  ).flat();
  const { grid } = hostsOf(versions);
  t.same(grid.columnAxes, ['overcommit']);
  t.equal(grid.rows.length, 11);
  t.same(grid.rows[10]?.labels, ['wash@2.10.0']);
  t.ok(grid.rows.every(({ places }) => places.every((cell) => describeStart(cell!) === 'runs fully')));
  t.end();
});

t.test('Markdown and the page have the table, with text of a guest made harmless', (t) => {
  const hostile = of('overcommit=1,subject=wash', {}, { line: '<img src=x> | *x*' });
  const view = viewOf([...results, hostile]);
  const text = md.render(view);
  t.match(text, '## Hosts\n\n| overcommit | bun | spin-sizes | wash | wasm-host | wasmtime-serve |');
  t.match(text, '| 0 | runs | starts but serves nothing | runs fully (told) |');
  t.match(text, '- **overcommit 2 subject wash/wasmtime-serve** does not start: Error: failed');
  t.match(text, '&lt;img src=x&gt; \\| \\*x\\*');
  const page = html.render(view);
  t.match(page, '<th scope="col">wasmtime-serve</th>');
  t.match(
    page,
    /<td class="sf" data-c="spin-sizes">\s*<a href="#cell-[^"]+"\s*><span aria-hidden="true">△ <\/span\s*>starts but serves nothing<\/a/,
  );
  t.match(page, />runs fully<\/a\s*><small>[^<]*<\/small><small class="basis">told<\/small>/);
  t.match(page, '<h2 id="printed" tabindex="-1">What hosts print</h2>');
  t.notMatch(page, '<img src=x>');
  const plain = viewOf(results.slice(0, 2));
  t.notMatch(md.render(plain), '## Hosts');
  t.notMatch(html.render(plain), 'What hosts print');
  t.end();
});
