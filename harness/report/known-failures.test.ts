import t from 'tap';
import { buildResult, record, viewOf } from '../fixtures/report/results.ts';
import type { FieldCase } from '../matrix/cell.ts';
import type { Result } from '../store/result.ts';
import { formats } from './formats.ts';
import { formatGone, formatKnownFailures, listKnownFailures } from './known-failures.ts';

const [failing, other, gone] = ['memory=1G,node=22', 'memory=2G,node=22', 'memory=1G,node=24,cpu=max'];

const known: FieldCase = {
  id: 'owner/project#1',
  title: 'it fails',
  link: 'https://example.org/1',
  cells: [
    { id: failing, role: 'fails' },
    { id: other, role: 'fails' },
    { id: gone, role: 'gone' },
  ],
  standIn: null,
  contradicts: null,
  cannot: null,
};

const seen = (id: string, changes: Partial<Result> = {}): Result =>
  buildResult({ id, verdict: 'expected', ...changes });

const endOf = (results: readonly Result[], changes: Partial<FieldCase> = {}) =>
  listKnownFailures([{ ...known, ...changes }], results)[0];

t.test('a case is reproduced when every cell in which it fails does as it says', (t) => {
  t.match(endOf([seen(failing), seen(other), seen(gone)]), {
    end: 'reproduced',
    gone: [{ where: 'node=24, cpu=max', gone: true }],
  });
  t.match(endOf([seen(failing), seen(other, { verdict: 'unexpected' })]), {
    end: 'not reproduced',
    because: [/^memory=2G,node=22: /],
    gone: [],
  });
  t.match(endOf([seen(failing)]), { end: 'reproduced' }, 'of a part of the matrix that part counts');
  t.end();
});

t.test('one repetition that differs is enough, and silence is no reproduction', (t) => {
  const again = seen(failing, { repetition: 2, verdict: 'unexpected' });
  t.match(endOf([seen(failing), again]), { end: 'not reproduced' });
  t.match(
    endOf([seen(failing), seen(other, { verdict: null, outcome: 'broken', tier: null, reason: 'lost' })]),
    {
      end: 'cannot be reproduced here',
      because: [`${other}: broken: lost`],
    },
  );
  t.match(endOf([seen(failing), seen(gone, { verdict: null, outcome: 'broken' })]), {
    gone: [{ gone: null }],
  });
  t.match(endOf([]), { end: 'not run' });
  t.match(endOf([], { cells: [], cannot: 'no such machine' }), {
    end: 'cannot be reproduced here',
    because: ['no such machine'],
  });
  t.end();
});

t.test('a stand-in is told, whether the case names it or the guest shows it', (t) => {
  t.match(endOf([seen(failing)], { standIn: 'a probe' }), { end: 'reproduced by stand-in' });
  const readBack = [{ axis: 'addressBits', asked: '39', found: '47', ok: true, standIn: true as const }];
  t.match(endOf([seen(failing, { readBack })]), { end: 'reproduced by stand-in' });
  t.end();
});

t.test('where it is there again, or nobody knows, is told too', (t) => {
  const cell = (is: boolean | null) => formatGone({ id: gone, where: 'node=24', gone: is });
  t.strictSame([true, false, null].map(cell), [
    'gone with node=24',
    'not gone with node=24',
    'no verdict with node=24',
  ]);
  const cases = [known, { ...known, id: 'b', standIn: 'x' }, { ...known, id: 'c', cells: [], cannot: 'y' }];
  t.equal(
    formatKnownFailures(listKnownFailures(cases, [seen(failing), seen(other)])),
    '2 of 3 reproduced, 1 of them by stand-in, 1 cannot be reproduced here',
  );
  t.end();
});

t.test('the reports have a section of them, and nothing of a case becomes markup', (t) => {
  const hostile = { ...known, id: '<b>x</b>', link: 'https://a.b/"><script>', contradicts: '<i>' };
  const run = { ...record, cases: [known, hostile] };
  const results = [seen(failing), seen(gone, { verdict: 'unexpected' })];
  const md = formats.md.render(viewOf(results, run));
  t.match(md, /## Known field failures\n\n2 of 2 reproduced\./);
  t.match(md, /- \[owner\/project\\#1\]\(https:\/\/example\.org\/1\): \*\*reproduced\*\*/);
  t.match(md, /not gone with node=24/);
  const page = formats.html.render(viewOf(results, run));
  t.match(page, /<h2 id="known" tabindex="-1">Known field failures<\/h2>/);
  t.match(page, '<a href="https://example.org/1"');
  const section = page.slice(
    page.indexOf('id="known"'),
    page.indexOf('</section>', page.indexOf('id="known"')),
  );
  for (const text of [md, section]) t.notMatch(text, /<b>x|<i>|"><script>/);
  const probed = { ...known, id: 'probed', title: null, standIn: 'a probe' };
  t.match(
    formats.html.render(viewOf(results, { ...record, cases: [probed] })),
    /noreferrer">probed<\/a><\/th><td [^>]*>reproduced by stand-in<\/td><td [^>]*>[^<]*<br \/>stand-in: a probe<\/td>/,
  );
  t.notMatch(formats.md.render(viewOf(results, record)), /Known field failures/, 'no section without cases');
  t.end();
});
