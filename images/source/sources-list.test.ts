import t from 'tap';
import { loadMachineSources, resolveSources, type ResolvedSources } from './apt.ts';
import {
  formatSources,
  parseDeb822Sources,
  parseOneLineSources,
  parseStanzas,
  selectSources,
  type DebianSource,
} from './sources-list.ts';

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
const source = (uri: string, suite: string, options: Record<string, string> = {}): DebianSource => ({
  uri,
  suite,
  components: ['main'],
  options,
});

t.test('one-line entries are read with their options; the rest of the file is passed over', (t) => {
  const text = [
    '# deb http://commented.test/debian bookworm main',
    `deb [arch=amd64,arm64 signed-by=${keyring}] http://mirror.test/debian bookworm main contrib # end`,
    'deb-src http://mirror.test/debian bookworm main',
    'deb [ trusted=yes ] file:/srv/debian bookworm-security main',
    'deb http://flat.test/debian ./',
    'nonsense',
    '',
  ].join('\n');
  t.strictSame(parseOneLineSources(text), [
    {
      uri: 'http://mirror.test/debian',
      suite: 'bookworm',
      components: ['main', 'contrib'],
      options: { 'signed-by': keyring },
    },
    {
      uri: 'file:/srv/debian',
      suite: 'bookworm-security',
      components: ['main'],
      options: { trusted: 'yes' },
    },
    { uri: 'http://flat.test/debian', suite: './', components: [], options: {} },
  ]);
  t.end();
});

t.test('deb822 stanzas give one source for each address and suite', (t) => {
  const text = [
    'Types: deb deb-src',
    '# a comment inside',
    'URIs: http://a.test/debian http://b.test/debian',
    'Suites: bookworm bookworm-updates',
    'Components: main non-free',
    'Architectures: arm64',
    `Signed-By: ${keyring}`,
    '',
    'Types: deb-src',
    'URIs: http://sources.test/debian',
    'Suites: bookworm',
    '',
    'Enabled: no',
    'Types: deb',
    'URIs: http://off.test/debian',
    'Suites: bookworm',
  ].join('\n');
  const found = parseDeb822Sources(text);
  t.strictSame(
    found.map(({ uri, suite }) => `${uri} ${suite}`),
    [
      'http://a.test/debian bookworm',
      'http://a.test/debian bookworm-updates',
      'http://b.test/debian bookworm',
      'http://b.test/debian bookworm-updates',
    ],
  );
  t.strictSame(found[0]?.options, { 'signed-by': keyring });
  t.end();
});

t.test('a key inside Signed-By keeps its lines', (t) => {
  const text = 'Types: deb\nURIs: http://a.test\nSuites: sid\nSigned-By:\n -----BEGIN KEY-----\n .\n abc\n';
  const [found] = parseDeb822Sources(text);
  t.equal(found?.options['signed-by'], '\n -----BEGIN KEY-----\n .\n abc');
  t.match(formatSources(found ? [found] : [], 'amd64'), /signed-by: \n -----BEGIN KEY-----\n \.\n abc\n/);
  t.end();
});

t.test('stanzas of apt-cache are read field by field', (t) => {
  t.strictSame(parseStanzas('Package: a\nDescription: x\n more\n\n\nPackage: b\n'), [
    { package: 'a', description: 'x\n more' },
    { package: 'b' },
  ]);
  t.end();
});

t.test('of several suites only the one asked for is taken, with its updates and security', (t) => {
  const all = [
    'bookworm',
    'bookworm-updates',
    'bookworm-backports',
    'bookworm-proposed-updates',
    'trixie',
  ].map((suite) => source('http://a.test/debian', suite));
  all.push(source('http://a.test/debian-security', 'bookworm-security'));
  all.push(source('http://a.test/debian-security/', 'bookworm-security/'));
  t.strictSame(
    selectSources(all, 'bookworm').map(({ uri, suite }) => `${uri} ${suite}`),
    [
      'http://a.test/debian bookworm',
      'http://a.test/debian bookworm-updates',
      'http://a.test/debian-security bookworm-security',
    ],
  );
  t.end();
});

t.test('a machine of another Debian suite lends its mirrors', (t) => {
  const all = [
    source('http://a.test/debian', 'stable', { 'signed-by': keyring }),
    source('http://a.test/security', 'trixie-security'),
  ];
  t.strictSame(selectSources(all, 'bookworm'), [
    source('http://a.test/debian', 'bookworm', { 'signed-by': keyring }),
    source('http://a.test/security', 'bookworm-security'),
  ]);
  t.strictSame(
    selectSources(all, 'sid').map(({ suite }) => suite),
    ['sid'],
    'sid has no security suite',
  );
  t.end();
});

t.test('other distributions, discs and third parties are no source of Debian', (t) => {
  const all = [
    source('http://ubuntu.test/ubuntu', 'noble'),
    source('http://ubuntu.test/ubuntu', 'noble-security'),
    source('cdrom:[Debian 12]/', 'bookworm'),
    source('http://third.test/apt', 'nodistro'),
    source('http://third.test/apt', './'),
  ];
  t.strictSame(selectSources(all, 'bookworm'), []);
  t.end();
});

t.test('both styles are read from the configuration, other files are not', async (t) => {
  const folder = t.testdir({
    'sources.list': 'deb http://one.test/debian bookworm main\n',
    'sources.list.d': {
      'b.list': 'deb http://two.test/debian bookworm main\n',
      'a.sources': 'Types: deb\nURIs: http://three.test/debian\nSuites: bookworm\nComponents: main\n',
      'c.list.disabled': 'deb http://off.test/debian bookworm main\n',
    },
  });
  t.strictSame(
    (await loadMachineSources(folder)).map(({ uri }) => uri),
    ['http://one.test/debian', 'http://three.test/debian', 'http://two.test/debian'],
  );
});

t.test('without a Debian source an error says what to do', async (t) => {
  const error = { code: 'OS_UNSUPPORTED', details: { hint: /poolproof setup.*images import/ } };
  await t.rejects(resolveSources('bookworm', { folder: t.testdir() }), error);
  const folder = t.testdir({ 'sources.list': 'deb http://ubuntu.test/ubuntu noble main\n' });
  await t.rejects(resolveSources('bookworm', { setting: '', folder }), error);
});

const show = ({ sources }: ResolvedSources): string[] => sources.map(({ uri, suite }) => `${uri} ${suite}`);
const setting = 'http://m.test/debian http://m.test/debian-security';
const remembered = { mirror: 'http://r.test/debian', security: 'http://r.test/updates', keyring };

t.test('the setting goes before a remembered mirror, and that before the configuration', async (t) => {
  const folder = t.testdir({ 'sources.list': 'deb http://a.test/debian bookworm main\n' });
  const set = await resolveSources('bookworm', { setting, remembered, folder });
  t.equal(set.origin, 'setting');
  t.strictSame(show(set), [
    'http://m.test/debian bookworm',
    'http://m.test/debian-security bookworm-security',
  ]);
  const known = await resolveSources('bookworm', { remembered, folder });
  t.equal(known.origin, 'remembered');
  t.strictSame(known.sources, [
    source('http://r.test/debian', 'bookworm', { 'signed-by': keyring }),
    source('http://r.test/updates', 'bookworm-security', { 'signed-by': keyring }),
  ]);
  const machine = await resolveSources('bookworm', { folder });
  t.equal(machine.origin, 'machine');
  t.strictSame(show(machine), ['http://a.test/debian bookworm']);
});

t.test('a setting without a security archive is refused with the reason', async (t) => {
  await t.rejects(resolveSources('bookworm', { setting: 'http://m.test/debian' }), {
    code: 'OS_UNSUPPORTED',
    message: /no security archive, and most pinned versions are in no other/,
    details: { hint: /-security/ },
  });
  t.strictSame(show(await resolveSources('sid', { setting })), ['http://m.test/debian sid']);
  t.strictSame(show(await resolveSources('sid', { remembered })), ['http://r.test/debian sid']);
});
