import path from 'node:path';
import t from 'tap';
import { axes } from '../axes/table.ts';
import { MatrixErrors, type Problem } from './diagnostics.ts';
import { renderSubjectSchema } from './json-schema.ts';
import { isInSubject, keysAt } from './known-keys.ts';
import { loadMatrix, parseMatrix } from './load.ts';
import { isWithin } from './mapped.ts';
import { compilePattern } from './pattern.ts';
import { endMark, replaceReference, startMark } from './reference.ts';
import { changeValue, parseSource } from './source.ts';
import { findShippedSubject, resolveSubjects } from './subject-resolve.ts';
import { toExtended } from './subject.ts';

/** Problems of a matrix, which must be refused. */
function problemsOf(text: string): readonly Problem[] {
  try {
    parseMatrix(text, 'm.yaml');
  } catch (error) {
    if (error instanceof MatrixErrors) return error.problems;
    throw error;
  }
  throw new Error(`accepted: ${text}`);
}

const first = (count: number): string => Array.from({ length: count }, (_, index) => index + 1).join(', ');
const hundreds = (count: number): string => first(count).replaceAll(/\d+/g, '$&00');
const memory = 'axes: { memory: [1G, 2G] }\n';
const subject = (rest: string): string => `${memory}subject: { ${rest} }`;
const manyCases = Array.from({ length: 1001 }, (_, index) => `  - { id: a${index}, cannot: none }\n`).join(
  '',
);

const refused: readonly (readonly [text: string, message: RegExp, hint?: string])[] = [
  [
    `cases: [{ id: a, settings: { cpus: [${first(15)}], hugepages: [${first(15)}] }, expect: { outcome: crashed } }]`,
    /^225 cells in one case; at most 200$/,
  ],
  [`${memory}cases:\n${manyCases}`, /^1001 cases; at most 1000$/],
  [`${memory}expect: [{ tier: standard, outcome: crashed }]`, /^the rule has both `tier` and `outcome`$/],
  [`${memory}expect: [{ overhead: <= 20%, error: x }]`, /^`error` stands beside `tier` or `outcome`$/],
  [
    `${memory}measure: { overhead: false }\nexpect: [{ tier: standard }, { overhead: <= 20% }]`,
    /^the rule bounds an overhead that `measure` turns off$/,
  ],
  [
    `${memory}expect: [{ where: { env: { A: 1 } }, tier: standard }]`,
    /^no cell has `env` `env.A=1`$/,
    'this matrix has (empty)',
  ],
  [
    `axes: { cpus: [${first(12)}] }\nexpect: [{ where: { cpus: 13 }, tier: standard }]`,
    /^no cell has `cpus` `13`$/,
    'this matrix has 1, 2, 3, 4, 5, 6, 7, 8 and 4 more',
  ],
  [`${memory}expect: [{ tier: standard }, { outcome: crashed }]`, /^contradicts the rule in line 2$/],
  [
    `axes: { cpus: [${first(64)}], hugepages: [${first(64)}], maxMapCount: [${hundreds(64)}] }\ninclude: [{ memory: 1G }]`,
    /^262,145 cells; at most 100,000$/,
    'cpus 64 × hugepages 64 × maxMapCount 64; counted before `exclude`',
  ],
  [
    `${memory}expect: [{ memory: 1G, tier: standard }]`,
    /^unknown key `memory`$/,
    'an axis: it belongs below `where`',
  ],
  [`${memory}repeat: many`, /^`repeat` is .*, not `many`$/],
  [`${memory}---\na\n---\nb\n---\nc`, /^a second YAML document; a matrix is one$/],
  [subject("run: [a, '{options}']"), /^`\{options\}` stands for nothing without a `host`$/],
  [subject("run: [a, 'x{options}']"), /^`\{options\}` is several words$/],
  [subject('run: [a], ready: { line: "\\\\bx" }'), /^the guest cannot look for this pattern$/],
  [subject('run: [a], timeout: 9999m'), /^`9999m` is not a time such as 60s/],
  [subject('run: [a], ready: { port: 1, exit: 0 }'), /^`ready` has one of/],
  [subject('runn: [a]'), /^unknown key `runn`$/],
  ['axes: { subject: { runn: [a] } }', /^unknown key `runn`$/],
  ['axes: { subject: [{ runn: [a] }] }', /^unknown key `runn`$/],
  ['axes: { subject: { run: [a], runn: [a] } }', /^unknown key `runn`$/],
  [`${memory}measure: { share: maybe }`, /^`share` is true or false, not `maybe`$/],
  [subject("run: [a], tiers: { standard: { mapped: '>= 1G', x: 1 } }"), /^unknown key `x`$/],
  [
    subject("run: [a], tiers: { standard: { mapped: ['>= 2G', '< 1G'] } }"),
    /bounds that some size is within/,
  ],
  [subject('name: a'), /^the subject has no `run`$/],
  [subject('like: nobody'), /^there is no subject `nobody`$/],
  [`${memory}subject: No Name`, /^there is no subject `No Name`$/],
  [`${memory}subjects: { server: { run: [a] } }\nsubject: servr`, /^there is no subject `servr`$/],
  [
    `axes: { subject: [{ run: [node] }, { run: [node, x.js], name: node }] }`,
    /^two subjects are called `node`$/,
  ],
  [
    `${memory}subject: { name: server, run: [a] }\nexpect: [{ where: { subject: other }, tier: standard }]`,
    /^no cell has `subject` `other`$/,
  ],
];

t.test('what is wrong is said with its reason', (t) => {
  for (const [text, message, hint] of refused) {
    const problems = problemsOf(text);
    const found = problems.filter((problem) => message.test(problem.message));
    t.equal(found.length, 1, `${message.source}: ${problems.map((one) => one.message).join('; ')}`);
    if (hint !== undefined) t.equal(found[0]?.hint, hint);
  }
  t.end();
});

t.test('a problem beyond the end of the text has an empty line', (t) => {
  const problem = { code: 'MATRIX_SYNTAX', message: 'too short', line: 9, column: 1, length: 1 } as const;
  t.match(new MatrixErrors('m.yaml', 'a', [problem]).message, /^m.yaml:9:1: too short\n {2}9 \| \n/);
  t.end();
});

t.test('absent files are refused where their subject is defined or named', async (t) => {
  const server = "name: server\nrun: ['{files}/server']\nfiles: [./server]\n";
  const own = "{ run: ['{files}/x'], files: [./x] }";
  const rows = [
    [`${memory}subjects: { other: { run: [a] }, server: ${own} }\nsubject: server`, 2],
    [`${memory}subject: ./server.yaml`, 2],
    [`axes:\n  subject: ./server.yaml`, 2],
    [`include:\n  - { subject: ./server.yaml }`, 1],
    [`${memory}subjects: { server: { like: ./server.yaml } }\nsubject: server`, 2],
  ] as const;
  for (const [text, line] of rows) {
    const dir = t.testdir({ 'm.yaml': text, 'server.yaml': server });
    await t.rejects(
      loadMatrix(path.join(dir, 'm.yaml'), { requireFiles: true }),
      {
        code: 'MATRIX_INVALID',
        problems: [{ message: 'a file of the subject `server` is not there', line }],
      },
      text,
    );
  }
});

t.test('a subject file that cannot be read is refused, and a wrong one with its own places', async (t) => {
  const rows = [
    [
      'folder.yaml',
      { code: 'MATRIX_INVALID', problems: [{ message: 'the subject file `./folder.yaml` cannot be read' }] },
    ],
    ['broken.yaml', { code: 'MATRIX_INVALID', file: /broken.yaml$/, problems: [{ code: 'MATRIX_SYNTAX' }] }],
    [
      'twice.yaml',
      { code: 'MATRIX_INVALID', file: /twice.yaml$/, problems: [{ code: 'MATRIX_DUPLICATE_KEY' }] },
    ],
  ] as const;
  for (const [name, found] of rows) {
    const dir = t.testdir({
      'm.yaml': `${memory}subject: ./${name}`,
      'folder.yaml': {},
      'broken.yaml': 'run: [',
      'twice.yaml': 'run: [a]\nrun: [b]',
    });
    await t.rejects(loadMatrix(path.join(dir, 'm.yaml')), found, name);
  }
  await t.rejects(loadMatrix(path.join(t.testdir(), 'none', 'm.yaml')), { code: 'MATRIX_NOT_FOUND' });
});

t.test('a subject without a name has that of its program', (t) => {
  const nameOf = (rest: string): unknown =>
    [...parseMatrix(subject(rest), 'm.yaml').cells()][0]?.settings.subject;
  t.equal(nameOf("run: ['{node}', bin/Server.js]"), 'server');
  t.equal(nameOf('run: [node]'), 'node');
  t.equal(nameOf("run: ['77']"), 'subject');
  t.equal(nameOf('like: node-start'), 'node-start');
  t.end();
});

t.test('a value of another kind names no subject', (t) => {
  const form = { axes: { subject: 7 } };
  t.match(resolveSubjects(form, parseSource('axes: { subject: 7 }'), '.', axes).problems, [
    { message: '`7` is no subject', line: 1 },
  ]);
  t.equal(findShippedSubject('wasm-host', axes), null, 'it is not a subject that is defined');
  t.end();
});

t.test('keys of a map are known by its place', (t) => {
  t.same(keysAt(['cases', 0, 'gone', 0], axes)?.includes('settings'), true);
  t.same(keysAt(['subjects', 'a', 'ready'], axes), ['line', 'port', 'http', 'exit']);
  t.equal(keysAt(['cases', 'x'], axes), null, 'a list has no such part');
  t.equal(keysAt(['nowhere'], axes), null);
  t.same(
    [isInSubject(['subjects']), isInSubject(['subjects', 'a']), isInSubject(['axes'])],
    [false, true, false],
  );
  t.end();
});

t.test('a changed value has the places of the file, also below what it has', (t) => {
  const changed = changeValue(parseSource('a: 1'), { a: 1 }, new WeakMap());
  t.equal(changed.placeOf(['a', 'b', 'c']).column, 4);
  t.end();
});

t.test('a mapping is within its bounds, a pattern is found at its place', (t) => {
  t.equal(isWithin(5, { atLeast: 5, below: null }), true);
  t.equal(isWithin(5, { atLeast: null, below: 5 }), false);
  t.equal(isWithin(4, { atLeast: 5, below: 6 }), false);
  t.same(compilePattern('b+').find('abba'), { start: 1, end: 3 });
  t.equal(compilePattern('c').find('abba'), null);
  t.equal(toExtended('[^a]'), '[^a]');
  t.equal(toExtended('[[:^digit:]]'), null, 'grep has no such class');
  t.end();
});

t.test('a reference replaces what is between the marks, and subjects have a schema', (t) => {
  const text = replaceReference(`a\n${startMark}\nold\n${endMark}\nb`, 'new');
  t.match(text, /^a\n[^]*\nnew\n[^]*\nb$/);
  t.notMatch(text, /old/);
  t.match(JSON.parse(renderSubjectSchema()), {
    title: 'poolproof subject',
    properties: { run: {}, ready: {} },
  });
  t.end();
});
