import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const cli = fileURLToPath(new URL('../../dist/harness/cli.js', import.meta.url));

/** A program that says and serves what `wasmtime` would, and writes its pid into a file. */
function plantServer(folder: string): Readonly<{ program: string; pids: () => readonly number[] }> {
  const program = path.join(folder, 'wasmtime');
  const pidFile = path.join(folder, 'pids');
  writeFileSync(
    program,
    `#!${process.execPath}
    if (process.argv[2] === '--version') console.log('wasmtime 49.0.3');
    else {
      process.getBuiltinModule('node:fs').appendFileSync(${JSON.stringify(pidFile)}, process.pid + '\\n');
      const server = process.getBuiltinModule('node:http').createServer((request, answer) => answer.end('hello'));
      server.listen(0, '127.0.0.1', () => console.log('http://127.0.0.1:' + server.address().port + '/'));
    }`,
  );
  chmodSync(program, 0o755);
  return { program, pids: () => readFileSync(pidFile, 'utf8').trim().split('\n').map(Number) };
}

const { NODE_OPTIONS: _options, ...outer } = process.env;

type Bench = Readonly<{
  process: ChildProcess;
  /** Resolves when the progress has come so far. */
  reached: (progress: string) => Promise<void>;
  end: Promise<Readonly<{ exitCode: unknown; stdout: string; stderr: string }>>;
}>;

/** The compiled command, as users run it. */
function serveBench(program: string): Bench {
  const words = ['serve-bench', '--program', program, '--work', 'hello', '--modes', 'pool'];
  const bounds = ['--connections', '1', '--seconds', '600', '--requests', '20'];
  const child = spawn(process.execPath, [cli, ...words, ...bounds], { env: outer });
  const said = { stdout: '', stderr: '' };
  child.stdout.on('data', (data: Buffer) => (said.stdout += data.toString()));
  child.stderr.on('data', (data: Buffer) => (said.stderr += data.toString()));
  return {
    process: child,
    reached: async (progress) => {
      const ended = once(child, 'close').then(() => {
        throw new Error(`it ended before ${progress}: ${said.stderr}`);
      });
      while (!said.stderr.includes(progress)) await Promise.race([once(child.stderr, 'data'), ended]);
      ended.catch(() => undefined);
    },
    end: once(child, 'close').then(([exitCode]: unknown[]) => ({ exitCode, ...said })),
  };
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

t.test('a signal ends the measurement with the figures of the rounds that were whole', async (t) => {
  const { program, pids } = plantServer(t.testdir());
  const run = serveBench(program);
  await run.reached('round 3, sample 2 of 3');
  run.process.kill('SIGINT');
  const { exitCode, stdout, stderr } = await run.end;
  t.equal(exitCode, 130);
  t.match(stderr, /\ninterrupted: the figures are of 2 rounds\n$/);
  t.match(stdout, /hello/);
  t.match(stdout, /pool/);
  t.same(pids().filter(isAlive), [], 'no server is left');
});

t.test('before two rounds there is no figure, and nothing is printed as one', async (t) => {
  const { program } = plantServer(t.testdir());
  const run = serveBench(program);
  await run.reached('round 1, sample 2 of 3');
  run.process.kill('SIGTERM');
  const { exitCode, stdout, stderr } = await run.end;
  t.equal(exitCode, 130);
  t.equal(stdout, '');
  t.match(stderr, /\ninterrupted: no figure yet, which takes two rounds\n$/);
});

t.test('a second signal ends the measurement at once, and its server with it', async (t) => {
  const { program, pids } = plantServer(t.testdir());
  const run = serveBench(program);
  await run.reached('round 1, sample 2 of 3');
  run.process.kill('SIGINT');
  run.process.kill('SIGTERM');
  const { exitCode, stdout } = await run.end;
  t.equal(exitCode, 130);
  t.equal(stdout, '');
  const started = pids();
  while (started.some(isAlive)) await sleep(20);
  t.same(started.filter(isAlive), []);
});
