/** Copies of a cache, also of one that others write to. */
import { spawn } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  statSync,
  readdirSync,
  readFileSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { once } from 'node:events';
import path from 'node:path';
import t from 'tap';
import { copyCache } from './copy-cache.ts';

function makeCache(folder: string): string {
  const cache = path.join(folder, 'cache');
  for (const name of ['artefacts', 'blobs', 'templates/one', 'tmp/work-1', 'modules/a/b'])
    mkdirSync(path.join(cache, name), { recursive: true });
  for (const name of [
    'artefacts/x.json',
    'blobs/0f',
    'templates/one/ram',
    'tmp/work-1/f',
    'modules/a/b/c',
    'lock',
  ])
    writeFileSync(path.join(cache, name), name);
  return cache;
}

t.test('what is whole is copied with its time, and nothing that a fault makes again', (t) => {
  const cache = makeCache(t.testdir());
  writeFileSync(path.join(cache, 'experience.json.3402938475'), '{');
  writeFileSync(path.join(cache, 'artefacts/y.json.17'), '{');
  utimesSync(path.join(cache, 'blobs/0f'), 1_700_000_000.123_456, 1_700_000_000.123_456);
  const copy = mkdtempSync(path.join(t.testdirName, 'copy-'));
  copyCache(cache, copy);
  const files = readdirSync(copy, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => path.relative(copy, path.join(parentPath, name)));
  t.same(files.sort(), ['artefacts/x.json', 'blobs/0f', 'modules/a/b/c']);
  t.equal(readFileSync(path.join(copy, 'blobs/0f'), 'utf8'), 'blobs/0f');
  const timeOf = (folder: string): bigint =>
    statSync(path.join(folder, 'blobs/0f'), { bigint: true }).mtimeNs;
  t.equal(timeOf(copy), timeOf(cache));
  t.end();
});

t.test('a cache whose records are written again and again is copied each time', async (t) => {
  const cache = makeCache(t.testdir());
  const writer = spawn(process.execPath, [
    '--eval',
    `const { renameSync, writeFileSync } = require('node:fs');
     let count = 0;
     function write(file) {
       const half = \`\${file}.\${++count}\`;
       writeFileSync(half, '{}');
       renameSync(half, file);
     }
     const writeAll = () => process.argv.slice(1).forEach(write);
     writeAll();
     console.log('ready');
     // Ends with the test, however that ends.
     process.stdin.resume().once('end', () => process.exit());
     setInterval(() => { for (let n = 0; n < 100; n += 1) writeAll(); });`,
    path.join(cache, 'experience.json'),
    path.join(cache, 'artefacts/x.json'),
  ]);
  const ended = once(writer, 'exit');
  await once(writer.stdout, 'data');
  for (let count = 0; count < 20; count += 1) {
    const copy = mkdtempSync(path.join(t.testdirName, 'copy-'));
    copyCache(cache, copy);
    t.equal(readFileSync(path.join(copy, 'artefacts/x.json'), 'utf8'), '{}');
  }
  writer.stdin.end();
  await ended;
});
