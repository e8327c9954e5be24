/** `poolproof doctor`: checks this computer for the requirements, and names missing packages. */
import { statfs } from 'node:fs/promises';
import { architectures, defaultArchitecture, type Architecture } from '../../images/architectures.ts';
import { guestSuite, kernels } from '../../images/definitions.ts';
import { listImages, type ListedImage } from '../../images/inspect.ts';
import { resolveSources } from '../../images/source/apt.ts';
import { recallMirror, requireKeyring } from '../../images/source/debian-mirror.ts';
import { debianKeyring } from '../../images/source/sources-list.ts';
import {
  describeInstall,
  installCommand,
  keyringPackages,
  ownPackageManager,
  qemuTool,
  qemuToolOf,
  tools,
  type PackageNames,
  type Tool,
} from '../../images/tools.ts';
import { PoolproofError } from '../errors.ts';
import { decideCapacity } from '../plan/admission.ts';
import { findExecutable, findQemu, readComputer } from '../plan/computer.ts';
import { formatCount } from '../report/format-run.ts';
import { cacheOption, type Context } from './context.ts';
import { describeKvm } from './describe-kvm.ts';

type Line = Readonly<{ ok: boolean; text: string; packages?: PackageNames }>;

async function checkQemu(): Promise<Line> {
  try {
    const qemu = await findQemu();
    return { ok: true, text: `QEMU ${qemu.version} at ${qemu.path}` };
  } catch (error) {
    if (!(error instanceof PoolproofError)) throw error;
    return { ok: false, text: error.message, packages: qemuTool.packages };
  }
}

/** Only matrices that name the architecture need it. */
async function checkOther(architecture: Architecture): Promise<Line> {
  const { name } = architecture;
  try {
    const qemu = await findQemu(undefined, architecture);
    return { ok: true, text: `guests of ${name}: QEMU ${qemu.version} at ${qemu.path}` };
  } catch (error) {
    if (!(error instanceof PoolproofError)) throw error;
    const command = installCommand([qemuToolOf(architecture).packages]);
    return {
      ok: true,
      text: `no guests of ${name}: ${error.message}${command === null ? '' : `; ${command}`}`,
    };
  }
}

async function checkTool({ name, packages, use }: Tool): Promise<Line> {
  const found = await findExecutable(name);
  if (found !== null) return { ok: true, text: `${name} at ${found}` };
  const manager = ownPackageManager();
  const isNowhere = manager !== null && packages[manager] === null;
  const none = `; ${manager} has no package with it, and images of another machine need none: \`poolproof images import\``;
  return {
    ok: false,
    text: `${name} is missing; it ${use}${isNowhere ? none : ''}`,
    packages,
  };
}

/** Guests are emulated where there is none: nothing is missing then. */
async function checkKvm(): Promise<Line> {
  return { ok: true, text: await describeKvm() };
}

async function checkCache(cacheDir: string): Promise<Line> {
  // The folder may not exist yet; its nearest parent says how much room there is.
  for (let folder = cacheDir; ; folder = folder.slice(0, Math.max(1, folder.lastIndexOf('/')))) {
    const room = await statfs(folder).catch(() => null);
    if (room === null && folder !== '/') continue;
    const gib = room === null ? 0 : (room.bavail * room.bsize) / 1024 ** 3;
    return {
      ok: gib >= 4,
      text: `${gib.toFixed(1)} GiB free for the cache in ${cacheDir} (4 GiB are enough)`,
    };
  }
}

/** A run of a matrix with one guest at a time starts with this much: 512 MiB for it, and QEMU's own. */
const leastMib = 1024;

/** The oldest that the package's `engines` allow. */
const oldestNode = 22;

/** Where the packages of guests come from; not needed where the images of the default kernel are built. */
async function checkSources(cacheDir: string, images: readonly ListedImage[]): Promise<Line[]> {
  try {
    const remembered = await recallMirror(cacheDir);
    const { sources } = await resolveSources(guestSuite, { remembered });
    const addresses = [...new Set(sources.map(({ uri }) => uri))];
    const lines: Line[] = [{ ok: true, text: `packages of guests come from ${addresses.join(', ')}` }];
    const keyrings = new Set(sources.flatMap(({ options }) => options['signed-by'] ?? []));
    for (const file of keyrings) {
      // A key can also stand in the sources themselves.
      if (!file.startsWith('/')) continue;
      const missing = await requireKeyring(file).then(
        () => false,
        () => true,
      );
      if (missing)
        lines.push({
          ok: false,
          text: `${file} is missing; it has Debian's keys`,
          packages: keyringPackages,
        });
    }
    return lines;
  } catch (error) {
    if (!(error instanceof PoolproofError)) throw error;
    const built = images.find(({ name }) => name === `kernel-${kernels[0]?.name ?? ''}`)?.state === 'built';
    if (built) return [{ ok: true, text: 'no Debian mirror; images of the default kernel are here already' }];
    const text = `${error.message}: \`poolproof setup\` takes the address of a mirror`;
    const hasKeys = await requireKeyring(debianKeyring).then(
      () => true,
      () => false,
    );
    return [{ ok: false, text, ...(!hasKeys && { packages: keyringPackages }) }];
  }
}

function checkImages(images: readonly ListedImage[]): Line {
  const built = images.filter(({ state }) => state === 'built').length;
  return { ok: true, text: `${built} of ${images.length} images are built` };
}

/** Exit code: 0, or 3 where something is missing. */
export async function doctor(
  context: Context,
  _args: readonly string[],
  options: Readonly<{ cache?: string | undefined }>,
): Promise<number> {
  const cacheDir = cacheOption(options);
  const computer = await readComputer();
  const { jobs, budgetMib } = decideCapacity(computer, {});
  const images = await listImages({ cacheDir });
  const nodeMajor = Number.parseInt(process.versions.node, 10);
  const lines: Line[] = [
    {
      ok: nodeMajor >= oldestNode,
      text:
        `${computer.os}, Linux ${computer.kernel}, Node ${process.versions.node}` +
        (nodeMajor >= oldestNode ? '' : `; Node ${oldestNode} or later is needed`),
    },
    {
      ok: computer.memAvailableMib >= leastMib,
      text:
        `${formatCount(computer.cores, 'core')} (${computer.cpuModel}), ${computer.memAvailableMib} MiB free` +
        (computer.memAvailableMib >= leastMib ? '' : `; ${leastMib} MiB are needed`),
    },
    { ok: true, text: `${formatCount(jobs, 'guest')} at a time within ${budgetMib} MiB` },
    await checkQemu(),
    ...(await Promise.all(architectures.filter((one) => one !== defaultArchitecture).map(checkOther))),
    ...(await Promise.all(tools.map(checkTool))),
    await checkKvm(),
    await checkCache(cacheDir),
    ...(await checkSources(cacheDir, images)),
    checkImages(images),
  ];
  for (const { ok, text } of lines) context.out(`${ok ? 'ok     ' : 'MISSING'}  ${text}\n`);
  const missing = lines.flatMap(({ ok, packages }) => (ok || packages === undefined ? [] : [packages]));
  const how = describeInstall(missing);
  if (how !== null) context.out(`\n${ownPackageManager() === null ? '' : 'sudo '}${how}\n`);
  return lines.every(({ ok }) => ok) ? 0 : 3;
}
