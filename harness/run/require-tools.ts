/** Names every program that a run lacks at once, before the first of them is missed. */
import { isKernelBuilt, type BuildRequest } from '../../images/build.ts';
import { requestedArchitecture } from '../../images/definitions.ts';
import { PoolproofError } from '../errors.ts';
import { findExecutable, qemuVariable } from '../plan/computer.ts';
import {
  describeInstall,
  ownPackageManager,
  qemuToolOf,
  tools,
  type PackageManager,
  type Tool,
} from '../../images/tools.ts';

/** Beside QEMU what a run needs whose images are there. For a disk that is missing, `buildImages` names its program. */
const always: readonly string[] = ['setpriv'];

const isMissing = async ({ name }: Tool): Promise<boolean> => (await findExecutable(name)) === null;

/** `flock, npm and xz` */
const list = new Intl.ListFormat('en-GB', { type: 'conjunction' });

/** @throws PoolproofError QEMU_NOT_FOUND where QEMU is missing, otherwise TOOL_NOT_FOUND */
export async function requireTools(
  requests: readonly BuildRequest[],
  manager: PackageManager | null = ownPackageManager(),
): Promise<void> {
  const qemus = [...new Set(requests.map(requestedArchitecture))]
    // Another binary may be named; `findQemu` looks at it.
    .filter((architecture) => process.env[qemuVariable(architecture)] === undefined)
    .map(qemuToolOf);
  const all = [...qemus, ...tools];
  const areMissing = await Promise.all(all.map(isMissing));
  const absent = all.filter((_, index) => areMissing[index]);
  if (absent.length === 0) return;
  const built = (await Promise.all(requests.map(isKernelBuilt))).every(Boolean);
  const missing = absent.filter(
    ({ name }) => !built || always.includes(name) || qemus.some((qemu) => qemu.name === name),
  );
  if (missing.length === 0) return;
  const how = describeInstall(
    missing.map(({ packages }) => packages),
    manager,
  );
  const elsewhere = missing.filter(({ packages }) => manager !== null && packages[manager] === null);
  const hints = [
    ...(how === null ? [] : [how]),
    ...(elsewhere.length === 0
      ? []
      : [
          `${manager} has no package with ${list.format(elsewhere.map(({ name }) => name))}, which only the making of images ` +
            'needs: bring them from another machine with `poolproof images export` and `poolproof images import`',
        ]),
  ];
  throw new PoolproofError(
    qemus.some((qemu) => missing.includes(qemu)) ? 'QEMU_NOT_FOUND' : 'TOOL_NOT_FOUND',
    `${list.format(missing.map(({ name }) => name))} ${missing.length === 1 ? 'is' : 'are'} not installed`,
    { hint: hints.join('; ') },
  );
}
