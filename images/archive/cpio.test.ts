import { execFileSync, spawnSync } from 'node:child_process';
import t from 'tap';
import { buildCpio, type CpioEntry } from './cpio.ts';

const entries: readonly CpioEntry[] = [
  { kind: 'link', path: 'bin/sh', target: 'busybox' },
  { kind: 'file', path: 'bin/busybox', mode: 0o755, data: Buffer.from('12345') },
  { kind: 'device', path: 'dev/console', mode: 0o600, major: 5, minor: 1 },
  { kind: 'folder', path: 'tmp', mode: 0o1777 },
  { kind: 'folder', path: 'bin', mode: 0o755 },
  { kind: 'file', path: 'empty', mode: 0o644, data: Buffer.alloc(0) },
];

/** An independent reader of the format, after the kernel's description of it. */
function readCpio(
  archive: Buffer,
): Record<string, { mode: string; rdev: string; nlink: number; data: string }> {
  const found: Record<string, { mode: string; rdev: string; nlink: number; data: string }> = {};
  for (let at = 0; ;) {
    const field = (index: number): number =>
      parseInt(archive.toString('latin1', at + 6 + index * 8, at + 14 + index * 8), 16);
    if (archive.toString('latin1', at, at + 6) !== '070701') throw new Error(`no header at ${at}`);
    const [size, nameSize] = [field(6), field(11)];
    const name = archive.toString('utf8', at + 110, at + 110 + nameSize - 1);
    const data = Math.ceil((at + 110 + nameSize) / 4) * 4;
    if (name === 'TRAILER!!!') return found;
    found[name] = {
      mode: field(1).toString(8),
      rdev: `${field(9)},${field(10)}`,
      nlink: field(4),
      data: archive.toString('utf8', data, data + size),
    };
    at = Math.ceil((data + size) / 4) * 4;
  }
}

t.test('what is written is read back with kind, mode, device numbers and content', (t) => {
  t.strictSame(readCpio(buildCpio(entries)), {
    bin: { mode: '40755', rdev: '0,0', nlink: 1, data: '' },
    'bin/busybox': { mode: '100755', rdev: '0,0', nlink: 1, data: '12345' },
    'bin/sh': { mode: '120777', rdev: '0,0', nlink: 1, data: 'busybox' },
    'dev/console': { mode: '20600', rdev: '5,1', nlink: 1, data: '' },
    empty: { mode: '100644', rdev: '0,0', nlink: 1, data: '' },
    tmp: { mode: '41777', rdev: '0,0', nlink: 1, data: '' },
  });
  t.end();
});

t.test('the order in which entries are given makes no difference to the bytes', (t) => {
  t.ok(buildCpio(entries).equals(buildCpio([...entries].reverse())));
  t.end();
});

t.test('another archive may follow, because the end is padded to 512 bytes', (t) => {
  t.equal(buildCpio(entries).length % 512, 0);
  t.equal(buildCpio([]).length, 512);
  t.end();
});

t.test('a path that is absolute or climbs is refused', (t) => {
  for (const path of ['/etc/passwd', '../x', 'a/../../x']) {
    t.throws(() => buildCpio([{ kind: 'folder', path, mode: 0o755 }]), RangeError, path);
  }
  t.end();
});

const busybox = spawnSync('busybox', { stdio: 'ignore' }).error === undefined;

t.test('busybox lists the same archive', { skip: !busybox && 'busybox is not installed' }, (t) => {
  const listed = execFileSync('busybox', ['cpio', '-tv'], {
    input: buildCpio(entries),
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const lines = listed.trim().split('\n');
  t.equal(lines.length, entries.length);
  t.match(
    lines.find((line) => line.includes('dev/console')),
    /^crw------- /,
  );
  t.match(
    lines.find((line) => line.includes('bin/sh')),
    /^lrwxrwxrwx .*bin\/sh -> busybox/,
  );
  t.end();
});
