/** What both tries need first: programs of this computer, and the commit that is tried. */
import { execa } from 'execa';
import { findExecutable } from '../../harness/plan/computer.ts';

/** Installs Debian packages whose programs are missing. @param packages by program */
export async function requirePackages(
  packages: Readonly<Record<string, string>>,
  say: (text: string) => void,
): Promise<void> {
  const missing: string[] = [];
  for (const [program, name] of Object.entries(packages))
    if ((await findExecutable(program)) === null) missing.push(name);
  if (missing.length === 0) return;
  say(`installing ${missing.join(' ')}`);
  const options = { stdio: 'inherit', env: { DEBIAN_FRONTEND: 'noninteractive' } } as const;
  await execa('apt-get', ['update', '-q'], options);
  await execa('apt-get', ['install', '-q', '-y', '--no-install-recommends', ...missing], options);
}

/** The commit that is tried: later ones of the checkout are not, however long it takes. @returns the folder */
export async function cloneCheckout(folder: string): Promise<string> {
  const words = ['--quiet', '--bare', '--no-local', '--depth', '1'];
  await execa('git', ['clone', ...words, `file://${process.cwd()}`, folder]);
  return folder;
}
