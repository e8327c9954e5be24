/**
 * A whole run on an arm64 computer, a guest of this one: `node dist/scripts/arm64-computer/main.js [--disk FILE]`. Its
 * disk stays in that file, and is taken from there when it is there
 */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { resolveCacheFolder } from '../../images/cache/cache-folder.ts';
import { project } from '../../images/paths.ts';
import { makeTemporaryFolder } from '../../images/temporary-folder.ts';
import { parseMatrix } from '../../harness/matrix/load.ts';
import { runMatrix } from '../../harness/run/run.ts';
import { collectResults, readRun } from '../../harness/store/read-run.ts';
import type { Result } from '../../harness/store/result.ts';
import { loadRecord } from '../../harness/store/run-record.ts';
import { buildDisk, places } from './build-disk.ts';
import { compareResults } from './compare.ts';
import { type Computer, type Ended, engine, libwasmtime, startComputer } from './computer.ts';

const images = { kernel: 'bookworm', nodes: ['22'], engines: [engine] };

/** Two cells that end differently, of one boot. */
const matrix =
  '{ title: Guests of an arm64 computer, axes: { arch: [arm64], memory: [512M], overcommit: [0, 2], node: [22] } }';

const { values } = parseArgs({ options: { disk: { type: 'string' } } });

const minuteMs = 60_000;
const cacheDir = resolveCacheFolder();
const say = (text: string): void => void process.stdout.write(`${text}\n`);

let failed = 0;
function check(title: string, ok: boolean, detail = ''): void {
  if (!ok) failed += 1;
  say(`  ${ok ? 'ok    ' : 'FAILED'}  ${title}${ok ? '' : `\n${detail}`}`);
}

/** Says how long it took. */
async function step<T>(title: string, work: () => Promise<T>): Promise<T> {
  const since = Date.now();
  say(`${title} ...`);
  const value = await work();
  say(`  ${((Date.now() - since) / 1000).toFixed(0)} s`);
  return value;
}

const everything = ({ exitCode, stdout, stderr }: Ended): string =>
  `exit code ${String(exitCode)}\n${stdout}${stderr}`;

/** The same cells on this computer. */
async function runHere(resultsDir: string): Promise<readonly Result[]> {
  const { results, exitCode } = await runMatrix(parseMatrix(matrix, 'computer.yaml'), {
    resultsDir,
    cacheDir,
  });
  for (const { id, outcome, tier } of results) say(`  ${id}: ${tier ?? outcome}`);
  check('every cell does what is expected', exitCode === 0);
  return results;
}

async function checkSystem(computer: Computer): Promise<void> {
  const words = 'uname -m; node -p process.arch; node -p "os.cpus()[0].model"; test -c /dev/kvm && echo kvm';
  const system = await step('The computer', () => computer.run(words, 5 * minuteMs));
  check('it is arm64, with KVM', /^aarch64\narm64\n.*\nkvm\n$/.test(system.stdout), everything(system));
  const command = `${places.checkout}/scripts/poolproof doctor`;
  const doctor = await step(`${command} in a checkout`, () => computer.run(command, 20 * minuteMs));
  say(doctor.stdout.replace(/^/gm, '    ').trimEnd());
  check('set-up ends, and doctor misses nothing', doctor.exitCode === 0, everything(doctor));
  const imported = await step('Import of the images of its guests, by the installed package', () =>
    computer.run(`node ${places.package} images import ${places.images}`, 20 * minuteMs),
  );
  check('they are taken', imported.exitCode === 0, everything(imported));
  const host = await step('The wasm host on the computer itself', () =>
    computer.run(`node ${places.package} host --once --library ${libwasmtime}`, 20 * minuteMs),
  );
  check(
    'it proves its tier, standard',
    /\bstandard\b/.test(host.stdout) && host.exitCode === 0,
    everything(host),
  );
}

/** The run's files, as the computer has them, in a folder of this one. */
async function bringRun(computer: Computer, name: string, folder: string): Promise<string> {
  const dir = path.join(folder, name);
  await mkdir(dir, { recursive: true });
  for (const file of ['run.json', 'cells.jsonl']) {
    const { stdout } = await computer.run(`cat ${name}/[0-9]*/${file}`, minuteMs);
    await writeFile(path.join(dir, file), stdout);
  }
  return dir;
}

async function checkRun(
  computer: Computer,
  here: readonly Result[],
  { accelerator, folder }: Readonly<{ accelerator: 'kvm' | 'tcg'; folder: string }>,
): Promise<void> {
  // KVM is found by trial, as on every computer.
  const env = accelerator === 'tcg' ? { POOLPROOF_ACCEL: 'tcg' } : {};
  const command = `printf %s '${matrix}' >matrix.yaml && node ${places.package} run matrix.yaml --results ${accelerator}`;
  const ended = await step(`A run there, guests by ${accelerator}`, () =>
    computer.run(command, 60 * minuteMs, env),
  );
  say(ended.stdout.replace(/^/gm, '    ').trimEnd());
  check('it ends with exit code 0', ended.exitCode === 0, everything(ended));
  if (ended.exitCode === null || ended.exitCode > 2) return;
  const dir = await bringRun(computer, accelerator, folder);
  const record = await loadRecord(dir);
  const there = await collectResults((await readRun(dir)).results());
  check(
    `its record is of this computer and accelerator`,
    record.machine.kernel === computer.kernelRelease && record.accelerator.kind === accelerator,
    JSON.stringify([record.machine, record.accelerator]),
  );
  const differences = compareResults(here, there);
  check(
    'cells, tiers and deciding facts are those of the run here',
    differences.length === 0,
    differences.join('\n'),
  );
}

async function main(): Promise<void> {
  await using work = await makeTemporaryFolder();
  say(`An arm64 computer as a guest, with poolproof of ${project.root}`);
  const file = values.disk ?? path.join(work.path, 'computer.erofs');
  if (!existsSync(file))
    await step('Its disk: Debian, Node, the package, images', () =>
      buildDisk({ file, folder: path.join(work.path, 'disk'), cacheDir, images }),
    );
  const here = await step('The same cells on this computer', () => runHere(path.join(work.path, 'here')));
  await using computer = await step('Its boot', () => startComputer(work.path, path.resolve(file), cacheDir));
  await checkSystem(computer);
  await checkRun(computer, here, { accelerator: 'kvm', folder: work.path });
  await checkRun(computer, here, { accelerator: 'tcg', folder: work.path });
}

await main();
say(failed === 0 ? 'Everything holds' : `${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
