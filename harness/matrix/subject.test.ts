import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import t from 'tap';
import { project } from '../../images/project.ts';
import { axes } from './axes.ts';
import { parseMatrix } from './load.ts';
import { MatrixErrors } from './problems.ts';
import { findShippedSubject } from './subject-resolve.ts';
import { toExtended } from './subject.ts';

t.test('a pattern of JavaScript becomes one of grep -E, or is refused', (t) => {
  const same = ['listening on', 'a|b', '^x+$', '(one|two){2,3}', '[a-z]*', 'a\\.b', 'a\\(b'];
  for (const pattern of same) t.equal(toExtended(pattern), pattern);
  t.equal(toExtended('port \\d+\\s\\w'), 'port [0-9]+[[:space:]][[:alnum:]_]');
  t.equal(toExtended('[\\d.]+?x'), '[[:digit:].]+x'.replace('[:digit:]', '0-9'));
  t.equal(toExtended('(?:a|b)*?'), '(a|b)*');
  t.equal(toExtended('a\\/b'), 'a/b');
  for (const pattern of ['(?=x)', '(?<name>x)', '\\bword', '(a)\\1', '[\\]]', '\\u0041'])
    t.equal(toExtended(pattern), null, pattern);
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
