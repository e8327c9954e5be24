/** Names every program that a run lacks at once, before the first of them is missed. */
import { isKernelBuilt, type BuildRequest } from '../../images/build.ts';
import { PoolproofError } from '../errors.ts';
import { findExecutable } from '../plan/computer.ts';
import {
  installCommand,
  ownPackageManager,
  qemuTool,
  tools,
  type PackageManager,
  type Tool,
} from '../../images/tools.ts';

/** What a run needs whose images are there. For a disk that is missing, `buildImages` names its program. */
const always: readonly string[] = [qemuTool.name, 'setpriv'];

async function isMissing({ name }: Tool): Promise<boolean> {
  // Another binary may be named; `findQemu` looks at it.
  if (name === qemuTool.name && process.env['POOLPROOF_QEMU'] !== undefined) return false;
  return (await findExecutable(name)) === null;
}

const listed = (words: readonly string[]): string =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1) ?? ''}`;

/** @throws PoolproofError QEMU_NOT_FOUND where QEMU is missing, otherwise TOOL_NOT_FOUND */
export async function requireTools(
  requests: readonly BuildRequest[],
  manager: PackageManager = ownPackageManager(),
): Promise<void> {
  const all = [qemuTool, ...tools];
  const areMissing = await Promise.all(all.map(isMissing));
  const absent = all.filter((_, index) => areMissing[index]);
  if (absent.length === 0) return;
  const built = (await Promise.all(requests.map(isKernelBuilt))).every(Boolean);
  const missing = absent.filter(({ name }) => !built || always.includes(name));
  if (missing.length === 0) return;
  const command = installCommand(
    missing.map(({ packages }) => packages),
    manager,
  );
  const elsewhere = missing.filter(({ packages }) => packages[manager] === null);
  const hints = [
    ...(command === null ? [] : [command]),
    ...(elsewhere.length === 0
      ? []
      : [
          `${manager} has no package with ${listed(elsewhere.map(({ name }) => name))}, which only the making of images ` +
            'needs: bring them from another machine with `poolproof images export` and `poolproof images import`',
        ]),
  ];
  throw new PoolproofError(
    missing.includes(qemuTool) ? 'QEMU_NOT_FOUND' : 'TOOL_NOT_FOUND',
    `${listed(missing.map(({ name }) => name))} ${missing.length === 1 ? 'is' : 'are'} not installed`,
    { hint: hints.join('; ') },
  );
}
