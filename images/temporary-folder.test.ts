import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import t from 'tap';

const moduleUrl = (name: string): string => JSON.stringify(new URL(name, import.meta.url).href);

/** A process of its own that runs `code` with a temporary folder below `parent`. */
function startOwner(parent: string, code: string) {
  const script = path.join(parent, 'owner.mjs');
  writeFileSync(
    script,
    `const { makeTemporaryFolder } = await import(${moduleUrl('./temporary-folder.ts')});
     const { runProgram, workBounds } = await import(${moduleUrl('./run-program.ts')});
     const folder = await makeTemporaryFolder();
     ${code}`,
  );
  // The loader that lets this very test run its TypeScript lets the owner run it too.
  return spawn(process.execPath, [...process.execArgv, script], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TMPDIR: parent },
  });
}

t.test('a folder goes with its process while programs and threads still write there', async (t) => {
  const owner = startOwner(
    t.testdir(),
    `const { mkdir } = await import('node:fs/promises');
     process.on('SIGINT', () => {
       for (let index = 0; index < 5000; index += 1) void mkdir(folder.path + '/own' + index);
       process.exit(130);
     });
     const script = 'mkdir "$0/d"; echo > "$0/up"; n=0; while n=$((n + 1)); do echo > "$0/d/$n"; done';
     for (let count = 0; count < 2; count += 1) void runProgram('sh', ['-c', script, folder.path], workBounds);
     const { existsSync } = await import('node:fs');
     while (!existsSync(folder.path + '/up')) await new Promise((next) => setTimeout(next, 10));
     console.log(folder.path);`,
  );
  const said = text(owner.stderr);
  const [line] = (await once(owner.stdout, 'data')) as [Buffer];
  owner.kill('SIGINT');
  t.same(await once(owner, 'close'), [130, null]);
  t.equal(await said, '');
  t.notOk(existsSync(line.toString().trim()));
});
