/** A folder with another Debian or what looks like Ubuntu, and shells in it; made with mmdebstrap, which needs root. */
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { defaultArchitecture } from '../../images/architectures.ts';
import { loadMachineSources } from '../../images/source/apt.ts';
import { formatSources, selectSources } from '../../images/source/sources-list.ts';
import { qemuTool, tools } from '../../images/tools.ts';
import { indexRepository } from '../../images/fixtures/apt-repository.ts';

export const suite = 'bookworm';

/** The way out of this computer: its certificates and proxies, by the names that npm, pip and apt read. */
const networkVariable = /^(?:NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|PIP_\w+|npm_config_\w+|\w+_proxy)$/i;

export const networkEnv = (): Record<string, string> =>
  Object.fromEntries(
    Object.entries(process.env).flatMap(([key, value]) =>
      value !== undefined && networkVariable.test(key) ? [[key, value]] : [],
    ),
  );

/** A minimal Debian from this computer's own mirrors, as its official container has it. */
export async function makeDebian(root: string): Promise<void> {
  const sources = selectSources(await loadMachineSources(), suite);
  const file = `${root}.sources`;
  await writeFile(file, formatSources(sources, defaultArchitecture.debian.architecture));
  await execa('mmdebstrap', ['--variant=minbase', '--quiet', suite, root, file], { stdio: 'inherit' });
  await cp('/etc/resolv.conf', path.join(root, 'etc/resolv.conf'), { dereference: true });
  // Certificates of this computer's network: taken up when ca-certificates is installed.
  const own = 'usr/local/share/ca-certificates';
  await cp(path.join('/', own), path.join(root, own), { recursive: true }).catch(() => undefined);
}

const ubuntuRelease = `PRETTY_NAME="Ubuntu 24.04.1 LTS"
NAME="Ubuntu"
VERSION_ID="24.04"
VERSION_CODENAME=noble
ID=ubuntu
ID_LIKE=debian
UBUNTU_CODENAME=noble
`;

/**
 * Makes a Debian look like Ubuntu 24.04: its name, no keys of Debian, and sources of the suite noble alone, which is a
 * repository on its disk with what set-up installs.
 */
export async function disguiseAsUbuntu(root: string): Promise<void> {
  const packages = [qemuTool, ...tools].flatMap((tool) => tool.packages.apt?.split(' ') ?? []);
  const words = [
    ...new Set([...packages, 'nodejs', 'npm', 'git', 'ca-certificates', 'debian-archive-keyring']),
  ];
  const run = async (script: string): Promise<void> => {
    const code = await chrootShell(root, script, '/', {});
    if (code !== 0) throw new Error(`exit code ${code}: ${script}`);
  };
  await run(
    `apt-get update -q && apt-get install -q -y --no-install-recommends --download-only ${words.join(' ')}`,
  );
  await run('cd /var/cache/apt/archives && apt-get download -q debian-archive-keyring');
  const pool = path.join(root, 'srv/ubuntu/pool');
  const archives = path.join(root, 'var/cache/apt/archives');
  await mkdir(pool, { recursive: true });
  for (const name of await readdir(archives)) {
    if (!name.endsWith('.deb')) continue;
    // An epoch is escaped in the name, and apt would unescape it.
    await rename(path.join(archives, name), path.join(pool, name.replace(/%3a/g, '-')));
  }
  await indexRepository(path.join(root, 'srv/ubuntu'), 'noble');
  const sources = path.join(root, 'etc/apt/sources.list.d');
  await rm(sources, { recursive: true });
  await mkdir(sources);
  await rm(path.join(root, 'etc/apt/sources.list'), { force: true });
  await writeFile(
    path.join(sources, 'ubuntu.sources'),
    'Types: deb\nURIs: file:/srv/ubuntu\nSuites: noble\nComponents: main\nTrusted: yes\n',
  );
  // Debian's apt depends on Debian's keys; Ubuntu's has its own.
  const control = 'Package: ubuntu-keyring\\nVersion: 1\\nArchitecture: all\\nMaintainer: none\\n';
  await run(
    `mkdir -p /tmp/keys/DEBIAN && printf '${control}Provides: debian-archive-keyring\\nDescription: keys\\n' >/tmp/keys/DEBIAN/control && ` +
      'dpkg-deb --build /tmp/keys /tmp/keys.deb && dpkg -i /tmp/keys.deb && dpkg --purge debian-archive-keyring',
  );
  await rm(path.join(root, 'etc/os-release'));
  await writeFile(path.join(root, 'etc/os-release'), ubuntuRelease);
}

/** Runs a script with bash in the folder, with mounts of its own that end with it. @returns its exit code */
export async function chrootShell(
  root: string,
  script: string,
  cwd: string,
  env: Readonly<Record<string, string>>,
): Promise<number> {
  const file = path.join(root, 'tmp/step.sh');
  await writeFile(file, script);
  const mounts = 'mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" && mount --rbind /sys "$1/sys"';
  const inside = 'cd "$1" && exec bash --noprofile --norc -eo pipefail /tmp/step.sh';
  const { exitCode } = await execa(
    'setpriv',
    [
      // However this process ends, its shells end with it; unshare itself ignores SIGTERM.
      ...['--pdeathsig', 'KILL', 'unshare'],
      ...['--mount', '--pid', '--fork', '--kill-child'],
      ...['sh', '-c', `${mounts} && exec chroot "$1" bash -c '${inside}' sh "$2"`, 'sh', root, cwd],
    ],
    {
      extendEnv: false,
      env: {
        PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        HOME: '/root',
        CI: 'true',
        DEBIAN_FRONTEND: 'noninteractive',
        ...networkEnv(),
        ...env,
      },
      reject: false,
      stdin: 'ignore',
      stdout: 'inherit',
      stderr: 'inherit',
    },
  );
  return exitCode ?? 1;
}

/** The addresses that this computer's own apt has for Debian. */
export async function ownMirror(): Promise<Readonly<{ mirror: string; security: string }>> {
  const sources = selectSources(await loadMachineSources(), suite);
  const addressOf = (wanted: string): string => sources.find((source) => source.suite === wanted)?.uri ?? '';
  return { mirror: addressOf(suite), security: addressOf(`${suite}-security`) };
}

export const readText = (root: string, file: string): Promise<string> =>
  readFile(path.join(root, file), 'utf8');
