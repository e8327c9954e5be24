/** Reads apt's sources of this computer, and selects the mirrors for a Debian suite. */
import { PoolproofError } from '../errors.ts';

/** Where Debian's own package, and those of other distributions, put Debian's keys. */
export const debianKeyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** One repository of the machine's own apt configuration, as far as a private apt root needs it. */
export type DebianSource = Readonly<{
  uri: string;
  suite: string;
  components: readonly string[];
  /** Options carried over: signed-by, trusted and the like; never the architecture. */
  options: Readonly<Record<string, string>>;
}>;

const words = (text: string): ReadonlySet<string> => new Set(text.split(' '));

/** Suites by distribution: what another one offers is no source of a Debian kernel, and the other way round. */
const suitesOf = {
  debian: words(
    'stretch buster bullseye bookworm trixie forky sid oldoldstable oldstable stable testing unstable',
  ),
  ubuntu: words('focal jammy noble oracular plucky questing'),
};

export const isUbuntuSuite = (suite: string): boolean => suitesOf.ubuntu.has(suite);

/** Suites that move: they have no security suite and no updates suite. */
const rollingSuites = new Set(['sid', 'unstable']);

/** Options that decide whom apt trusts and how it talks; the rest of an entry's options is about the machine. */
const keptOptions = new Set([
  'signed-by',
  'trusted',
  'check-valid-until',
  'check-date',
  'allow-insecure',
  'allow-weak',
]);

/** Parses one-line style (`deb [signed-by=…] uri suite component…`); lines of other kinds are skipped. */
export function parseOneLineSources(text: string): DebianSource[] {
  return text.split('\n').flatMap((raw) => {
    const line = raw.replace(/#.*/, '').trim();
    const match = /^deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s*(.*)$/.exec(line);
    if (match === null) return [];
    const [, rawOptions = '', uri = '', suite = '', components = ''] = match;
    const options: Record<string, string> = {};
    for (const item of rawOptions.split(/\s+/).filter(Boolean)) {
      const [key = '', ...value] = item.split('=');
      if (keptOptions.has(key.toLowerCase())) options[key.toLowerCase()] = value.join('=');
    }
    return [{ uri, suite, components: components.split(/\s+/).filter(Boolean), options }];
  });
}

/** Parses deb822 style (`*.sources`): one source for each URI and suite of a stanza. */
export function parseDeb822Sources(text: string): DebianSource[] {
  return parseStanzas(text).flatMap((fields) => {
    const words = (key: string): string[] => (fields[key] ?? '').split(/\s+/).filter(Boolean);
    if (!words('types').includes('deb') || /^(no|false|0|off)$/i.test(fields['enabled'] ?? '')) return [];
    const options: Record<string, string> = {};
    for (const [key, value] of Object.entries(fields)) if (keptOptions.has(key)) options[key] = value;
    return words('uris').flatMap((uri) =>
      words('suites').map((suite) => ({ uri, suite, components: words('components'), options })),
    );
  });
}

/**
 * Parses RFC 822-like stanzas. Keys are lower-cased; continuation lines are kept, with their newline,
 * because a Signed-By may hold a whole key. A `#` starts a comment only at the beginning of a line.
 */
export function parseStanzas(text: string): Record<string, string>[] {
  const stanzas: Record<string, string>[] = [];
  let fields: Record<string, string> = {};
  let lastKey = '';
  for (const line of [...text.split('\n'), '']) {
    if (line.startsWith('#')) continue;
    const field = /^([A-Za-z0-9][\w-]*):\s*(.*)$/.exec(line);
    if (line.trim() === '') {
      if (Object.keys(fields).length > 0) stanzas.push(fields);
      fields = {};
    } else if (/^\s/.test(line)) {
      fields[lastKey] = `${fields[lastKey] ?? ''}\n${line}`;
    } else if (field !== null) {
      lastKey = (field[1] ?? '').toLowerCase();
      fields[lastKey] = (field[2] ?? '').trim();
    }
  }
  return stanzas;
}

/**
 * Picks the sources for one suite: entries of that suite (and its `-updates` and `-security`), else entries of another
 * suite of the same distribution with the suite replaced, because one mirror carries all suites. Backports never count.
 * Empty when the machine has no source of the distribution.
 */
export function selectSources(sources: readonly DebianSource[], suite: string): DebianSource[] {
  const suites = isUbuntuSuite(suite) ? suitesOf.ubuntu : suitesOf.debian;
  const own = sources.flatMap((source) => {
    const parsed = /^(.*?)(?:[-/](security|updates))?$/.exec(source.suite.replace(/\/+$/, ''));
    const base = parsed?.[1] ?? '';
    return suites.has(base) && !source.uri.startsWith('cdrom:')
      ? [{ source, base, kind: parsed?.[2] ?? '' }]
      : [];
  });
  const exact = own.filter((entry) => entry.base === suite);
  const chosen = exact.some((entry) => entry.kind === '') ? exact : own;
  const selected = chosen
    .filter((entry) => entry.kind === '' || !rollingSuites.has(suite))
    .map(({ source, kind }) => ({
      ...source,
      suite: kind === '' ? suite : `${suite}-${kind}`,
      components: ['main'],
    }));
  const seen = new Set<string>();
  return selected.filter(({ uri, suite: name }) => {
    const key = `${uri.replace(/\/+$/, '')} ${name}`;
    return !seen.has(key) && seen.add(key);
  });
}

/** The addresses of a Debian archive and of its security updates, and the file with Debian's keys. */
export type DebianMirror = Readonly<{ mirror: string; security: string; keyring: string }>;

/** Debian's layout: security updates are an archive of their own, with a suite of their own name. */
export function mirrorSources({ mirror, security, keyring }: DebianMirror, suite: string): DebianSource[] {
  const source = (uri: string, name: string): DebianSource => ({
    uri,
    suite: name,
    components: ['main'],
    options: { 'signed-by': keyring },
  });
  const archive = source(mirror, suite);
  return rollingSuites.has(suite) ? [archive] : [archive, source(security, `${suite}-security`)];
}

/**
 * Sources from addresses with spaces between them; one that ends in `-security` carries the security suite.
 *
 * @throws PoolproofError OS_UNSUPPORTED without a security archive: what is pinned is a security update for months
 */
export function settingSources(
  setting: string,
  suite: string,
  options: Readonly<Record<string, string>>,
): DebianSource[] {
  const sources = setting
    .trim()
    .split(/\s+/)
    .map((uri): DebianSource => {
      const isSecurity = /-security\/?$/.test(uri);
      return { uri, suite: isSecurity ? `${suite}-security` : suite, components: ['main'], options };
    });
  const rolling = rollingSuites.has(suite);
  if (!rolling && !sources.some((source) => source.suite !== suite)) {
    throw new PoolproofError(
      'OS_UNSUPPORTED',
      'POOLPROOF_DEBIAN_MIRROR names no security archive, and most pinned versions are in no other for months',
      { hint: 'add, after a space, the address of the security archive, which ends in `-security`' },
    );
  }
  return sources.filter((source) => !rolling || source.suite === suite);
}

/** Writes deb822 for a private apt root; the architecture is the guest's, not the machine's. */
export function formatSources(sources: readonly DebianSource[], architecture: string): string {
  return sources
    .map((source) =>
      [
        'Types: deb',
        `URIs: ${source.uri}`,
        `Suites: ${source.suite}`,
        `Components: ${source.components.join(' ')}`,
        `Architectures: ${architecture}`,
        ...Object.entries(source.options).map(([key, value]) => `${key}: ${value}`),
        '',
      ].join('\n'),
    )
    .join('\n');
}
