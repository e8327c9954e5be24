/** Guests of riscv64, whose address space is as narrow as the processor's mode makes it, and not as a limit does. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t from 'tap';
import { architectureOf } from '../images/architectures.ts';
import { resolveCacheFolder } from '../images/cache/cache-folder.ts';
import { parseMatrix } from './matrix/load.ts';
import { findExecutable } from './plan/computer.ts';
import { runMatrix } from './run/run.ts';

const { program } = architectureOf('riscv64').qemu;
const isMissing = (await findExecutable(program)) === null;

const matrix = parseMatrix(
  `axes: { kernel: trixie, memory: 2G, engine: v8, node: 24, arch: [x86-64, riscv64], addressBits: [38, 39] }
exclude: [{ arch: riscv64, addressBits: 39 }]`,
  'riscv64.yaml',
);

t.test(
  'sv39 on riscv64, and limits of 38 and 39 bits on x86-64, lead to one tier, each as predicted',
  { skip: isMissing && `${program} is not installed` },
  async (t) => {
    const resultsDir = mkdtempSync(path.join(tmpdir(), 'poolproof-test-'));
    t.teardown(() => rmSync(resultsDir, { recursive: true, force: true }));
    const cacheDir = resolveCacheFolder();
    const { results, record, exitCode } = await runMatrix(matrix, { resultsDir, cacheDir });
    t.equal(exitCode, 0);
    t.equal(results.length, 3);
    for (const { id, outcome, tier, verdict, attempts } of results) {
      t.same(
        { outcome, tier, verdict },
        { outcome: 'reached', tier: 'conservative', verdict: 'expected' },
        id,
      );
      t.match(attempts, [{ start: 'clone' }], id);
    }
    const of = (bits: number, arch: string) =>
      results.find(({ settings }) => settings.arch === arch && settings.addressBits === bits);
    const isStandIn = (bits: number, arch: string) =>
      of(bits, arch)?.readBack.find(({ axis }) => axis === 'addressBits')?.standIn === true;
    const real = of(38, 'riscv64');
    t.match(real?.facts, {
      architecture: 'riscv64',
      addressBits: 38,
      addressSpaceLimit: null,
      emulated: true,
    });
    t.match(of(38, 'x86-64')?.facts, { addressBits: 47, addressSpaceLimit: 2 ** 38 });
    t.same([isStandIn(38, 'riscv64'), isStandIn(38, 'x86-64'), isStandIn(39, 'x86-64')], [false, true, true]);
    t.match(record.kernels, { 'riscv64/trixie': /^6\.12\..*-riscv64$/ });
  },
);
