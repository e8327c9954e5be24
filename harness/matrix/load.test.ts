import { readFileSync } from 'node:fs';
import { chmod, mkdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { PoolproofError } from '../errors.ts';
import { defineAxes } from '../axes/table.ts';
import { loadMatrix, parseMatrix } from './load.ts';
import type { LoadOptions } from './load.ts';
import { MatrixErrors, printable, quote } from './diagnostics.ts';
import { parseSource } from './source.ts';

const fixtures = join(import.meta.dirname, '../fixtures/matrix');

function problemsOf(text: string, options?: LoadOptions): MatrixErrors {
  try {
    parseMatrix(text, 'm.yaml', options);
  } catch (error) {
    if (error instanceof MatrixErrors) return error;
    throw error;
  }
  throw new Error('the matrix was accepted');
}

/** `CODE line:column` of each problem. */
const placesOf = (text: string): string[] =>
  problemsOf(text).problems.map(({ code, line, column }) => `${code} ${line}:${column}`);

for (const name of [
  'bad-values',
  'rules',
  'measure',
  'measure-rules',
  'syntax',
  'tab',
  'duplicate-key',
  'subjects',
  'cases',
  'case-cells',
  'shared-cell',
]) {
  t.test(`${name}.yaml is answered with the stored text`, (t) => {
    const text = readFileSync(join(fixtures, `${name}.yaml`), 'utf8');
    const expected = readFileSync(join(fixtures, `${name}.txt`), 'utf8');
    let error: unknown = null;
    try {
      parseMatrix(text, `${name}.yaml`);
    } catch (thrown) {
      error = thrown;
    }
    if (!(error instanceof MatrixErrors)) throw new Error('the matrix was accepted');
    t.equal(error.code, 'MATRIX_INVALID');
    t.equal(error.render(), error.message);
    t.equal(`${error.render()}\n`, expected);
    t.end();
  });
}

t.test('all problems of a file come together, sorted, with codes and places', (t) => {
  t.same(
    placesOf(
      'axes: {memory: [512], ram: [1G], thp: [always, always]}\nexpct: []\nrepeat: 1.5\ninclude: [{memory: 3G}, {memory: 3G}]\n',
    ),
    [
      'MATRIX_BAD_VALUE 1:17',
      'MATRIX_UNKNOWN_AXIS 1:23',
      'MATRIX_DUPLICATE_CELL 1:48',
      'MATRIX_UNKNOWN_KEY 2:1',
      'MATRIX_BAD_VALUE 3:9',
      'MATRIX_DUPLICATE_CELL 4:25',
    ],
  );
  t.end();
});

t.test('suggestions and hints are fields of their own', (t) => {
  const [problem] = problemsOf('axes: {overcomit: [0]}').problems;
  t.match(problem, { code: 'MATRIX_UNKNOWN_AXIS', suggestion: 'overcommit', length: 9 });
  const [reserved] = problemsOf('axes: {env: [{SPIN_ALLOCATOR: auto}]}').problems;
  t.match(reserved, { message: /use the axis `allocator`/, line: 1, column: 15, length: 14 });
  const [demand] = problemsOf('axes: {memory: 1G}\nexpect: [{where: {memory: 1G}}]').problems;
  t.match(demand, { message: 'the rule demands nothing', hint: 'give one of `tier` and `outcome`' });
  t.end();
});

t.test('unknown engines, nodes and kernels name the known ones', (t) => {
  const table = defineAxes({ kernels: ['a', 'b'], nodes: ['30'], engines: ['60.0.0'] });
  const { problems } = problemsOf('axes: {kernel: c, node: 22, engine: [wasmtime@31.0.0, wasmtme]}', {
    table,
  });
  t.match(problems[0]?.message, /one of a, b/);
  t.match(problems[1]?.message, /one of 30/);
  t.match(problems[1]?.message, /a whole version from 12\.0\.0/);
  t.match(problems[2]?.message, /wasmtime@60\.0\.0.* any version from 32\.0\.0/);
  t.match(problems[3], { suggestion: 'wasmtime' });
  t.end();
});

t.test('an empty file, an empty product and a matrix without cells are refused', (t) => {
  t.same(placesOf(''), ['MATRIX_BAD_VALUE 1:1']);
  t.same(placesOf('# nothing\n'), ['MATRIX_BAD_VALUE 1:1']);
  t.same(placesOf('- 1'), ['MATRIX_BAD_VALUE 1:1']);
  t.same(placesOf('axes:\n'), ['MATRIX_EMPTY 1:1']);
  t.same(placesOf('axes: {}'), ['MATRIX_EMPTY 1:1']);
  t.same(placesOf('axes: {memory: []}'), ['MATRIX_EMPTY 1:16']);
  t.same(placesOf('axes: {memory: 1G}\nexclude: [{memory: 1G}]'), ['MATRIX_EMPTY 2:1']);
  t.end();
});

t.test('too many cells are refused before they are expanded, and the axes that make them are named', (t) => {
  const list = Array.from({ length: 1000 }, (_, index) => `${128 + index}M`).join(',');
  // A thousand million cells would not fit: that this ends at all shows that they were only counted.
  const { problems } = problemsOf(`axes: {memory: [${list}], addressSpace: [${list}], dataLimit: [${list}]}`);
  t.match(problems, [{ code: 'MATRIX_TOO_MANY_CELLS', line: 1, column: 1 }]);
  t.match(problems[0]?.message, '1,000,000,000 cells');
  t.match(problems[0]?.hint, 'memory 1,000 × addressSpace 1,000 × dataLimit 1,000');
  const repeated = problemsOf(`axes: {memory: [${list}], overcommit: [0, 2]}\nrepeat: 51`).problems;
  t.match(repeated, [{ code: 'MATRIX_TOO_MANY_CELLS', hint: /memory 1,000 × overcommit 2, repeat 51/ }]);
  const included = problemsOf(
    `axes: {cpus: [1, 2]}\ninclude: [{memory: [${list}], addressSpace: [${list}]}]`,
  ).problems;
  t.match(included, [{ code: 'MATRIX_TOO_MANY_CELLS', line: 2, column: 11 }]);
  const hundred = Array.from({ length: 100 }, (_, index) => index + 64).join(',');
  t.equal(parseMatrix(`axes: {memory: [${list}], maxMapCount: [${hundred}]}`, 'm').size, 100_000);
  t.end();
});

t.test('hostile texts are answered within a second each', (t) => {
  const big = 2 ** 20;
  const texts: Record<string, [text: string, code: string]> = {
    'a long flow list': [`a: [${'1,'.repeat(big / 2)}]`, 'MATRIX_TOO_LARGE'],
    'many keys': [
      Array.from({ length: 100_000 }, (_, index) => `k${index}: 1`).join('\n'),
      'MATRIX_TOO_LARGE',
    ],
    'many different keys below the limit': [
      Array.from({ length: 8000 }, (_, index) => `k${index}: 1`).join('\n'),
      'MATRIX_UNKNOWN_KEY',
    ],
    'closing brackets': [']'.repeat(50_000), 'MATRIX_SYNTAX'],
    'opening brackets': ['['.repeat(50_000), 'MATRIX_SYNTAX'],
    'nested dashes': ['- '.repeat(25_000), 'MATRIX_SYNTAX'],
    'one long line of bad values': [
      `axes: {memory: [${`${'x'.repeat(40)},`.repeat(15_000)}]}`,
      'MATRIX_BAD_VALUE',
    ],
    'one long text': [`title: '${'x'.repeat(big - 10)}'`, 'MATRIX_BAD_VALUE'],
    'NUL bytes': ['\0'.repeat(big), 'MATRIX_BAD_VALUE'],
    'an alias bomb': [
      `a: &a [x,x,x,x,x,x,x,x,x]\n${Array.from('bcdefgh')
        .map((c, index) => `${c}: &${c} [${`*${'abcdefg'[index] ?? ''},`.repeat(9)}]`)
        .join('\n')}\naxes: {memory: *h}`,
      'MATRIX_SYNTAX',
    ],
    'few aliases of a long list': [
      `axes: {memory: &m [${Array.from({ length: 5000 }, (_, index) => `${index + 128}M`).join(',')}]}\nexclude: [${'{memory: *m},'.repeat(99)}]`,
      'MATRIX_SYNTAX',
    ],
    'an alias of itself': ['axes: &a {memory: *a}', 'MATRIX_SYNTAX'],
    'too many rules': [
      `axes: {memory: 1G}\nexclude:\n${'- {memory: 1G}\n'.repeat(1001)}`,
      'MATRIX_TOO_LARGE',
    ],
    'too many expect rules': [
      `axes: {memory: 1G}\nexpect:\n${'- {tier: standard}\n'.repeat(1001)}`,
      'MATRIX_TOO_LARGE',
    ],
  };
  for (const [name, [text, code]] of Object.entries(texts)) {
    const cpu = process.cpuUsage();
    const { problems } = problemsOf(text);
    const { user } = process.cpuUsage(cpu);
    t.ok(
      problems.some((problem) => problem.code === code),
      `${name}: ${code}`,
    );
    t.ok(problems.length <= 1000);
    // CPU and not wall time: the machine that runs the tests may be busy.
    t.ok(user < 1_500_000, `${name}: ${Math.round(user / 1000)} ms`);
  }
  t.end();
});

t.test('YAML that a matrix has no use for is refused with a place', (t) => {
  t.match(problemsOf('axes: {memory: 1G}\n---\na: 1').problems, [
    { code: 'MATRIX_SYNTAX', message: /second YAML document/, line: 2 },
  ]);
  t.match(problemsOf('axes: !!foo {memory: 1G}').problems, [
    { code: 'MATRIX_SYNTAX', message: 'a tag; a matrix has none' },
  ]);
  t.match(problemsOf('axes: {memory: *no}').problems, [
    { code: 'MATRIX_SYNTAX', message: /names no anchor/ },
  ]);
  t.match(problemsOf('? [a]\n: 1').problems[0], { code: 'MATRIX_SYNTAX', message: 'a key is a plain word' });
  t.match(problemsOf('axes: {__proto__: 1, memory: 1G}').problems, [
    { message: 'a key is a plain word', column: 8 },
  ]);
  t.match(problemsOf('<<: {a: 1}\naxes: {memory: 1G}').problems, [{ code: 'MATRIX_UNKNOWN_KEY' }]);
  t.match(problemsOf('axes: {memory: 1G}\nnull: 1').problems, [{ code: 'MATRIX_UNKNOWN_KEY', line: 2 }]);
  t.equal(parseMatrix('\ufeffaxes: {memory: 1G}', 'm').size, 1, 'a byte order mark does no harm');
  t.equal(parseMatrix('axes: {memory: 1G}\r\nrepeat: 2\r\n', 'm').size, 2);
  t.end();
});

t.test('aliases are followed, and an error behind one is shown where it is written', (t) => {
  const matrix = parseMatrix(
    'axes: {memory: &m [1G, 2G], overcommit: [0, 2]}\nexclude: [{memory: *m, overcommit: 0}]',
    'm',
  );
  t.equal(matrix.size, 2);
  t.match(problemsOf('axes: {memory: [&m 1X], addressSpace: [*m]}').problems, [
    { line: 1, column: 20 },
    { line: 1, column: 20 },
  ]);
  t.end();
});

t.test('values of variables keep the text of the file', (t) => {
  const matrix = parseMatrix('axes: {env: [{A: 1.10, B: 010, C: true, D: &x "q"}, {A: *x}, {}]}', 'm');
  const [first, second, third] = [...matrix.cells()];
  t.same(first?.settings.env, { A: '1.10', B: '010', C: 'true', D: 'q' });
  t.same(second?.settings.env, { A: 'q' });
  t.same(third?.settings.env, {});
  t.same(matrix.axes, [{ name: 'env', values: ['env.A=1.10,env.B=010,env.C=true,env.D=q', 'env.A=q', ''] }]);
  t.match(problemsOf('axes: {env: {A: [1]}}').problems, [{ message: /value of `A` is not a text/ }]);
  t.match(problemsOf('axes: {env: {A: }}').problems, [{ hint: /''/ }]);
  t.match(problemsOf('axes: {env: 5}').problems, [{ message: /map of variables/ }]);
  t.end();
});

t.test('a single value may stand without a list, and empty lists of rules may be left empty', (t) => {
  const matrix = parseMatrix(
    'axes: {memory: 1G, addressSpace: }\nexclude:\ninclude:\nexpect:\n',
    'folder/my.yaml',
  );
  t.equal(matrix.size, 1);
  t.equal(matrix.title, 'my.yaml', 'the file names a matrix without title');
  t.equal(matrix.file, 'folder/my.yaml');
  t.same(matrix.axes, [
    { name: 'memory', values: [2 ** 30] },
    { name: 'addressSpace', values: [null] },
  ]);
  t.end();
});

t.test('text of a file cannot reach a terminal as control characters', (t) => {
  t.equal(printable('a\u001b[31m\u202eb\tc\u2028\ud800'), 'a·[31m·b c··');
  t.equal(quote('x'.repeat(50)), `\`${'x'.repeat(39)}…\``);
  t.equal(quote(null), '`null`');
  t.equal(quote(undefined), '`undefined`');
  const text = problemsOf(`axes: {"\u001b[31mmem": 1, memory: [1G, "\u001b]0;x"]}`).render();
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  t.notMatch(text, /[\u0000-\u0009\u000b-\u001f]/);
  t.end();
});

t.test('more problems than anybody reads are counted', (t) => {
  const { problems, message } = problemsOf(`axes: {memory: [${'x,'.repeat(500)}]}`);
  t.equal(problems.length, 200);
  t.match(message, /200 problems in m\.yaml \(100 more not shown\)$/);
  t.end();
});

t.test('columns count characters, carets count the columns of a terminal', (t) => {
  const error = problemsOf('axes: {thp: ["日本", "😀", é́x]}');
  t.same(
    error.problems.map(({ column, length }) => [column, length]),
    [
      [14, 4],
      [20, 3],
      [25, 3],
    ],
  );
  t.match(error.render(), '    |              ^^^^^^\n');
  t.end();
});

t.test('loadMatrix reads a file, and says why it cannot', async (t) => {
  const folder = t.testdir({
    'good.yaml': 'title: T\naxes: {memory: 1G}\n',
    'binary.yaml': Buffer.from([0xff, 0xfe, 0x00]),
  });
  const matrix = await loadMatrix(join(folder, 'good.yaml'));
  t.equal(matrix.title, 'T');
  t.equal(matrix.text, 'title: T\naxes: {memory: 1G}\n');
  const failsWith = async (path: string, code: string, message: RegExp): Promise<void> => {
    const error: unknown = await loadMatrix(path).catch((thrown: unknown) => thrown);
    if (!(error instanceof PoolproofError)) throw new Error('the matrix was accepted');
    t.equal(error.code, code);
    t.match(error.message, message);
    t.equal(error.details.file, path);
  };
  await failsWith(join(folder, 'none.yaml'), 'MATRIX_NOT_FOUND', /no such file/);
  await t.rejects(loadMatrix(join(folder, 'godo.yaml')), {
    code: 'MATRIX_NOT_FOUND',
    details: { hint: `did you mean ${join(folder, 'good.yaml')}?` },
  });
  await t.rejects(loadMatrix('limts'), {
    code: 'MATRIX_NOT_FOUND',
    details: { hint: 'did you mean limits?' },
  });
  await failsWith(folder, 'MATRIX_NOT_FOUND', /folder/);
  await failsWith(join(folder, 'good.yaml/x'), 'MATRIX_NOT_FOUND', /ENOTDIR/);
  await failsWith(join(folder, 'binary.yaml'), 'MATRIX_SYNTAX', /UTF-8/);
  await failsWith('/dev/zero', 'MATRIX_TOO_LARGE', /more than 1 MiB/);
  await writeFile(join(folder, 'large.yaml'), '');
  await truncate(join(folder, 'large.yaml'), 100 * 2 ** 20);
  // By its size: what is counted while it is read says "more than 1 MiB".
  await failsWith(join(folder, 'large.yaml'), 'MATRIX_TOO_LARGE', /100 MiB/);
  await mkdir(join(folder, 'closed'));
  await writeFile(join(folder, 'closed/m.yaml'), '');
  await chmod(join(folder, 'closed/m.yaml'), 0);
  if (process.getuid?.() !== 0)
    await failsWith(join(folder, 'closed/m.yaml'), 'MATRIX_NOT_FOUND', /not allowed/);
});

t.test('the place of a path that is not there is that of its parent', (t) => {
  const source = parseSource('a: {b: [1, 2]}');
  t.same(source.placeOf(['a', 'b', 1]), { line: 1, column: 12, length: 1 });
  t.same(source.placeOf(['a', 'b', 7]), { line: 1, column: 8, length: 6 });
  t.same(source.placeOf(['a', 'x', 'y']), { line: 1, column: 4, length: 11 });
  t.same(source.placeOf(['a', 'b'], 'key'), { line: 1, column: 5, length: 1 });
  t.same(parseSource('[').placeOf(['a']), { line: 1, column: 1, length: 1 });
  t.end();
});

t.test('axes may have their former names, and problems stay where they are in the file', (t) => {
  const matrix = parseMatrix(
    'axes: {memory: 1G, overcommitKbytes: [300M, 600M]}\nexpect: [{where: {overcommitKbytes: 300M}, tier: on-demand}]',
    'm',
  );
  const cells = [...matrix.cells()];
  t.same(
    cells.map(({ settings }) => settings.overcommitBytes),
    [300 * 2 ** 20, 600 * 2 ** 20],
  );
  t.match(cells[0], { id: /,overcommitBytes=300M$/, expectation: { tier: 'on-demand' } });
  const wrong = problemsOf('axes:\n  memory: 1G\n  overcommitKbytes: [1G, 5]').problems;
  t.match(wrong, [{ line: 3, column: 26, message: /`5` is not a value of `overcommitBytes`/ }]);
  const both = problemsOf('axes: {overcommitKbytes: 1G, overcommitBytes: 2G}').problems;
  t.match(both, [{ code: 'MATRIX_UNKNOWN_AXIS', suggestion: 'overcommitBytes', column: 8 }]);
  const variable = parseMatrix('axes: {env: {overcommitKbytes: x}}', 'm');
  t.same([...variable.cells()][0]?.settings.env, { overcommitKbytes: 'x' });
  t.end();
});
