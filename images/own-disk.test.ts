import { mkdtemp, rm, mkdir, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t from 'tap';
import { buildOwnDisk, findBadName } from './own-disk.ts';

t.test("a disk of one's own is named, and known by its contents", async (t) => {
  const dir = await mkdtemp(path.join(tmpdir(), 'poolproof-disk-'));
  t.teardown(() => rm(dir, { recursive: true, force: true }));
  const options = { cacheDir: path.join(dir, 'cache') };
  await mkdir(path.join(dir, 'data/deep'), { recursive: true });
  await writeFile(path.join(dir, 'data/deep/a.txt'), 'a');
  const build = (name: string, from: string) => buildOwnDisk({ name, from: path.join(dir, from) }, options);
  const folder = await build('data', 'data');
  t.match(folder, { name: 'data', digest: /^sha256:[0-9a-f]{64}$/ });
  t.notMatch(folder.path, path.join(dir, 'data'), 'what the guest reads is in the cache');
  const file = await build('one', 'data/deep/a.txt');
  t.not(file.digest, folder.digest);
  await writeFile(path.join(dir, 'data/deep/a.txt'), 'b');
  t.not((await build('data', 'data')).digest, folder.digest, 'other contents are another disk');
  const image = await buildOwnDisk({ name: 'again', from: folder.path }, options);
  t.equal(image.digest, folder.digest, 'an image of erofs is taken as it is');
  t.equal((await buildOwnDisk({ name: 'again', from: folder.path }, options)).path, image.path);
  await t.rejects(build('x', 'none'), {
    code: 'SUBJECT_FILE',
    message: 'the disk x cannot be read: there is no such file',
  });
  for (const special of ['/dev/zero', '/dev/null'])
    await t.rejects(buildOwnDisk({ name: 'x', from: special }, options), {
      code: 'SUBJECT_FILE',
      message: 'the disk x cannot be read: it is a device, and neither a file nor a folder',
    });
  await writeFile(path.join(dir, 'huge'), '');
  await truncate(path.join(dir, 'huge'), 2 ** 37);
  await t.rejects(build('x', 'huge'), { code: 'SUBJECT_FILE', message: /it has more than 64 GiB$/ });
});

t.test('names that disks of the harness have are refused', (t) => {
  t.same(['data', 'a.b-c_1'].map(findBadName), [null, null]);
  for (const name of ['base', 'swap', 'subject-1', 'wasmtime-50']) t.match(findBadName(name), /the harness/);
  for (const name of ['', '.a', 'a b', 'a,b']) t.match(findBadName(name), /1 to 20/);
  t.end();
});
