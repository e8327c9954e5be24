/** The commit this program was made of: that of the checkout it runs in, or the one its package was built from. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { project } from '../../images/paths.ts';
import { questionBounds, runProgram } from '../../images/run-program.ts';

/** Twelve digits of its name, with `+` where files of the checkout differ from it; null outside a checkout. */
export async function readCommit(root = project.root, file = project.commitFile): Promise<string | null> {
  if (!existsSync(path.join(root, '.git')))
    return readFile(file, 'utf8').then(
      (text) => (/^[0-9a-f]{12}\+?$/.test(text.trim()) ? text.trim() : null),
      () => null,
    );
  const words = ['describe', '--always', '--abbrev=12', '--exclude=*', '--dirty=+'];
  const { ok, stdout } = await runProgram('git', ['-C', root, ...words], questionBounds);
  return ok ? stdout.toString('utf8').trim() : null;
}
