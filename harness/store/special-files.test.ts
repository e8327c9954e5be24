import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { buildStandard, record } from '../fixtures/report/results.ts';
import { packRun } from './bundle.ts';
import { unpackBundle } from './bundle-unpack.ts';
import { openLineLog } from './line-log.ts';
import { takeLock } from './lock.ts';
import { readFronts } from './read-fronts.ts';
import { collectResults, readRun } from './read-run.ts';
import { writeRecord } from './run-record.ts';

const readAll = async (dir: string) => collectResults((await readRun(dir)).results());

t.test('a run whose files are pipes, devices or folders is refused at once', async (t) => {
  const dir = t.testdir();
  await writeRecord(dir, record);
  await writeFile(join(dir, 'cells.jsonl'), `${JSON.stringify(buildStandard({ evidence: null }))}\n`);
  const replace: readonly (readonly [name: string, make: (file: string) => void, what: RegExp])[] = [
    ['cells.jsonl', (file) => execFileSync('mkfifo', [file]), /a named pipe/],
    ['cells.jsonl', (file) => symlinkSync('/dev/zero', file), /a device/],
    ['cells.jsonl', (file) => mkdirSync(file), /a folder/],
    ['run.json', (file) => execFileSync('mkfifo', [file]), /a named pipe/],
    ['.lock', (file) => execFileSync('mkfifo', [file]), /a named pipe/],
  ];
  for (const [name, make, what] of replace) {
    await rename(join(dir, name), join(dir, 'kept')).catch(() => undefined);
    make(join(dir, name));
    const refusal = { code: 'STORE_CORRUPT', message: what };
    if (name === '.lock') await t.rejects(takeLock(dir), refusal, name);
    else {
      await t.rejects(readAll(dir), refusal, name);
      await t.rejects(packRun(dir, join(dir, 'x.tgz')), refusal);
    }
    if (name === 'cells.jsonl') {
      await t.rejects(readFronts(join(dir, name)), refusal);
      await t.rejects(openLineLog(join(dir, name)), refusal);
    }
    await rm(join(dir, name), { recursive: true });
    await rename(join(dir, 'kept'), join(dir, name)).catch(() => undefined);
  }
  t.same((await readAll(dir)).length, 1);
});

t.test('a bundle that is a pipe, a device or a folder is refused at once', async (t) => {
  const dir = t.testdir({ folder: {} });
  const pipe = join(dir, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const rows = [
    [pipe, /it is a named pipe and not a plain file/],
    ['/dev/zero', /it is a device and not a plain file/],
    [join(dir, 'folder'), /it is a folder and not a plain file/],
  ] as const;
  for (const [file, message] of rows) {
    await t.rejects(unpackBundle(file, join(dir, 'results')), { code: 'BUNDLE_INVALID', message });
  }
});
