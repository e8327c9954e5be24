import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t, { type Test } from 'tap';
import { endSigning, makeRepository, makeSigningKey } from '../images/fixtures/apt-repository.ts';
import { recallMirror } from '../images/source/debian-mirror.ts';
import { listen } from './fixtures/fake-commands.ts';
import { main } from './program.ts';

// Short: the socket of gpg's agent lies below it.
const work = await mkdtemp(path.join(tmpdir(), 'poolproof-mirror-'));
const key = await makeSigningKey(work);
t.teardown(async () => {
  await endSigning(key);
  await rm(work, { recursive: true, force: true });
});

const kernel = 'linux-image-6.1.0-99-cloud-amd64';
const mirror = await makeRepository(
  path.join(work, 'debian'),
  'bookworm',
  [
    { name: 'libc6', version: '2.36-9' },
    { name: 'linux-image-cloud-amd64', version: '6.1.1', depends: `${kernel} (= 6.1.1)` },
    { name: kernel, version: '6.1.1' },
  ],
  key,
);
const security = await makeRepository(
  path.join(work, 'updates'),
  'bookworm-security',
  [{ name: 'libc6', version: '2.36-9+deb12u9' }],
  key,
);

async function run(t: Test, words: readonly string[], typed: readonly string[] = []) {
  process.env['POOLPROOF_CACHE'] = path.join(t.testdirName, 'cache');
  const { context, stdin, out, err } = listen();
  if (typed.length > 0) {
    Object.assign(stdin, { isTTY: true });
    // One answer to each question: readline drops lines that come before anybody asks.
    let asked = 0;
    context.stderr.on('data', (text: Buffer) => {
      if (text.includes(': ')) stdin.write(`${typed[asked++] ?? ''}\n`);
    });
  }
  const code = await main(words, context);
  return { code, out: out(), err: err() };
}

t.test('a mirror and its security archive are checked, remembered and forgotten', async (t) => {
  t.testdir();
  const given = ['--mirror', mirror, '--security', security, '--keyring', key.keyring];
  const done = await run(t, ['setup', ...given]);
  t.match(done, {
    code: 0,
    out: /offer libc6 2\.36-9\+deb12u9 and linux-image-6\.1\.0-99-cloud-amd64 6\.1\.1;/,
  });
  const cache = path.join(t.testdirName, 'cache');
  t.same(await recallMirror(cache), { mirror, security, keyring: key.keyring });
  const shown = await run(t, ['setup']);
  t.match(shown, { code: 0, out: new RegExp(`come from ${mirror} and ${security}: .*--forget`) });
  t.match(await run(t, ['doctor']), { out: new RegExp(`\nok +packages of guests come from ${mirror}, `) });
  t.match(await run(t, ['setup', '--forget']), { code: 0 });
  t.equal(await recallMirror(cache), undefined);
});

t.test('on a terminal both addresses are asked for', async (t) => {
  t.testdir();
  const words = ['setup', '--keyring', key.keyring, '--mirror', mirror];
  t.match(await run(t, words, [security]), { code: 0, out: /remembered in/ });
  const both = ['setup', '--keyring', key.keyring, '--security', security];
  t.match(await run(t, both, [mirror]), { code: 0, out: /remembered in/ });
});

t.test('what would fail later is refused now, with the reason', async (t) => {
  const dir = t.testdir();
  const setup = (...words: string[]) => run(t, ['setup', '--keyring', key.keyring, ...words]);
  t.match(await setup('--mirror', mirror), {
    code: 2,
    err: /^USAGE: --mirror needs --security beside it[^]*security updates/,
  });
  t.match(await setup('--security', security), { code: 2, err: /^USAGE: --security needs --mirror/ });
  t.match(await setup('--mirror', 'debian', '--security', security), {
    code: 2,
    err: /"debian" is no address/,
  });
  t.match(await setup('--mirror', `${mirror}\nTrusted: yes`, '--security', security), {
    code: 2,
    err: /^USAGE: .* is no address/m,
  });
  t.match(await setup('--mirror', security, '--security', mirror), { code: 3, err: /^IMAGE_FETCH: /m });
  const other = await makeRepository(path.join(dir, 'other'), 'bookworm', [{ name: 'x', version: '1' }], key);
  t.match(await setup('--mirror', other, '--security', security), {
    code: 3,
    err: /no package linux-image-cloud-amd64/,
  });
  const nobody = path.join(dir, 'keys.gpg');
  const given = ['--mirror', mirror, '--security', security, '--keyring', nobody];
  t.match(await run(t, ['setup', ...given]), { code: 3, err: /^OS_UNSUPPORTED: Debian's keys are not in/m });
  const stranger = await makeSigningKey(await mkdtemp(path.join(work, 'k')));
  t.teardown(() => endSigning(stranger));
  const foreign = ['--mirror', mirror, '--security', security, '--keyring', stranger.keyring];
  t.match(await run(t, ['setup', ...foreign]), { code: 3, err: /^IMAGE_FETCH: [^]*(NO_PUBKEY|not signed)/m });
  t.equal(await recallMirror(path.join(dir, 'cache')), undefined);
});
