/** A guest of another architecture: booted, saved, cloned, and as the model predicts. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t from 'tap';
import { architectureOf } from '../images/architectures.ts';
import { resolveCacheFolder } from '../images/cache/cache-folder.ts';
import { parseMatrix } from './matrix/load.ts';
import { findExecutable } from './plan/computer.ts';
import { runMatrix } from './run/run.ts';

const { program } = architectureOf('arm64').qemu;
const isMissing = (await findExecutable(program)) === null;

t.test(
  'a clone of an arm64 guest reaches the predicted tier, with settings that were read back',
  { skip: isMissing && `${program} is not installed` },
  async (t) => {
    const resultsDir = mkdtempSync(path.join(tmpdir(), 'poolproof-test-'));
    t.teardown(() => rmSync(resultsDir, { recursive: true, force: true }));
    // Node 24 starts here, and with twice the code range of x86-64 does not.
    const matrix = parseMatrix('axes: { arch: arm64, memory: 1G, overcommit: 2, node: 24 }', 'arm64.yaml');
    const { results, record, exitCode } = await runMatrix(matrix, {
      resultsDir,
      cacheDir: resolveCacheFolder(),
    });
    t.equal(exitCode, 0);
    t.equal(results.length, 1);
    t.match(results[0], {
      outcome: 'reached',
      tier: 'conservative',
      verdict: 'expected',
      facts: { architecture: 'arm64', pageSize: 4096, addressBits: 48, emulated: true },
      attempts: [{ start: 'clone' }],
    });
    t.match(record.kernels, { 'arm64/bookworm': /^6\.1\..*-cloud-arm64$/ });
    t.match(record.qemu.path, /qemu-system-aarch64$/);
  },
);
