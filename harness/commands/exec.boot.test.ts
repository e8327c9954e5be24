import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const cli = fileURLToPath(new URL('../../dist/harness/cli.js', import.meta.url));

/** Runs the command line with this input, to its end. */
function poolproof(words: readonly string[], input: Buffer | string) {
  return spawnSync(process.execPath, [cli, ...words], {
    input,
    timeout: 300_000,
    killSignal: 'SIGKILL',
  });
}

t.test('exec gives input to its command, and what this writes and ends with, byte by byte', (t) => {
  // Longer than a request, and than what is kept of a stream elsewhere.
  const input = randomBytes(300_000);
  const script = 'cat; ulimit -v >&2; node --version >&2; kill -SEGV $$';
  const { status, stdout, stderr } = poolproof(
    ['exec', 'memory=512M,overcommit=2,addressSpace=8G', '--', 'sh', '-c', script],
    input,
  );
  t.equal(status, 139, stderr.toString());
  t.ok(stdout.equals(input), `${stdout.length} bytes`);
  t.match(stderr.toString(), /^booting memory=512M.*\n8388608\nv22\..*\n$/);
  t.end();
});

t.test('exec finds a command by its name without input, and says so where there is none', (t) => {
  const { status, stdout, stderr } = poolproof(['exec', 'memory=512M,overcommit=2', '--', 'free', '-m'], '');
  t.equal(status, 0, stderr.toString());
  t.match(stdout.toString(), /^ +total +used[^]*^Mem: +\d+/m);
  t.equal(poolproof(['exec', 'memory=512M,overcommit=2', '--', 'no-such-command'], '').status, 127);
  t.end();
});

t.test('a shell ends at the end of its input, also behind a command that reads to that end', (t) => {
  const { status, stdout } = poolproof(['shell', 'memory=512M,overcommit=0'], 'echo read-$((1+1))\ncat');
  t.equal(status, 0);
  t.match(stdout.toString(), /^read-2\r?$/m);
  t.end();
});
