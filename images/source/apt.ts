/** Fetches Debian packages with an apt root of its own, which changes nothing on this computer. */
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { PoolproofError } from '../errors.ts';
import type { Architecture } from '../architectures.ts';
import { runTool, type ToolOptions } from './run-tool.ts';
import {
  debianKeyring,
  formatSources,
  isUbuntuSuite,
  mirrorSources,
  parseDeb822Sources,
  parseOneLineSources,
  parseStanzas,
  selectSources,
  settingSources,
  type DebianMirror,
  type DebianSource,
} from './sources-list.ts';

const etc = '/etc/apt';

export type DebianPackage = Readonly<{
  package: string;
  version: string;
  depends: string;
  /** From the index that Debian's key signs. */
  sha256: string;
  size: number;
}>;

/** Reads the sources of this machine's apt; empty where there is no apt. */
export async function loadMachineSources(folder = etc): Promise<DebianSource[]> {
  const parts = path.join(folder, 'sources.list.d');
  const names = await readdir(parts).catch(() => []);
  const files = [path.join(folder, 'sources.list'), ...names.sort().map((name) => path.join(parts, name))];
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => '')));
  return files.flatMap((file, index) => {
    const text = texts[index] ?? '';
    if (file.endsWith('.list')) return parseOneLineSources(text);
    return file.endsWith('.sources') ? parseDeb822Sources(text) : [];
  });
}

/** Where the sources of a suite come from: POOLPROOF_DEBIAN_MIRROR, `poolproof setup`, this machine's apt. */
export type SourceOrigin = 'setting' | 'remembered' | 'machine';

export type ResolvedSources = Readonly<{ origin: SourceOrigin; sources: readonly DebianSource[] }>;

/**
 * Sources for one suite: those of the setting POOLPROOF_DEBIAN_MIRROR where it is set, else the mirror that
 * `poolproof setup` remembered, else the machine's own.
 *
 * @throws PoolproofError OS_UNSUPPORTED
 */
export async function resolveSources(
  suite: string,
  {
    setting = process.env['POOLPROOF_DEBIAN_MIRROR'] ?? '',
    remembered,
    folder = etc,
  }: Readonly<{ setting?: string; remembered?: DebianMirror | undefined; folder?: string }> = {},
): Promise<ResolvedSources> {
  if (isUbuntuSuite(suite)) return { origin: 'machine', sources: await ubuntuSources(suite, folder) };
  if (setting.trim() !== '') {
    const options = await stat(debianKeyring).then(
      () => ({ 'signed-by': debianKeyring }),
      () => ({}),
    );
    return { origin: 'setting', sources: settingSources(setting, suite, options) };
  }
  if (remembered !== undefined) return { origin: 'remembered', sources: mirrorSources(remembered, suite) };
  const sources = selectSources(await loadMachineSources(folder), suite);
  if (sources.length > 0) return { origin: 'machine', sources };
  throw new PoolproofError('OS_UNSUPPORTED', `no apt source of Debian was found for the suite ${suite}`, {
    hint:
      'name a Debian mirror and its security archive once with `poolproof setup` (with apt and ' +
      'debian-archive-keyring installed), or build the images on a Debian machine and bring them here with ' +
      '`poolproof images export` and `poolproof images import`',
  });
}

/** Only this machine's own: nobody is asked for a mirror of Ubuntu, whose kernels only Ubuntu users need. */
async function ubuntuSources(suite: string, folder: string): Promise<readonly DebianSource[]> {
  const sources = selectSources(await loadMachineSources(folder), suite);
  if (sources.length > 0) return sources;
  throw new PoolproofError(
    'OS_UNSUPPORTED',
    `the kernel of ${suite} comes from Ubuntu's own sources, and ${folder} of this computer has none`,
    {
      hint:
        "run this cell on Ubuntu, or build the kernel's images there and bring them here with `poolproof images " +
        'export` and `poolproof images import`; `kernel: trixie` and `kernel: bullseye` are the nearest Debian ones',
    },
  );
}

/**
 * One suite seen through an apt of its own: own lists, own cache, own empty status file. The machine's apt
 * lends only what says how to reach and whom to trust: proxies, keys, credentials. Its hooks do not run.
 */
export class AptRoot {
  readonly #folder: string;
  readonly #suite: string;
  readonly #architecture: Architecture;
  readonly #loadSources: () => Promise<readonly DebianSource[]>;
  #updated: Promise<void> | undefined;

  constructor(
    folder: string,
    { suite, architecture }: Readonly<{ suite: string; architecture: Architecture }>,
    loadSources: () => Promise<readonly DebianSource[]>,
  ) {
    this.#folder = folder;
    this.#suite = suite;
    this.#architecture = architecture;
    this.#loadSources = loadSources;
  }

  /** The package in the version asked for, or in the newest; undefined when the index does not have it. */
  async find(name: string, version?: string): Promise<DebianPackage | undefined> {
    await (this.#updated ??= this.#update());
    const selector = version === undefined ? ['--no-all-versions', name] : [`${name}=${version}`];
    const shown = await runTool(
      'apt-cache',
      ['show', ...selector],
      this.#options(`looking up ${name}`),
    ).catch((error: unknown) => {
      // apt-cache exits with 100 both for an unknown name and for an unknown version.
      if (
        error instanceof PoolproofError &&
        /No packages found|was not found/.test(error.details.stderr ?? '')
      ) {
        return { stdout: '' };
      }
      throw error;
    });
    const stanza = parseStanzas(shown.stdout).find((fields) => fields['package'] === name);
    if (stanza === undefined) return undefined;
    return {
      package: name,
      version: stanza['version'] ?? '',
      depends: stanza['depends'] ?? '',
      sha256: stanza['sha256'] ?? '',
      size: Number(stanza['size']),
    };
  }

  /** Downloads one version into a folder; apt checks it against the signed index. Returns the file. */
  async download(found: DebianPackage, folder: string): Promise<string> {
    await mkdir(folder, { recursive: true });
    await runTool('apt-get', ['download', `${found.package}=${found.version}`], {
      ...this.#options(`fetching ${found.package} ${found.version}`),
      cwd: folder,
    });
    const file = (await readdir(folder)).find((name) => name.startsWith(`${found.package}_`));
    if (file === undefined) {
      throw new PoolproofError('IMAGE_FETCH', `apt-get left no file for ${found.package} ${found.version}`);
    }
    return path.join(folder, file);
  }

  async #update(): Promise<void> {
    const sources = await this.#loadSources();
    const { architecture } = this.#architecture.debian;
    for (const sub of ['lists/partial', 'cache/archives/partial', 'empty']) {
      await mkdir(path.join(this.#folder, sub), { recursive: true });
    }
    // `apt-config dump` is how apt itself writes its settings down; proxies and certificates are below Acquire.
    const acquire = await runTool('apt-config', ['dump', 'Acquire'], {
      code: 'OS_UNSUPPORTED',
      doing: "reading this machine's apt settings",
    });
    const at = (name: string): string => path.join(this.#folder, name);
    await writeFile(at('status'), '');
    await writeFile(at('poolproof.sources'), formatSources(sources, architecture));
    const settings = {
      'APT::Architecture': architecture,
      'APT::Architectures': architecture,
      // The private root is often in a home folder, which the user _apt may not enter.
      'APT::Sandbox::User': os.userInfo().username,
      // An index that could not be fetched is an error, and not a warning with old lists.
      'APT::Update::Error-Mode': 'any',
      'Acquire::Languages': 'none',
      'Dir::State': this.#folder,
      'Dir::State::lists': at('lists'),
      'Dir::State::status': at('status'),
      'Dir::Cache': at('cache'),
      'Dir::Etc::sourcelist': at('poolproof.sources'),
      'Dir::Etc::sourceparts': at('empty'),
      'Dir::Etc::parts': at('empty'),
      'Dir::Etc::main': at('empty/none'),
      'Dir::Etc::preferences': at('empty/none'),
      'Dir::Etc::preferencesparts': at('empty'),
      'Dir::Etc::trusted': `${etc}/trusted.gpg`,
      'Dir::Etc::trustedparts': `${etc}/trusted.gpg.d`,
      'Dir::Etc::netrc': `${etc}/auth.conf`,
      'Dir::Etc::netrcparts': `${etc}/auth.conf.d`,
    };
    const lines = Object.entries(settings).map(([key, value]) => `${key} "${value}";`);
    await writeFile(at('apt.conf'), `${acquire.stdout}\n${lines.join('\n')}\n`);
    await runTool('apt-get', ['update', '-q'], {
      ...this.#options(`reading the package lists of ${this.#suite}`),
      hint: 'check the network and the mirrors: those in /etc/apt, or those given to `poolproof setup`',
    });
  }

  #options(doing: string): ToolOptions {
    return {
      code: 'IMAGE_FETCH',
      doing,
      env: { APT_CONFIG: path.join(this.#folder, 'apt.conf'), DEBIAN_FRONTEND: 'noninteractive' },
    };
  }
}

/**
 * Packages a kernel consists of: what the meta package depends on, and what that depends on in turn, as far
 * as it is called linux-image, linux-binary, linux-modules, linux-modules-extra or linux-base with a version (later
 * suites split the image, as Ubuntu does). The part is the kind of package, e.g. `image`.
 */
export async function findKernelPackages(
  apt: AptRoot,
  metaPackage: string,
): Promise<readonly Readonly<{ part: string; found: DebianPackage }>[]> {
  const parts: { part: string; found: DebianPackage }[] = [];
  const queue = [metaPackage];
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    const found = await apt.find(name);
    if (found === undefined) throw new PoolproofError('IMAGE_FETCH', `the sources have no package ${name}`);
    const part = /^linux-(image|binary|modules-extra|modules|base)-\d/.exec(name)?.[1];
    if (part !== undefined) parts.push({ part, found });
    for (const dependency of found.depends.split(',')) {
      const next = /^\s*(linux-(?:image|binary|modules-extra|modules|base)-\d\S*)/.exec(dependency)?.[1];
      if (next !== undefined && !parts.some((known) => known.found.package === next)) queue.push(next);
    }
  }
  return parts;
}
