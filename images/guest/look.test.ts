/** The program that looks at a subject's process, at a process in a PID namespace of this computer. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t from 'tap';
import { buildProgram } from './programs/build-program.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'poolproof-test-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
for (const name of ['look', 'read-files'] as const)
  writeFileSync(path.join(folder, name), buildProgram(name), { mode: 0o755 });

const look = (pid: number) =>
  spawnSync(path.join(folder, 'look'), [String(pid)], { cwd: folder, encoding: 'latin1' });
const canUnshare = spawnSync('unshare', ['--pid', '--fork', 'true']).status === 0;

t.test(
  'the largest process of the namespace is shown, and its init is not',
  { skip: canUnshare ? false : 'no PID namespace can be made here' },
  async (t) => {
    // Init is a shell, and so is the other process, whose memory is smaller than that of Node.
    const script = `sleep 60 & "$0" -e 'new ArrayBuffer(2 ** 31); console.log(1); setInterval(() => 0, 1000)' & wait`;
    const child = spawn(
      'unshare',
      ['--pid', '--fork', '--kill-child', 'sh', '-c', script, process.execPath],
      {
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    );
    t.teardown(() => child.kill('SIGKILL'));
    await once(child.stdout, 'data');
    const { stdout, status } = look(child.pid ?? 0);
    t.equal(status, 0);
    const lines = stdout.split('\n');
    const mappings = lines.filter((line) => /^process\/maps:[0-9a-f]+-[0-9a-f]+ [rwxps-]{4} /.test(line));
    t.equal(mappings.length, 8);
    t.ok(
      mappings.some((line) => {
        const [start = NaN, end = NaN] = (/:(\S+)-(\S+) /.exec(line) ?? [])
          .slice(1)
          .map((hex) => parseInt(hex, 16));
        return end - start >= 2 ** 31;
      }),
      'the buffer of 2 GiB is among them',
    );
    const [, maps = 0, processes] = (/^process\/count:(\d+) (\d+)$/m.exec(stdout) ?? []).map(Number);
    t.ok(maps > 50);
    t.equal(processes, 2, 'sleep and Node');
    t.match(stdout, /^\/\/proc\/\d+\/status:VmSize:\s+\d+ kB$/m);
    t.match(stdout, /^\/\/proc\/\d+\/stat:\d+ \(/m);
    t.match(stdout, /^\/\/proc\/meminfo:Committed_AS:/m);
    t.match(stdout, /^\/\/proc\/\d+\/status:Name:\t(?:node|MainThread)$/m);
  },
);

t.test('where no process is in a namespace of its own nothing is printed', (t) => {
  t.match(look(2 ** 30), { status: 0, stdout: '' });
  t.end();
});
