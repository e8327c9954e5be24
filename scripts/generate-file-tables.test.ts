import t from 'tap';
import { readWords, replaceTable } from './generate-file-tables.ts';

t.test('the words of a file are the first sentence of the comment at its head', (t) => {
  t.equal(readWords('a.ts', "/** Reads v1.2 of a file. Not more. */\nimport 'x';\n"), 'Reads v1.2 of a file');
  t.equal(
    readWords('a.ts', '#!/usr/bin/env node\n/**\n * Over\n * two lines.\n *\n * More.\n */\n'),
    'Over two lines',
  );
  t.equal(readWords('a.ts', "import 'x';\n/** Of a declaration. */\n"), null);
  t.equal(readWords('keep.s', '# keep: starts the subject.\n\n# Later.\n'), 'starts the subject');
  t.equal(
    readWords('session.sh', '#!/bin/sh\n# shellcheck shell=dash\n# The session:\n# talks.\nset -eu\n'),
    'The session: talks',
  );
  t.equal(readWords('build', '#!/bin/sh\nset -eu\n'), null);
  t.equal(readWords('a.wat', ';; One. Two.\n(module)\n'), 'One');
  t.equal(
    readWords('a.ts', '/** `a|b <c>` and <d>. */\n'),
    '`a\\|b <c>` and \\<d>',
    'no table or tag is made by it',
  );
  t.end();
});

t.test('a table keeps the order of its rows and takes the words of the files', (t) => {
  const row = (name: string, words: string | null) => ({ name, target: name, words });
  const readme =
    'a\n<!-- files -->\n| [`z.ts`](z.ts) | old |\n| [`gone.ts`](gone.ts) | x |\n<!-- end of files -->\nb\n';
  const after = replaceTable('README.md', readme, [row('a.ts', 'first'), row('z.ts', 'new')]);
  t.match(
    after,
    /^a\n[^]*\| \[`z\.ts`\]\(z\.ts\) \| new \|\n\| \[`a\.ts`\]\(a\.ts\) \| first \|\n[^]*\nb\n$/,
  );
  t.notMatch(after, 'gone');
  t.equal(replaceTable('README.md', after, [row('a.ts', 'first'), row('z.ts', 'new')]), after);
  t.throws(() => replaceTable('README.md', readme, [row('z.ts', null)]), /README\.md: .*z\.ts/);
  t.throws(() => replaceTable('README.md', 'no markers', []), /markers/);
  t.end();
});
