import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import t from 'tap';
import { project } from '../../images/paths.ts';
import { axes } from '../axes/table.ts';
import { parseMatrix } from './load.ts';
import { compilePattern } from './pattern.ts';
import { MatrixErrors } from './diagnostics.ts';
import { findShippedSubject } from './subject-resolve.ts';
import { toExtended } from './subject.ts';

const hasGrep = spawnSync('grep', ['--version']).status === 0;

t.test('a pattern of RE2 becomes one of grep -E, or is refused', (t) => {
  const same = [
    'listening on',
    'a|b',
    '^x+$',
    '(one|two){2,3}',
    '[a-z]*',
    'a\\.b',
    'a\\(b',
    '[]x]',
    '[[:digit:]-]',
  ];
  for (const pattern of same) t.equal(toExtended(pattern), pattern);
  t.equal(toExtended('port \\d+\\s\\w'), 'port [0-9]+[[:space:]][[:alnum:]_]');
  t.equal(toExtended('[\\d.]+?x'), '[[:digit:].]+x'.replace('[:digit:]', '0-9'));
  t.equal(toExtended('(?:a|b)*?'), '(a|b)*');
  t.equal(toExtended('a\\/b'), 'a/b');
  t.equal(toExtended('\\<b\\>'), '<b>', 'to grep, backslashes make ends of words of them');
  t.equal(toExtended('ü+x{2}?'), '(ü)+x{2}', 'grep goes by bytes');
  for (const pattern of [
    '(?=x)',
    '(?<name>x)',
    '\\bword',
    '(a)\\1',
    '[\\]]',
    '\\x41',
    'a{,3}',
    '{',
    '[ü]',
    '[[=a=]]',
    '(?i)a',
  ])
    t.equal(toExtended(pattern), null, pattern);
  t.end();
});

t.test(
  'a line that grep finds in the guest is a line that fits here',
  { skip: !hasGrep && 'no grep' },
  (t) => {
    const lines = [
      'listening on :80',
      'a{,3}',
      'üüx',
      '<b>',
      'x]',
      'a\tb',
      'version 1.22.3',
      '[=a=]',
      '',
      'aaa',
    ];
    const patterns = [
      '^a+$',
      'on :\\d+$',
      '\\<b\\>',
      'ü{2}x',
      '[]]',
      'a\\sb',
      '[[:digit:].]{4,}',
      '^$|\\{',
      '(?:a|b)+?\\s',
    ];
    for (const pattern of patterns) {
      const extended = toExtended(pattern) ?? t.fail(pattern);
      const grep = (line: string): boolean =>
        spawnSync('grep', ['-qE', '-e', String(extended)], { input: `${line}\n`, env: { LC_ALL: 'C' } })
          .status === 0;
      t.strictSame(
        lines.filter(grep),
        lines.filter((line) => compilePattern(pattern).test(line)),
        pattern,
      );
    }
    t.end();
  },
);

t.test('a server is up by what it answers; where a part is missing, it has its default', (t) => {
  const readyOf = (ready: string) =>
    [
      ...parseMatrix(
        `subject: { name: s, run: [x], ready: ${ready} }\naxes: { memory: 1G }`,
        'm.yaml',
      ).cells(),
    ][0]?.subject?.ready;
  t.strictSame(readyOf('{ http: { port: 80 } }'), {
    kind: 'http',
    port: 80,
    path: '/',
    status: 200,
    body: null,
    answers: 10,
  });
  t.match(readyOf("{ http: { port: 80, path: '/x?y', status: 404, body: ok, answers: 1 } }"), {
    path: '/x?y',
    status: 404,
    body: 'ok',
    answers: 1,
  });
  const table: readonly (readonly [ready: string, message: RegExp])[] = [
    ['{ http: 80 }', /a map with `port`, and `path`/],
    ['{ http: { path: / } }', /`port` is missing/],
    ['{ http: { port: 80, path: x } }', /a path such as \/index\.html/],
    ["{ http: { port: 80, path: '/a b' } }", /it begins with \/ and has no blanks/],
    ['{ http: { port: 80, status: 99 } }', /a status of HTTP from 200 to 599/],
    ['{ http: { port: 80 }, port: 80 }', /one of `line`, `port`, `http` and `exit`/],
    ['{ http: { port: 80, stauts: 200 } }', /status/],
  ];
  for (const [ready, message] of table) t.throws(() => readyOf(ready), { message }, ready);
  t.end();
});

t.test('a pattern that could not be matched in linear time is refused where it stands', (t) => {
  const table: readonly (readonly [pattern: string, message: RegExp, hint: RegExp])[] = [
    ['^(?!x)y', /look-ahead and look-behind are not possible/, /two patterns as a list/],
    ['(?<=x)y', /look-ahead and look-behind are not possible/, /two patterns as a list/],
    ['(a)\\1', /a reference to a group is not possible/, /write the text out/],
    ['\\u0041', /\\u is not possible/, /\\x\{/],
    ['(a', /missing closing/, /as RE2 has them/],
    ['(?:abc){500}', /too large: \d+ steps, 1000 at most/, /repeat less/],
  ];
  for (const [pattern, message, hint] of table) {
    const quoted = `'${pattern}'`;
    const places = {
      tiers: [
        `subject:\n  run: [x]\n  tiers:\n    standard: ${quoted}\naxes: { memory: 1G }`,
        'm.yaml:4:15:',
      ],
      ready: [`subject:\n  run: [x]\n  ready: { line: ${quoted} }\naxes: { memory: 1G }`, 'm.yaml:3:18:'],
      expect: [`axes: { memory: 1G }\nexpect:\n  - outcome: crashed\n    error: ${quoted}`, 'm.yaml:4:12:'],
    } as const;
    for (const [key, [text, place]] of Object.entries(places)) {
      try {
        parseMatrix(text, 'm.yaml');
        t.fail(`${key}: ${pattern} was accepted`);
      } catch (error) {
        if (!(error instanceof MatrixErrors)) throw error;
        t.match(error.message, message, `${key}: ${pattern}`);
        t.match(error.message, hint);
        t.ok(error.message.includes(place), error.message);
      }
    }
  }
  t.end();
});

t.test('all patterns of a subject together are bounded too', (t) => {
  const words = Array.from({ length: 8 }, (_, at) => `word-${at}: 'x{900}${at}'`).join(', ');
  t.throws(() => parseMatrix(`subject: { run: [x], tiers: { ${words} } }\naxes: { memory: 1G }`, 'm.yaml'), {
    code: 'MATRIX_INVALID',
    message: /fewer or shorter patterns/,
  });
  t.end();
});

t.test('a subject is named, written out, in a file of its own, or like another one', (t) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'poolproof-subject-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  writeFileSync(path.join(folder, 'own.yaml'), 'run: [own]\nfiles: [own.js]\n');
  const text = `
subjects:
  base: { run: ['{node}', a.js], files: { a.js: a.js }, tiers: { standard: up } }
  other: { like: base, ready: { port: 3000 }, files: { b.js: sub/b.js }, timeout: 2m }
axes:
  memory: [1G]
  subject: [base, other, ./own.yaml, { run: [deno, serve.ts], name: inline }, node-start, wasm-host]
`;
  const matrix = parseMatrix(text, path.join(folder, 'matrix.yaml'));
  const cells = [...matrix.cells()];
  t.equal(matrix.size, 6);
  t.strictSame(
    cells.map(({ id }) => /subject=(.*)/.exec(id)?.[1]),
    ['base', 'other', 'own', 'inline', 'node-start', undefined],
    'the name is part of the id, and the wasm host needs none',
  );
  t.equal(cells[5]?.subject, undefined);
  t.strictSame(cells[1]?.subject, {
    name: 'other',
    title: null,
    files: [
      { to: 'a.js', from: path.join(folder, 'a.js') },
      { to: 'b.js', from: path.join(folder, 'sub/b.js') },
    ],
    run: ['{node}', 'a.js'],
    ready: { kind: 'port', port: 3000 },
    words: [{ word: 'standard', patterns: ['up'] }],
    timeoutMs: 120_000,
  });
  t.strictSame(cells[2]?.subject?.files, [{ to: 'own.js', from: path.join(folder, 'own.js') }]);
  t.end();
});

t.test('one subject for all cells, and one for a row', (t) => {
  const text = `
subject: { run: [serve], name: mine }
axes: { memory: [1G, 2G] }
include: [{ memory: 3G }, { memory: 4G, subject: wasm-host }]
expect: [{ where: { subject: mine }, outcome: reached, error: up }]
`;
  const cells = [...parseMatrix(text, 'x.yaml').cells()];
  t.strictSame(
    cells.map(({ subject }) => subject?.name ?? null),
    ['mine', 'mine', 'mine', null],
  );
  t.match(cells[0]?.expectation, { outcome: 'reached', error: 'up' });
  t.equal(cells[3]?.expectation, null);
  t.end();
});

t.test('what is wrong in a file of a subject is told with the places of that file', (t) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'poolproof-subject-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'bad.yaml');
  writeFileSync(file, 'run: [x]\nredy: { exit: 0 }\n');
  try {
    parseMatrix('subject: ./bad.yaml\naxes: {memory: 1G}', path.join(folder, 'm.yaml'));
    t.fail('it was accepted');
  } catch (error) {
    if (!(error instanceof MatrixErrors)) throw error;
    t.match(error.render(), /bad\.yaml:2:1: unknown key `redy`; did you mean `ready`\?/);
  }
  t.end();
});

t.test('every subject that comes along can be named alone', (t) => {
  const names = readdirSync(project.subjectsFolder).flatMap((file) => /^(.*)\.yaml$/.exec(file)?.[1] ?? []);
  t.ok(names.length > 5);
  for (const name of names) t.equal(findShippedSubject(name, axes)?.name, name);
  t.equal(findShippedSubject('no-such-subject', axes), null);
  t.end();
});

t.test('a tier may be the size of the largest mapping', (t) => {
  const wordsOf = (tiers: string, ready = '{ port: 80 }') => {
    const text = `subject: { run: [x], ready: ${ready}, tiers: ${tiers} }\naxes: { memory: 1G }`;
    return [...parseMatrix(text, 'm.yaml').cells()][0]?.subject?.words;
  };
  const GiB = 2 ** 30;
  t.strictSame(
    wordsOf(
      "{ standard: [up, { mapped: '>= 3.5T' }], conservative: { mapped: ['>= 64G', '< 3.5T'] }, on-demand: { mapped: '<64G' } }",
    ),
    [
      { word: 'standard', patterns: ['up'], mapped: [{ atLeast: 3584 * GiB, below: null }] },
      { word: 'conservative', patterns: [], mapped: [{ atLeast: 64 * GiB, below: 3584 * GiB }] },
      { word: 'on-demand', patterns: [], mapped: [{ atLeast: null, below: 64 * GiB }] },
    ],
  );
  const refused: readonly (readonly [tiers: string, message: RegExp, ready?: string])[] = [
    ["{ standard: { mapped: '> 3T' } }", /bound such as ">= 3.9T"/],
    ["{ standard: { mapped: '>= 3' } }", /bound such as/],
    ["{ standard: { mapped: ['>= 4T', '< 3T'] } }", /bounds that some size is within/],
    ["{ standard: { mapped: ['>= 4T'] } }", /standard/],
    ["{ mapping: { mapped: '>= 4T' } }", /sign of a tier, not of a failure/],
    ["{ standard: { mapped: '>= 4T' } }", /a mapping is seen while the program runs/, '{ exit: 0 }'],
  ];
  for (const [tiers, message, ready] of refused) t.throws(() => wordsOf(tiers, ready), { message }, tiers);
  t.end();
});

t.test('a subject has files of its own on another architecture', (t) => {
  const [a, b] = ['a', 'b'].map((digit) => digit.repeat(64));
  const matrixOf = (file: string, pin: string): string => `
subjects:
  server:
    version: 2.0.1
    pins: { 2.0.1: { says: server 2.0.0, sha256: ${pin} } }
    files: { server: ${file}, own.txt: own.txt }
    run: ['{files}/server']
axes: { arch: [x86-64, arm64], memory: 1G, subject: server }
`;
  const filesOf = (file: string, pin: string) =>
    [...parseMatrix(matrixOf(file, pin), '/m/m.yaml').cells()].map(({ subject }) => [
      subject?.files[0],
      subject?.program?.sha256,
    ]);
  const wheel = 'pip:server@2.0.1/server';
  t.strictSame(filesOf("'pip:server@{version}/server'", `{ x86-64: ${a}, arm64: ${b} }`), [
    [{ to: 'server', from: wheel, sha256: a }, a],
    [{ to: 'server', from: wheel, sha256: b, architecture: 'arm64' }, b],
  ]);
  t.strictSame(filesOf("'pip:server@{version}/server'", `${a}`), [
    [{ to: 'server', from: wheel, sha256: a }, a],
    [{ to: 'server', from: wheel, sha256: a }, a],
  ]);
  t.strictSame(filesOf("{ x86-64: 'npm:s-x64@{version}/s', arm64: 'npm:s-arm@{version}/s' }", `${a}`), [
    [{ to: 'server', from: 'npm:s-x64@2.0.1/s', sha256: a }, a],
    [{ to: 'server', from: 'npm:s-x64@2.0.1/s', sha256: a }, a],
  ]);
  t.strictSame(filesOf("{ x86-64: 'npm:s-x64@2/s', arm64: 'npm:s-arm@2/s' }", `${a}`), [
    [{ to: 'server', from: 'npm:s-x64@2/s' }, undefined],
    [{ to: 'server', from: 'npm:s-arm@2/s', architecture: 'arm64' }, undefined],
  ]);
  t.strictSame(filesOf('{ x86-64: bin/x64, arm64: bin/arm }', `${a}`), [
    [{ to: 'server', from: '/m/bin/x64' }, undefined],
    [{ to: 'server', from: '/m/bin/arm', architecture: 'arm64' }, undefined],
  ]);
  t.throws(() => filesOf('{ arm64: bin/arm }', `${a}`), { message: /with x86-64 among them/ });
  t.throws(() => filesOf('server', `{ arm64: ${b} }`), { message: /with x86-64 among them/ });
  t.end();
});

t.test('a subject has versions: its own, or the one behind its name', (t) => {
  const [a, b] = ['a', 'b'].map((digit) => digit.repeat(64));
  const text = `
subjects:
  server:
    version: 2.0.1
    pins: { 2.0.1: { says: server 2.0.0, sha256: ${a} }, 1.9.0: { says: server 1.9.0, sha256: ${b} } }
    files: { server: 'pip:server@{version}/bin/server', own.txt: own.txt }
    run: ['{files}/server']
  local: { like: server, files: { server: /usr/bin/server } }
axes: { memory: 1G, subject: [server, server@1.9.0, server@1.0.0, local] }
`;
  const subjects = [...parseMatrix(text, '/m/m.yaml').cells()].map(({ subject }) => subject);
  t.strictSame(
    subjects.map((subject) => [subject?.name, subject?.files[0], subject?.program]),
    [
      [
        'server',
        { to: 'server', from: 'pip:server@2.0.1/bin/server', sha256: a },
        { version: '2.0.1', says: 'server 2.0.0', sha256: a },
      ],
      [
        'server@1.9.0',
        { to: 'server', from: 'pip:server@1.9.0/bin/server', sha256: b },
        { version: '1.9.0', says: 'server 1.9.0', sha256: b },
      ],
      ['server@1.0.0', { to: 'server', from: 'pip:server@1.0.0/bin/server' }, undefined],
      ['local', { to: 'server', from: '/usr/bin/server' }, undefined],
    ],
    'what is not pinned is not checked, and a program of one’s own is none of them',
  );
  t.strictSame(subjects[0]?.files[1], { to: 'own.txt', from: '/m/own.txt' });
  const refused: readonly (readonly [subject: string, message: RegExp])[] = [
    ['node-start@22.1.0', /`node-start` has no versions/],
    ['nothing@1.0.0', /there is no subject `nothing`/],
    ["{ run: [x], files: { x: 'pip:x@{version}/x' } }", /name \{version\}, and it has none/],
  ];
  for (const [subject, message] of refused)
    t.throws(() => parseMatrix(`axes: { memory: 1G, subject: ${subject} }`, 'm.yaml'), { message }, subject);
  t.end();
});
