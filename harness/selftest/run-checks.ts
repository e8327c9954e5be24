/** Checks of whole runs: one that is killed and resumed, and a small matrix against the model. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { architectureOf } from '../../images/architectures.ts';
import { project } from '../../images/paths.ts';
import { makeTemporaryFolder } from '../../images/temporary-folder.ts';
import { PoolproofError } from '../errors.ts';
import { parseMatrix } from '../matrix/load.ts';
import { qemuVariable } from '../plan/computer.ts';
import { runMatrix } from '../run/run.ts';
import { collectResults, readRun } from '../store/read-run.ts';
import type { Bench } from './bench.ts';
import { judge, listSome, type Check, type Finding } from './check.ts';
import { listBelow, listLeft, type Process } from './processes.ts';

const killedMatrix = ({ settings: { arch } }: Bench): string =>
  `axes: { arch: ${arch}, memory: [512M], overcommit: [0, 1, 2] }\n`;

/** The command line as a process of its own: it is to be killed. */
const cli = path.join(project.root, 'dist/harness/cli.js');

const limitMs = 300_000;

/** A killed process and what ends with it are gone within milliseconds. */
const goneWithinMs = 5000;

type Place = Readonly<{ matrix: string; results: string; cacheDir: string; env: NodeJS.ProcessEnv }>;

function startRun({ matrix, results, cacheDir, env }: Place, ...more: readonly string[]): ChildProcess {
  const words = ['run', matrix, '--jobs', '1', '--results', results, '--cache', cacheDir, ...more];
  return spawn(process.execPath, [cli, ...words], {
    env: { ...process.env, ...env },
    stdio: 'ignore',
  });
}

async function readFirstRun(results: string): Promise<Readonly<{ dir: string; lines: number }> | null> {
  const [name] = (await readdir(results).catch(() => [])).filter((each) => each !== 'latest');
  if (name === undefined) return null;
  const dir = path.join(results, name);
  const text = await readFile(path.join(dir, 'cells.jsonl'), 'utf8').catch(() => '');
  return { dir, lines: text.split('\n').length - 1 };
}

/** QEMU itself. A script before it has its own path for its first argument, and has not started all it will start. */
const isMachine = ({ words }: Process): boolean =>
  words[1]?.startsWith('-') === true && words.includes('-nodefaults');

/** Waits for a stored cell and a running QEMU. @returns all that ran below until then; null where the run has ended */
async function untilBusy(
  run: ChildProcess,
  results: string,
  signal: AbortSignal,
): Promise<readonly Process[] | null> {
  const seen = new Map<string, Process>();
  // What a machine leaves when it ends is below the run no more.
  const look = async (): Promise<readonly Process[]> => {
    const below = await listBelow(run.pid ?? 0);
    for (const each of below) seen.set(`${each.pid} ${each.started}`, each);
    return below;
  };
  for (const until = performance.now() + limitMs; performance.now() < until;) {
    signal.throwIfAborted();
    if (run.exitCode !== null || run.signalCode !== null) return null;
    if ((await look()).some(isMachine) && ((await readFirstRun(results))?.lines ?? 0) > 0) {
      // A list is read process by process: QEMU can be on it, and what was started just before QEMU is not.
      await look();
      return [...seen.values()];
    }
    await sleep(20);
  }
  return null;
}

/** Ends what a kill has left, and names it. */
async function endLeft(below: readonly Process[]): Promise<readonly string[]> {
  let left = await listLeft(below);
  for (const until = performance.now() + goneWithinMs; left.length > 0 && performance.now() < until;) {
    await sleep(50);
    left = await listLeft(below);
  }
  for (const { pid } of left) process.kill(pid, 'SIGKILL');
  return left.map(({ pid, words }) => `${pid} ${words.join(' ').slice(0, 60)}`);
}

async function killAndResume(bench: Bench): Promise<Finding> {
  await using folder = await makeTemporaryFolder();
  const place: Place = {
    matrix: path.join(folder.path, 'killed.yaml'),
    results: path.join(folder.path, 'results'),
    cacheDir: bench.cacheDir,
    env: { [qemuVariable(architectureOf(bench.settings.arch))]: bench.prepared.qemu.path },
  };
  await mkdir(place.results);
  await writeFile(place.matrix, killedMatrix(bench));
  const run = startRun(place);
  const closed = once(run, 'close');
  const below = await untilBusy(run, place.results, bench.signal).finally(() => run.kill('SIGKILL'));
  await closed;
  if (below === null) return judge(false, 'a run of three cells ended before it could be killed');
  const left = await endLeft(below);
  if (left.length > 0) return judge(false, `the killed run left a process: ${listSome(left)}`);
  const stored = await readFirstRun(place.results);
  if (stored === null) return judge(false, 'the killed run left no results');
  const again = startRun(place, '--resume');
  const [code] = (await once(again, 'close', { signal: bench.signal }).finally(() =>
    again.kill('SIGKILL'),
  )) as [number | null];
  const { record, results } = await readRun(stored.dir);
  const ids = (await collectResults(results())).map(({ id, verdict }) => `${id} ${verdict ?? 'none'}`);
  const whole = ids.length === 3 && ids.every((id) => id.endsWith(' expected')) && record.finishedAt !== null;
  const words = `killed after ${stored.lines} of 3 cells, ${below.length} processes below it gone`;
  return judge(
    code === 0 && whole,
    `${words}; resumed: exit code ${code ?? 'none'}, ${ids.length} of 3 cells stored`,
  );
}

const modelMatrix = ({ settings: { arch } }: Bench): string => `title: selftest
axes: { arch: ${arch}, memory: [512M], overcommit: [0, 1, 2], engine: [wasmtime, v8] }
`;

async function compareWithModel(bench: Bench): Promise<Finding> {
  await using folder = await makeTemporaryFolder();
  const { prepared, cacheDir, signal, startMachine } = bench;
  const { results, interrupted } = await runMatrix(parseMatrix(modelMatrix(bench), 'selftest'), {
    ...{ resultsDir: folder.path, cacheDir, signal, startMachine },
    prepare: () => Promise.resolve(prepared),
  });
  if (interrupted) throw new PoolproofError('INTERRUPTED', 'the selftest was interrupted');
  const wrong = results.filter(({ predicted, verdict, finding }) =>
    [predicted === null, verdict !== 'expected', finding !== null].includes(true),
  );
  const tiers = results.map(({ tier, outcome }) => tier ?? outcome).sort();
  const counts = [...new Set(tiers)].map((tier) => `${tiers.filter((each) => each === tier).length} ${tier}`);
  return judge(
    wrong.length === 0 && results.length > 0,
    wrong.length === 0
      ? `${results.length} cells as the model predicts: ${counts.join(', ')}`
      : listSome(wrong.map(({ id, finding, reason }) => `${id}: ${finding ?? reason}`)),
  );
}

export const runChecks: readonly Check[] = [
  {
    name: 'kill-resume',
    assumes: 'a killed run leaves no process, keeps its cells, and is finished by --resume',
    beside: 'harness/machine/machine.ts',
    ask: killAndResume,
  },
  {
    name: 'model',
    assumes: 'guests reach the tiers that the model predicts from their facts',
    beside: 'images/allocator/predict.ts',
    ask: compareWithModel,
  },
];
