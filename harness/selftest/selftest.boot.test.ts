/** Real guests: this computer passes the selftest, with few machines. */
import t from 'tap';
import { resolveCacheFolder } from '../../images/cache/cache-folder.ts';
import { runSelftest } from './selftest.ts';

t.test('every check holds on this computer', async (t) => {
  const { checks, accelerator } = await runSelftest({ cacheDir: resolveCacheFolder(), boots: 1, clones: 3 });
  for (const { name, status, found } of checks) t.not(status, 'fails', `${name}: ${found}`);
  t.equal(checks.length, 16);
  t.match(accelerator, { kind: /^(?:tcg|kvm)$/, reason: /./ });
});
