import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import t from 'tap';
import { noSetup } from './advised-hosts.ts';
import { proveHost, type ForeignName } from './host-proof.ts';

t.test('a host finds every file that its application names', async (t) => {
  /** A program in the place of the host that tries the file, and serves if it is there. */
  const rows: readonly (readonly [ForeignName, script: string])[] = [
    [
      'spin',
      'dir=${3%/*}; [ -s "$dir/$(sed -n \'s/^source = "\\(.*\\)"/\\1/p\' "$3")" ] && echo Serving http',
    ],
    [
      'wash',
      '[ -s "$(sed -n "s/^ *component_path: //p" .wash/config.yaml)" ] && grep -q "address: 127.0.0.1:0$" .wash/config.yaml && echo HTTP server listening',
    ],
  ];
  for (const [name, script] of rows) {
    const program = path.join(t.testdir(), name);
    await writeFile(program, `#!/bin/sh\n${script}\nexec sleep 60\n`);
    await chmod(program, 0o755);
    const start = { program, version: name === 'spin' ? '4.0.2' : '2.10.3', setup: noSetup, isPooled: false };
    const { seen, agrees } = await proveHost(name, start, new AbortController().signal, 5000);
    t.match(seen, /^\/proc\/\d+\/maps: .* and no pool$/, name);
    t.equal(agrees, true);
  }
});
