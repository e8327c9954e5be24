import t from 'tap';
import { readReference } from '../fixtures/report/reference.ts';
import { buildResult, buildStandard, settings, silentAttempt } from '../fixtures/report/results.ts';
import type { Settings } from '../axes/table.ts';
import { formatCellId } from '../matrix/cell-id.ts';
import type { Result } from '../store/result.ts';
import { findOmitted, findVaried } from './axis-labels.ts';
import { buildCells } from './cell-view.ts';
import { buildVerdictTable } from './verdict-table.ts';
import { buildReasonCards, describeCure } from './reason-cards.ts';

const named = (result: Result): Result => ({ ...result, id: formatCellId(result.settings) });
const fallen = (over: Partial<Settings>, leaves: number, changes: Partial<Result> = {}): Result =>
  named(buildResult(changes, { ...settings, ...over }, leaves));
const standard = (over: Partial<Settings>): Result => named(buildStandard({}, { ...settings, ...over }));
const cardsOf = (results: readonly Result[]) => buildReasonCards(buildCells(results), findVaried(results));

t.test('the default run: one card per limit, with the cure that the run itself has proven', async (t) => {
  const { cells, axes } = await readReference('default');
  const cards = buildReasonCards(cells, axes);
  t.match(cards, [
    {
      word: 'conservative',
      where: '512M–2G overcommit 2',
      seen: 'standard: 1531 MiB for the table pool refused',
      causes: [{ tier: 'standard', text: 'table pool needs 1531 MiB, CommitLimit leaves 159–867 MiB' }],
      cure: { axis: 'overcommit', values: ['0', '1'], reached: ['standard'], cells: 9 },
    },
    { where: '4G overcommit 2', causes: [{ text: 'stack pool needs 2004 MiB, CommitLimit leaves 249 MiB' }] },
  ]);
  const [first] = cards;
  t.equal(first?.cells.length, 9);
  const { least = 0, most = 0 } = first?.causes[0]?.share ?? {};
  const { lines } = buildVerdictTable(cells, axes);
  t.same(
    cards.flatMap(({ causes }) => causes.map(({ text }) => text)),
    lines.slice(1).map(({ places: [place] }) => place?.numbers),
    'the numbers of the table',
  );
  t.ok(least > 0.1 && least < 0.11 && most > 0.56 && most < 0.57, `${least} to ${most}`);
  t.equal(
    first === undefined ? '' : describeCure(first),
    'With vm.overcommit_memory 0 or 1, and nothing else changed, all 9 cells reached standard.',
  );
});

t.test('beside a sentence that says what is usual, a card names every setting that is not', async (t) => {
  const { cells, axes } = await readReference('limits');
  const usual = findOmitted(cells, axes);
  const [crashed] = buildReasonCards(cells, axes, usual).filter(
    ({ word, causes: [cause] }) => word === 'crashed' && cause?.text.includes('CommitLimit'),
  );
  t.equal(
    crashed?.where,
    '512M/1G, overcommit 2, engine v8, node 26; 512M/1G, overcommit 2, node 24',
    'all of them are under overcommit 2, and 0 is usual',
  );
  for (const { where } of buildReasonCards(cells, axes, usual))
    t.notMatch(where, /unlimited(?!\/)|maxMapCount default/, 'nothing that is usual is repeated');
});

t.test('no card has a backtrace, and none mixes what was predicted with what was seen', async (t) => {
  const { cells, axes } = await readReference('limits');
  const cards = buildReasonCards(cells, axes);
  t.equal(cards.length, 14);
  for (const { seen, causes } of cards) {
    t.notMatch(seen, /node::|0x[\da-f]{5}| \| |needs .* leaves/);
    for (const { text } of causes) t.notMatch(text, /died|refused|SIG/);
  }
  t.match(
    cards.find(({ word, causes: [cause] }) => word === 'crashed' && cause?.text.includes('CommitLimit')),
    {
      seen: 'the host died of SIGTRAP',
      causes: [
        {
          tier: null,
          text: 'Node 24, 26 needs 563–564 MiB before its first line, CommitLimit leaves 217–453 MiB',
        },
      ],
    },
  );
});

t.test('a model that says something else than was observed explains nothing', (t) => {
  const [card] = cardsOf([
    fallen({}, 100, { finding: 'the model said standard, conservative was observed' }),
  ]);
  t.match(card, { word: 'conservative', causes: [] });
  t.end();
});

t.test('the size that a program could not map is no output of it', (t) => {
  const reason = 'mapping: 0 mappings of 0x61a80000 bytes, then mmap: Cannot allocate memory (os error 12)';
  const [card] = cardsOf([fallen({}, 100, { outcome: 'exhausted', tier: null, tiers: [], reason })]);
  t.equal(card?.seen, 'mapping: 0 mappings of 0x… bytes, then mmap: Cannot allocate memory (os error 12)');
  t.end();
});

t.test('a cure is no cure where it failed for one of the cells, or changes the host', (t) => {
  const bad = [fallen({ memory: 2 ** 30 }, 100), fallen({ memory: 2 ** 31 }, 200)];
  const cured = standard({ memory: 2 ** 30, overcommit: 0 });
  const [half] = cardsOf([...bad, cured]);
  t.match(half, { cure: { axis: 'overcommit', values: ['0'], cells: 1 } });
  t.equal(
    half === undefined ? '' : describeCure(half),
    'With vm.overcommit_memory 0, and nothing else changed, 1 of these 2 cells reached standard; the other one was not tried with it.',
  );
  const [failed] = cardsOf([...bad, cured, fallen({ memory: 2 ** 31, overcommit: 0 }, 300)]);
  t.equal(failed?.cure, null);
  const [other] = cardsOf([fallen({}, 100), standard({ subject: 'spin' })]);
  t.equal(other?.cure, null);
  t.end();
});

t.test('a setting that helps as much as more memory is named first', (t) => {
  const [card] = cardsOf([fallen({}, 100), standard({ memory: 2 ** 33 }), standard({ overcommit: 1 })]);
  t.match(card, { cure: { axis: 'overcommit', values: ['1'] } });
  t.end();
});

t.test('a cell that was flaky there is no proof', (t) => {
  const there = standard({ overcommit: 0 });
  const again = { ...fallen({ overcommit: 0 }, 100), repetition: 2 };
  const [card] = cardsOf([fallen({}, 100), there, again]).filter(({ word }) => word === 'conservative');
  t.equal(card?.cure, null);
  t.end();
});

t.test('an attempt is told by what it says of itself', (t) => {
  const seenOf = (changes: Partial<Result['tiers'][number]>): string | undefined =>
    cardsOf([
      fallen({}, 100, { finding: 'x', predicted: null, tiers: [{ ...silentAttempt, ...changes }] }),
    ])[0]?.seen;
  t.equal(seenOf({ bytes: 2 ** 20 }), 'standard: 1024 KiB refused');
  t.equal(seenOf({ message: 'no memory', class: 'oom' }), 'standard: no memory');
  t.equal(seenOf({ class: 'v8-fatal' }), 'standard: v8-fatal');
  t.equal(seenOf({}), 'standard: failed');
  t.end();
});

t.test('a crash of which the model says nothing has its reason; many kinds of ends are counted', (t) => {
  const died = (node: string, reason: string): Result =>
    fallen({ node }, 100, { outcome: 'crashed', tier: null, tiers: [], predicted: null, reason });
  t.match(cardsOf([died('22', 'it died')]), [{ seen: 'it died', causes: [] }]);
  const stops = ['table', 'stack', 'memory', 'heap'].map((pool, index): Result => {
    const result = fallen({ node: String(20 + index) }, 100);
    return { ...result, tiers: result.tiers.map((one) => (one.ok ? one : { ...one, pool })) };
  });
  t.equal(
    cardsOf(stops)[0]?.seen,
    'standard: 1531 MiB for the table pool refused; or standard: 1531 MiB for the stack pool refused; or standard: 1531 MiB for the memory pool refused; or 1 other end',
  );
  t.end();
});

t.test('a setting with many values that help names the first', (t) => {
  const nodes = ['18', '20', '22', '24', '26'].map((node) => standard({ node }));
  const [card] = cardsOf([fallen({ node: '16' }, 100), ...nodes]);
  t.equal(
    card === undefined ? '' : describeCure(card),
    'With node 18, 20, 22 or 2 other values, and nothing else changed, it reached standard.',
  );
  t.end();
});
