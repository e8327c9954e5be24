import t from 'tap';
import { buildReported, buildSubject, conservativeReport } from '../fixtures/outcome/observations.ts';
import { buildResult } from '../fixtures/report/results.ts';
import type { Subject } from '../matrix/subject.ts';
import { planLoads } from '../measure/request-price.ts';
import type { ServerStep } from '../measure/counted-server.ts';
import { checkServer } from './check-server.ts';

const settings = buildResult().settings;
const [load] = planLoads(['touch-1'], 'component');
const stepOf = (limits: ServerStep['limits']): ServerStep => ({ load: load!, limits, settings });
const conservative = buildResult();

const subject: Subject = {
  name: 'some-host',
  title: null,
  files: [],
  run: ['{files}/some-host', '{files}/hello.wasm'],
  ready: { kind: 'http', port: 8080, path: '/', status: 200, body: '^hello$', answers: 3 },
  words: [
    { word: 'standard', patterns: ['pool of 1000'] },
    { word: 'conservative', patterns: ['pool of 16'] },
  ],
  timeoutMs: null,
};

const answered = (line: string, status = 200) =>
  buildSubject({
    exitCode: 137,
    ...(status === 200 ? { ready: true } : { answeredWrong: true }),
    answer: { status, count: 1, body: 'touched\n', whole: true },
    stdout: `${line}\n`,
  });

t.test('the wasm host must have proved the tier and the checks of the cell', (t) => {
  const run = buildReported(conservativeReport);
  t.equal(checkServer(conservative, null, stepOf('cell'), run), null);
  t.match(
    checkServer({ ...conservative, tier: 'on-demand' }, null, stepOf('cell'), run),
    /^the server has the tier conservative\/elided instead of on-demand\/elided$/,
  );
  t.match(
    checkServer(conservative, null, stepOf('lifted'), run),
    /baseline has the tier conservative.*standard/,
  );
  const formless = { tier: 'conservative', form: null } as const;
  t.equal(checkServer(formless, null, stepOf('cell'), run), null, 'a form that nobody knows is not compared');
  t.match(
    checkServer({ ...formless, tier: 'on-demand' }, null, stepOf('cell'), run),
    /conservative\/elided instead of on-demand$/,
  );
  t.match(
    checkServer({ tier: null, form: null }, null, stepOf('cell'), run),
    /conservative\/elided instead of standard\/elided$/,
  );
  t.match(checkServer(conservative, null, stepOf('cell'), buildSubject({ stdout: '' })), /proved no tier/);
  t.end();
});

t.test('a foreign server must show the tier of the cell, and as the baseline standard', (t) => {
  const cell = { tier: 'conservative', form: null } as const;
  t.equal(
    checkServer(cell, subject, stepOf('cell'), answered('pool of 16')),
    null,
    'whatever page it serves',
  );
  t.match(
    checkServer(cell, subject, stepOf('cell'), answered('pool of 1000')),
    /standard instead of conservative/,
  );
  t.equal(checkServer(cell, subject, stepOf('lifted'), answered('pool of 1000')), null);
  t.match(checkServer(cell, subject, stepOf('lifted'), answered('')), /the tier of none instead of standard/);
  const silent = { ...subject, words: [] };
  t.equal(checkServer({ tier: null, form: null }, silent, stepOf('lifted'), answered('')), null);
  t.match(checkServer(cell, subject, stepOf('cell'), answered('pool of 16', 500)), /ended otherwise: .*500/);
  t.end();
});

t.test('a server that was stopped or lost is none', (t) => {
  const run = buildReported(conservativeReport);
  t.match(checkServer(conservative, null, stepOf('cell'), { ...run, timedOut: true }), /in time/);
  t.match(checkServer(conservative, null, stepOf('cell'), { ...run, helperLost: true }), /was lost/);
  t.end();
});
