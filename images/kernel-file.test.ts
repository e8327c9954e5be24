import t from 'tap';
import { formatKernelFile, labelKernel, nameKernel, parseKernelFile } from './kernel-file.ts';

t.test('a kernel file is told from the name of a row by a slash, and its text leads back to it', (t) => {
  const rows: readonly (readonly [string, ReturnType<typeof parseKernelFile>])[] = [
    ['bookworm', null],
    ['./bzImage', { label: null, file: './bzImage', modules: null }],
    [
      '/boot/vmlinuz-6.1:/lib/modules/6.1',
      { label: null, file: '/boot/vmlinuz-6.1', modules: '/lib/modules/6.1' },
    ],
    ['mine:../bzImage:./m', { label: 'mine', file: '../bzImage', modules: './m' }],
    ['./bz,Image', null],
    ['./bz Image', null],
    ['a:b', null],
  ];
  for (const [text, kernel] of rows) {
    t.same(parseKernelFile(text), kernel, text);
    if (kernel !== null) t.equal(formatKernelFile(kernel), text);
  }
  t.end();
});

t.test('a file beside the caller gets its slash, and what no cell id can hold is refused', (t) => {
  t.equal(
    formatKernelFile({ label: 'a', file: 'bzImage', modules: 'lib/modules/' }),
    'a:./bzImage:lib/modules',
  );
  t.equal(formatKernelFile({ label: null, file: 'b z', modules: null }), null);
  t.equal(formatKernelFile({ label: 'a/b', file: 'bzImage', modules: null }), null);
  t.end();
});

t.test('reports show the label, or the name of the file', (t) => {
  t.same(['mine:./bzImage', '/boot/vmlinuz-6.1:/m/x', 'bookworm'].map(labelKernel), [
    'mine',
    'vmlinuz-6.1',
    'bookworm',
  ]);
  t.same(['mine:./bzImage', '/boot/vmlinuz-6.1:/m/x', 'bookworm'].map(nameKernel), [
    './mine',
    './vmlinuz-6.1',
    'bookworm',
  ]);
  t.end();
});
