import { readFile } from 'node:fs/promises';
import path from 'node:path';
import t from 'tap';
import { writeFiles } from './generate.ts';

t.test('what is out of date is written, and only named by a check', async (t) => {
  const root = t.testdir({ 'kept.md': 'same', 'old.md': 'old' });
  const files = { 'kept.md': 'same', 'old.md': 'new', 'added.md': 'new' };
  t.equal(await writeFiles(root, files, true), 1);
  t.equal(await readFile(path.join(root, 'old.md'), 'utf8'), 'old');
  t.equal(await writeFiles(root, files, false), 0);
  t.equal(await readFile(path.join(root, 'added.md'), 'utf8'), 'new');
  t.equal(await writeFiles(root, files, true), 0);
});
