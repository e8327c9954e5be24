import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { readCommit } from './commit.ts';

t.test(
  'the commit is that of the checkout, with a mark where files differ; without one that of the build',
  async (t) => {
    const root = t.testdir({ packed: {}, checkout: { file: 'a' } });
    const [packed, checkout] = [path.join(root, 'packed'), path.join(root, 'checkout')];
    const file = path.join(packed, 'commit.txt');
    t.equal(await readCommit(packed, file), null);
    writeFileSync(file, '0123456789ab\n');
    t.equal(await readCommit(packed, file), '0123456789ab');
    writeFileSync(file, 'no commit\n');
    t.equal(await readCommit(packed, file), null);
    const git = (...words: string[]): string =>
      execFileSync('git', ['-C', checkout, '-c', 'user.name=a', '-c', 'user.email=a@b', ...words], {
        encoding: 'utf8',
      });
    git('init', '--quiet');
    git('add', '.');
    git('commit', '--quiet', '-m', 'x');
    const name = git('rev-parse', 'HEAD').slice(0, 12);
    t.equal(await readCommit(checkout, file), name);
    writeFileSync(path.join(checkout, 'file'), 'b');
    t.equal(await readCommit(checkout, file), `${name}+`);
  },
);
