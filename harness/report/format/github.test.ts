import t from 'tap';
import {
  buildDefaultResults,
  buildResult,
  buildStandard,
  record,
  recordOf,
  viewOf,
} from '../../fixtures/report/results.ts';
import { formats } from '../formats.ts';

t.test('the job summary says the verdict first, then the report', (t) => {
  t.match(
    formats.github.render(viewOf(buildDefaultResults())),
    /^> \*\*✅ as expected\*\*\n\n# Spin's defaults/,
  );
  t.match(
    formats.github.render(
      viewOf([buildResult({ verdict: 'unexpected' })], recordOf([buildResult({ verdict: 'unexpected' })])),
    ),
    /^> \*\*❌ not as expected\*\*/,
  );
  t.match(formats.github.render(viewOf([buildResult({ verdict: null })])), /^> \*\*⚠️ no verdict\*\*/);
  t.match(
    formats.github.render(viewOf([buildResult({ verdict: 'unexpected' })], record)),
    /^> \*\*❌ not as expected, ⚠️ 35 of 36 cells are missing/,
  );
  t.end();
});

t.test('a summary too large for GitHub is cut to what matters', (t) => {
  const cells = Array.from({ length: 700 }, (_, index) =>
    buildResult(
      { verdict: 'unexpected', reason: `${index} ${'<'.repeat(900)}` },
      { memory: (index + 1) * 2 ** 20 },
    ),
  );
  const text = formats.github.render(viewOf(cells));
  t.ok(Buffer.byteLength(text) <= 1_000_000, `${Buffer.byteLength(text)} bytes`);
  t.match(text, 'Too large for a job summary');
  t.match(text, '700 cells: 700 reached');
  t.end();
});

t.test('annotations: unexpected is an error, no verdict a warning, a finding a notice', (t) => {
  const results = [
    buildStandard(),
    buildResult({
      id: 'memory=1G',
      verdict: 'unexpected',
      expected: { source: 'matrix', text: 'standard', expectation: null },
      reason: '50% gone',
    }),
    buildResult({ id: 'memory=2G', outcome: 'broken', tier: null, verdict: null, reason: 'QEMU died' }),
    buildResult({ id: 'memory=4G', finding: 'the model said x' }),
    buildResult({ outcome: 'skipped', tier: null, verdict: null }),
  ];
  const lines = formats.annotations.render(viewOf(results)).split('\n');
  t.same(lines, [
    '::error file=matrices/default.yaml,title=expected standard%2C got conservative::memory=1G: 50%25 gone',
    '::warning file=matrices/default.yaml,title=broken::memory=2G: QEMU died',
    '::notice file=matrices/default.yaml,title=conservative::memory=4G: the model said x',
    '',
  ]);
  t.equal(formats.annotations.render(viewOf(buildDefaultResults())), '', 'nothing to say');
  t.end();
});

t.test(
  'annotations: a flaky cell is an error where the run fails on it, and an unfinished run a warning',
  (t) => {
    const flaky = [buildStandard({ id: 'm' }), buildResult({ id: 'm', repetition: 2 })];
    const strict = { ...recordOf(flaky), options: { failOnFlaky: true } };
    t.match(formats.annotations.render(viewOf(flaky)), /^::warning .*title=flaky::m: /);
    t.match(formats.annotations.render(viewOf(flaky, strict)), /^::error .*title=flaky::m: /);
    const one = [buildStandard()];
    const unfinished = 'every cell is there, but the run is not finished: overhead may be missing';
    t.ok(
      formats.annotations
        .render(viewOf(one, { ...recordOf(one), finishedAt: null }))
        .endsWith(`::${unfinished}\n`),
      'a run of which no cell is missing says only that',
    );
    t.end();
  },
);

t.test('GitHub shows ten of a kind, so the tenth says how many more there are', (t) => {
  const cells = (length: number) =>
    Array.from({ length }, (_, index) => buildResult({ id: `m${index}`, verdict: 'unexpected' }));
  t.equal(
    formats.annotations
      .render(viewOf(cells(10)))
      .trimEnd()
      .split('\n').length,
    10,
  );
  const lines = formats.annotations
    .render(viewOf(cells(25)))
    .trimEnd()
    .split('\n');
  t.equal(lines.length, 10);
  t.match(lines[9], /title=16 more cells::see the job summary$/);
  t.end();
});

t.test('text of a guest begins no workflow command and ends no property', (t) => {
  const reason = 'a\n::error::b\r\n::stop-commands::x\u0000';
  const text = formats.annotations.render(
    viewOf(
      [
        buildResult({
          id: 'm\n::set-output name=x::y',
          reason,
          verdict: 'unexpected',
          expected: { source: 'matrix', text: 'x:,y', expectation: null },
        }),
      ],
      { ...record, matrix: { ...record.matrix, file: 'a,title=b::c\n::debug::d', size: 1 } },
    ),
  );
  t.equal(text.trimEnd().split('\n').length, 1);
  t.match(
    text,
    /^::error file=a%2Ctitle=b%3A%3Cc|^::error file=a%2Ctitle=b%3A%3Ac %3A%3Adebug%3A%3Ad,title=expected x%3A%2Cy%2C got conservative::m ::set-output/,
  );
  t.end();
});
