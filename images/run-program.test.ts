import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { runProgram, type ProgramOptions } from './run-program.ts';

const bounds = { timeoutMs: 60_000, maxBytes: 64 * 1024 } as const;
const shell = (script: string, options: Partial<ProgramOptions> = {}) =>
  runProgram('sh', ['-c', script], { ...bounds, ...options });

/** Whether a process with these words is there; what has ended and waits to be buried has none. */
const isRunning = (words: string): boolean =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .some((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8') === `${words.replaceAll(' ', '\0')}\0`;
      } catch {
        return false;
      }
    });

/** A killed process is gone a moment after the signal was sent. */
async function isGone(words: string): Promise<boolean> {
  while (isRunning(words)) await sleep(50);
  return true;
}

async function isThere(words: string): Promise<void> {
  while (!isRunning(words)) await sleep(50);
}

t.test('a program that ends says what it wrote, and how it ended', async (t) => {
  t.match(await shell('printf "a\\n"; echo b >&2'), {
    ok: true,
    stdout: Buffer.from('a\n'),
    stderr: 'b',
    exitCode: 0,
    ended: null,
    why: '',
  });
  t.match(await shell('exit 3'), { ok: false, exitCode: 3, why: 'ended with exit code 3', command: /sh -c/ });
  t.match(await shell('kill -TERM $$'), { ok: false, signal: 'SIGTERM', why: 'was ended by SIGTERM' });
  t.match(await runProgram('/no/such/program', [], bounds), {
    ok: false,
    errorCode: 'ENOENT',
    why: 'could not be started (ENOENT)',
  });
});

t.test('one that never ends is ended after its time, with what it started', async (t) => {
  for (const script of ['sleep 7331', 'sleep 7331 & wait', 'trap "" TERM INT; sleep 7331; sleep 7331']) {
    const end = await shell(script, { timeoutMs: 300 });
    t.match(end, { ok: false, ended: 'time', why: 'took longer than 0.3 s' }, script);
    t.ok(await isGone('sleep 7331'), `${script}: nothing is left`);
  }
});

t.test('one that never ends writing is ended at its bound', async (t) => {
  for (const script of ['yes', 'yes >&2', 'yes | cat']) {
    const end = await shell(script);
    t.match(end, { ok: false, ended: 'output', why: 'wrote more than 64 KiB' }, script);
    t.ok(
      end.stdout.length <= bounds.maxBytes && end.stderr.length <= bounds.maxBytes,
      'what is kept is bounded',
    );
  }
});

t.test('one that ended is not waited for because of a child that holds its pipe', async (t) => {
  t.match(await shell('echo up; sleep 7332 & exit 0'), { ok: true, stdout: Buffer.from('up\n') });
  t.ok(await isGone('sleep 7332'));
});

t.test('it is ended when the caller says so, before and while it runs', async (t) => {
  t.match(await shell('sleep 7333', { signal: AbortSignal.abort() }), { ok: false, ended: 'caller' });
  const controller = new AbortController();
  void isThere('sleep 7333').then(() => controller.abort());
  t.match(await shell('sleep 7333', { signal: controller.signal }), {
    ended: 'caller',
    why: 'was interrupted',
  });
  t.ok(await isGone('sleep 7333'));
});

t.test('it ends with the process that runs it', async (t: Test) => {
  const file = path.join(t.testdir(), 'program');
  await writeFile(file, '#!/bin/sh\necho up >&2\nexec sleep 7334\n');
  await chmod(file, 0o755);
  const module = new URL('run-program.ts', import.meta.url).href;
  const script = `const {runProgram}=await import(${JSON.stringify(module)});void runProgram(${JSON.stringify(file)},[],{timeoutMs:60000,maxBytes:1000});process.stdin.on('end',()=>process.exit(5)).resume()`;
  const child = spawn(process.execPath, [...process.execArgv, '--input-type=module', '-e', script], {
    stdio: ['pipe', 'inherit', 'inherit'],
  });
  await isThere('sleep 7334');
  child.stdin.end();
  t.strictSame(await once(child, 'exit'), [5, null]);
  t.ok(await isGone('sleep 7334'));
});
