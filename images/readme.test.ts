import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { defaultArchitecture } from './architectures.ts';
import { buildScriptArchive } from './archive/initramfs.ts';

t.test('the README says where every file of this repository in a guest comes from', async (t) => {
  const guestFolder = fileURLToPath(new URL('guest/', import.meta.url));
  const readme = await readFile(new URL('README.md', import.meta.url), 'utf8');
  const named = readme.split('\n').flatMap((line) => {
    const [, inGuest = ''] = /^\| (`\/[^|]*)\|/.exec(line) ?? [];
    return [...inGuest.matchAll(/`\/([^`]+)`/g)].map((match) => match[1]);
  });
  const archive = (await buildScriptArchive(guestFolder, defaultArchitecture)).toString('latin1');
  const programs = [...archive.matchAll(/(?<=\0|^|[0-9A-F])(bin\/[a-z]+)\0/g)].map((match) => match[1]);
  t.ok(programs.length >= 3, programs.join());
  const scripts = (await readdir(guestFolder)).filter((name) => name.endsWith('.sh'));
  for (const file of [...programs, ...scripts.map((name) => name.replace('.sh', ''))])
    t.ok(named.includes(file), `/${file}`);
});
