import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import t from 'tap';

const check = readFileSync(path.resolve(import.meta.dirname, 'check-coverage'), 'utf8');
const root = path.resolve(import.meta.dirname, '..');
const folders = /^folders='(.+)'$/m.exec(check)?.[1]?.split(' ') ?? [];

// Coverage is only known of files that were loaded: one that no test needs would seem to be whole.
t.test('every file of the folders that are covered whole is loaded, and loads by itself', async (t) => {
  const files = folders
    .flatMap((folder) => globSync(`${folder}/**/*.ts`, { cwd: root }))
    .filter((file) => !file.endsWith('.test.ts'));
  t.ok(files.length > 100, `${files.length} files`);
  for (const file of files)
    await t.resolves(import(pathToFileURL(path.join(root, file)).href) as Promise<unknown>, file);
});
