import { readdir, readFile } from 'node:fs/promises';
import t from 'tap';

const folder = new URL('../.github/workflows/', import.meta.url);

t.test('every action is pinned by commit, with the version beside it', async (t) => {
  for (const name of await readdir(folder)) {
    const lines = (await readFile(new URL(name, folder), 'utf8')).split('\n');
    const uses = lines.filter((line) => /^\s*(?:- )?uses:/.test(line));
    t.ok(uses.length > 0, name);
    for (const line of uses) t.match(line, /uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  }
});

t.test('a push and a pull request run what the continuous integration runs', async (t) => {
  const text = await readFile(new URL('check.yml', folder), 'utf8');
  t.match(text, /^on:\n {2}push:[^]*\n {2}pull_request:/m);
  t.match(text, /^ +- run: \.\/\.ci\/run$/m);
});
