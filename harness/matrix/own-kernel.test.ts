import t from 'tap';
import { parseMatrix } from './load.ts';
import { withKernel } from './with-kernel.ts';

const kernelsOf = (text: string, file = 'm.yaml'): readonly string[] =>
  [...parseMatrix(text, file).cells()].map(({ settings }) => settings.kernel);

t.test(
  'a kernel file stands beside rows, with its modules and a label, from the folder of the matrix',
  (t) => {
    const text = `axes:
  memory: [512M]
  kernel: [bookworm, {file: bzImage, modules: lib/modules, label: mine}, {file: ../k/bzImage}, ./bzImage]
`;
    t.same(kernelsOf(text), ['bookworm', 'mine:./bzImage:lib/modules', '../k/bzImage', './bzImage']);
    t.same(kernelsOf(text, 'a/b/m.yaml').slice(1, 3), ['mine:a/b/bzImage:a/b/lib/modules', 'a/k/bzImage']);
    t.same(kernelsOf('axes: {memory: [512M], kernel: {file: /boot/vmlinuz, modules: null}}'), [
      '/boot/vmlinuz',
    ]);
    t.end();
  },
);

t.test('a kernel file that no cell id can hold is refused with its place', (t) => {
  for (const kernel of ["{file: 'a b'}", '{file: x, label: a/b}', '{modules: x}', 'nope'])
    t.throws(
      () => parseMatrix(`axes: {memory: [512M], kernel: ${kernel}}`, 'm.yaml'),
      { code: 'MATRIX_INVALID' },
      kernel,
    );
  t.end();
});

t.test('--kernel gives every cell one kernel, and no matrix two', (t) => {
  const matrix = withKernel(parseMatrix('axes: {memory: [512M, 1G]}', 'm.yaml'), './bzImage');
  t.match(
    [...matrix.cells()].map(({ id }) => id),
    [/^memory=512M,.*kernel=\.\/bzImage$/, /^memory=1G,.*kernel=\.\/bzImage$/],
  );
  const plain = parseMatrix('axes: {memory: [512M]}', 'm.yaml');
  t.equal(withKernel(plain, null), plain, 'nothing changes without the option');
  const varied = parseMatrix('axes: {memory: [512M], kernel: [bookworm, trixie]}', 'm.yaml');
  t.throws(() => withKernel(varied, './bzImage'), { code: 'USAGE' });
  t.end();
});
