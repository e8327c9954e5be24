import t from 'tap';
import { isReleaseOf, kernels } from './definitions.ts';

t.test('a release is of the row whose series it begins with, else of the row that has none', (t) => {
  const table = {
    '5.10.0-46-cloud-amd64': 'bullseye',
    '6.1.0-56-cloud-amd64': 'bookworm',
    '6.12.118+deb13-cloud-amd64': 'trixie',
    '7.2.13+deb14-cloud-amd64': 'sid',
    '6.13.1': 'sid',
    '6.12.118+deb13-arm64-16k': 'trixie-16k',
    '6.1.0-56-cloud-arm64': 'bookworm',
  };
  for (const [release, owner] of Object.entries(table)) {
    for (const { name } of kernels) t.equal(isReleaseOf(name, release), name === owner, `${release} ${name}`);
  }
  t.notOk(isReleaseOf('woody', '7.2.13'), 'no such row');
  t.end();
});
