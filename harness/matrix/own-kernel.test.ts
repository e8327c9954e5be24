import t from 'tap';
import { parseMatrix } from './load.ts';
import { withKernel } from './with-kernel.ts';

const kernelsOf = (text: string, file = 'm.yaml'): readonly string[] =>
  [...parseMatrix(text, file).cells()].map(({ settings }) => settings.kernel);

const filesOf = (text: string, file = 'm.yaml'): readonly (string | undefined)[] =>
  [...parseMatrix(text, file).cells()].map(({ kernelFile }) => kernelFile);

t.test(
  'a kernel file stands beside rows, with its modules and a label, from the folder of the matrix',
  (t) => {
    const text = `axes:
  memory: [512M]
  kernel: [bookworm, {file: bzImage, modules: lib/modules, label: mine}, {file: ../k/other}, ./bzImage]
`;
    t.same(filesOf(text), [undefined, 'mine:./bzImage:lib/modules', '../k/other', './bzImage']);
    t.same(filesOf(text, 'a/b/m.yaml').slice(1, 3), ['mine:a/b/bzImage:a/b/lib/modules', 'a/k/other']);
    t.same(filesOf('axes: {memory: [512M], kernel: {file: /boot/vmlinuz, modules: null}}'), [
      '/boot/vmlinuz',
    ]);
    t.end();
  },
);

t.test('cells name a kernel file without its place, in rules as well', (t) => {
  const text = `axes:
  memory: [512M]
  kernel: [bookworm, {file: /home/me/bzImage, label: mine}, /home/me/vmlinuz-6.6]
expect:
  - where: {kernel: /home/me/vmlinuz-6.6}
    tier: conservative
`;
  const matrix = parseMatrix(text, 'm.yaml');
  const names = ['bookworm', './mine', './vmlinuz-6.6'];
  t.same(kernelsOf(text), names);
  t.same(matrix.axes.find(({ name }) => name === 'kernel')?.values, names);
  const cells = [...matrix.cells()];
  t.notMatch(
    cells.map(({ kernelFile: _place, ...cell }) => JSON.stringify(cell)).join(),
    /home/,
    'no place of this computer is left',
  );
  t.equal(cells[2]?.expectation?.tier, 'conservative');
  t.end();
});

t.test('two kernel files of one name are refused with the place of the second', (t) => {
  const text = 'axes: {memory: [512M], kernel: [{file: a/bzImage}, {file: b/bzImage}]}';
  t.throws(() => parseMatrix(text, 'm.yaml'), {
    code: 'MATRIX_INVALID',
    message: /^m\.yaml:1:52: two kernel files are called bzImage\n[^]*= give each a `label`/,
  });
  t.end();
});

t.test('a kernel file that no cell id can hold is refused with its place', (t) => {
  for (const kernel of ["{file: 'a b'}", '{file: x, label: a/b}', '{modules: x}', 'nope'])
    t.throws(
      () => parseMatrix(`axes: {memory: [512M], kernel: ${kernel}}`, 'm.yaml'),
      { code: 'MATRIX_INVALID' },
      kernel,
    );
  t.throws(() => parseMatrix('axes: {kernel: {file: x, label: a/b}}', 'm.yaml'), {
    message: /a\/b.* is not a value of `kernel`: a kernel file has .* and no \/ in `label`$/m,
  });
  t.end();
});

t.test('--kernel gives every cell one kernel, and no matrix two', (t) => {
  const matrix = withKernel(parseMatrix('axes: {memory: [512M, 1G]}', 'm.yaml'), '/boot/bzImage:/lib/m');
  t.match(
    [...matrix.cells()].map(({ id }) => id),
    [/^memory=512M,.*kernel=\.\/bzImage$/, /^memory=1G,.*kernel=\.\/bzImage$/],
  );
  t.same([...new Set([...matrix.cells()].map(({ kernelFile }) => kernelFile))], ['/boot/bzImage:/lib/m']);
  const plain = parseMatrix('axes: {memory: [512M]}', 'm.yaml');
  t.equal(withKernel(plain, null), plain, 'nothing changes without the option');
  const varied = parseMatrix('axes: {memory: [512M], kernel: [bookworm, trixie]}', 'm.yaml');
  t.throws(() => withKernel(varied, './bzImage'), { code: 'USAGE' });
  t.end();
});
