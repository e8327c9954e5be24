import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import t, { type Test } from 'tap';
import { installHint } from '../tools.ts';
import { holdBuildLock } from '../cache/build-lock.ts';
import { openCache } from '../cache/image-cache.ts';
import { buildErofs } from '../archive/erofs.ts';
import { downloadNpm, newestOfLine } from './npm.ts';
import { downloadWheel } from './pip.ts';
import { runTool } from './run-tool.ts';

const options = { code: 'IMAGE_FETCH', doing: 'fetching x', hint: 'check the network' } as const;

/** PATH with nothing but what a test puts there: how a machine looks that lacks a tool. */
async function usePath(t: Test, tools: Readonly<Record<string, string>> = {}): Promise<void> {
  const folder = t.testdir();
  for (const [name, script] of Object.entries(tools)) {
    const file = path.join(folder, name);
    await writeFile(file, `#!/bin/sh\n${script}\n`);
    await chmod(file, 0o755);
  }
  const before = process.env['PATH'];
  process.env['PATH'] = folder;
  t.teardown(() => {
    process.env['PATH'] = before;
  });
}

t.test('a tool that fails is reported with its command, its error line and a hint', async (t) => {
  await t.rejects(
    runTool('sh', ['-c', 'echo "E: no such mirror" >&2; echo "more words" >&2; exit 100'], options),
    {
      code: 'IMAGE_FETCH',
      message: 'fetching x failed: E: no such mirror',
      details: { hint: 'check the network', stderr: /more words/, command: /sh -c/ },
    },
  );
});

t.test('a tool that finds the disk full says so by code', async (t) => {
  const script = 'echo "write error: No space left on device" >&2; exit 1';
  await t.rejects(runTool('sh', ['-c', script], options), {
    code: 'DISK_FULL',
    details: { hint: /POOLPROOF_CACHE/ },
  });
});

t.test('what a tool prints is returned, in plain English', async (t) => {
  const { stdout } = await runTool('sh', ['-c', 'echo $LC_ALL'], options);
  t.equal(stdout, 'C.UTF-8');
});

t.test('each missing tool is named with the package that brings it', async (t) => {
  const work = path.join(t.testdir(), 'work');
  const cache = await openCache(path.join(work, 'cache'));
  await usePath(t);
  const missing = (tool: string): { code: string; message: RegExp; details: { hint: string } } => ({
    code: 'TOOL_NOT_FOUND',
    message: new RegExp(`^${tool.replace('.', '\\.')} is needed`),
    details: { hint: installHint(tool) },
  });
  await t.rejects(buildErofs(work, path.join(work, 'disk')), missing('mkfs.erofs'));
  await t.rejects(downloadNpm('koffi', '3.3.4', work), missing('npm'));
  await t.rejects(downloadWheel('wasmtime', '50.0.1', work), missing('python3'));
  await t.rejects(holdBuildLock(cache), missing('flock'));
});

t.test('a Python without pip is passed over, and a pip of its own is used', async (t) => {
  const work = path.join(t.testdir(), 'work');
  await usePath(t, { python3: 'echo "/usr/bin/python3: No module named pip" >&2; exit 1' });
  await t.rejects(downloadWheel('wasmtime', '50.0.1', work), { code: 'TOOL_NOT_FOUND' });
  await usePath(t, {
    python3: 'echo "/usr/bin/python3: No module named pip" >&2; exit 1',
    pip3: 'while [ "$1" != --dest ]; do shift; done; echo bytes >"$2/wasmtime-50.0.1-py3-none-any.whl"',
  });
  t.match(await downloadWheel('wasmtime', '50.0.1', work), /wasmtime-50\.0\.1-.*\.whl$/);
});

t.test('pip without a network fails, pip without that version finds nothing', async (t) => {
  const work = path.join(t.testdir(), 'work');
  const noMatch = (versions: string): Record<string, string> => ({
    python3: `echo "ERROR: Could not find a version that satisfies the requirement x==9 (from versions: ${versions})" >&2; exit 1`,
  });
  await usePath(t, noMatch('none'));
  await t.rejects(downloadWheel('x', '9', work), { code: 'IMAGE_FETCH', details: { hint: /network/ } });
  await usePath(t, noMatch('1.0, 2.0'));
  t.equal(await downloadWheel('x', '9', work), undefined);
});

t.test('npm without a network fails, npm without that version finds nothing', async (t) => {
  const work = path.join(t.testdir(), 'work');
  await usePath(t, { npm: 'echo "npm error code ENOTFOUND" >&2; exit 1' });
  await t.rejects(downloadNpm('x', '9.0.0', work), { code: 'IMAGE_FETCH', details: { hint: /network/ } });
  await usePath(t, { npm: 'echo "npm error code ETARGET" >&2; exit 1' });
  t.equal(await downloadNpm('x', '9.0.0', work), undefined);
});

t.test('the newest release of a line is found by number, without pre-releases', (t) => {
  const all = ['22.9.0', '22.23.3', '22.23.10-rc.1', '2.99.0', '220.0.0', '24.0.0'];
  t.equal(newestOfLine(all, '22'), '22.23.3');
  t.equal(newestOfLine(all, '26'), undefined);
  t.end();
});
