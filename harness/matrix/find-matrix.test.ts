import path from 'node:path';
import t from 'tap';
import { findMatrix } from './find-matrix.ts';

t.test(
  'a shipped matrix is found from anywhere by its name or its path, and a file that is there comes first',
  (t) => {
    const before = process.cwd();
    const folder = t.testdir({ matrices: { 'limits.yaml': '' }, smoke: '' });
    process.chdir(folder);
    t.teardown(() => process.chdir(before));
    const shipped = (name: string): string => path.join(import.meta.dirname, '../../matrices', name);
    t.equal(findMatrix(), shipped('default.yaml'));
    for (const name of ['overhead', 'overhead.yaml', 'matrices/overhead.yaml'])
      t.equal(findMatrix(name), shipped('overhead.yaml'));
    t.equal(findMatrix('matrices/limits.yaml'), 'matrices/limits.yaml');
    t.equal(findMatrix('smoke'), 'smoke');
    for (const name of ['nope', 'other/default.yaml', '../default.yaml', '']) t.equal(findMatrix(name), name);
    t.end();
  },
);
