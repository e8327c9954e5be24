import t from 'tap';
import { findHomepage, readToolVersion } from './tool-version.ts';

t.test('the version is that of the package', async (t) => {
  t.match(await readToolVersion(), /^\d+\.\d+\.\d+/);
});

t.test('the project is where its package says, its homepage before its repository', (t) => {
  const homepage = 'https://example.org/pool';
  const repository = { type: 'git', url: 'git+https://example.org/pool.git' };
  t.equal(findHomepage({ homepage, repository: 'https://example.org/other' }), homepage);
  t.equal(findHomepage({ repository }), homepage);
  t.equal(findHomepage({ repository: 'github:example/pool' }), null, 'no address of the web');
  t.equal(findHomepage({ homepage: 'javascript:alert(1)' }), null);
  t.equal(findHomepage({}), null);
  t.end();
});
