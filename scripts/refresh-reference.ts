/**
 * The published reference: `node dist/scripts/refresh-reference.js default=results/<run> limits=results/<run>` takes
 * the records of real runs into results/reference/<name>/, without their bulky evidence, and makes the page of them
 * all. `native=<file>,<file>` takes what `poolproof overhead --json` wrote on a real machine, without the raw samples,
 * into results/reference/overhead/native/, instead of what is there. `serving=<file>,<file>` takes what `poolproof
 * serve-bench --json` wrote of different cases into results/reference/serving/, one file for each machine, instead of
 * what is there; results/overhead.md is made of these and of the run `requests`.
 * `fleet=<file>` takes what scripts/fleet/main.js --json wrote, and `fleet-bench=<file>` what scripts/bench/main.js
 * --json wrote of a fleet: scripts/generate.ts makes their page. Without
 * arguments the pages are made anew from what is there. Run from the root of the repository.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import writeFileAtomic from 'write-file-atomic';
import { servingWorks } from '../harness/measure/serving-plan.ts';
import { parseNativeRecord, type NativeRecord } from '../harness/store/native-record.ts';
import { formats } from '../harness/report/formats.ts';
import { groupBy } from '../harness/report/group-by.ts';
import { renderGuestServing } from '../harness/report/guest-serving-page.ts';
import { renderServingSection } from '../harness/report/serving-page.ts';
import { buildRunView, type RunResults, type RunView } from '../harness/report/run-view.ts';
import { collectResults, readRun } from '../harness/store/read-run.ts';
import { parseServingRecord, type ServingRecord } from '../harness/store/serving-record.ts';
import { writeRecord } from '../harness/store/run-record.ts';

const folder = 'results/reference';
const overheadPage = 'results/overhead.md';
/** Of the run of matrices/overhead.yaml; records of real machines lie below it. */
const overheadRun = 'overhead';
/** Of the run of matrices/requests.yaml. */
const requestsRun = 'requests';
const nativeFolder = 'native';
const servingFolder = 'serving';

/** The folders of `dir` that hold a run: other records of the reference have folders too. */
export async function listRuns(dir: string): Promise<readonly string[]> {
  const entries = await readdir(dir, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory() && existsSync(join(dir, entry.name, 'run.json')))
    .map(({ name }) => name)
    .sort();
}

/** The page of all runs in `dir`: a pure function of their records. */
export async function renderReference(dir: string): Promise<string> {
  const native = await readNative(join(dir, overheadRun, nativeFolder));
  const runs = (await listRuns(dir)).map((name) => readView(join(dir, name), native));
  return formats.html.renderTogether(await Promise.all(runs));
}

/** The overhead page of the run and the real machines in `dir`: a pure function of their records. */
export async function renderReferenceOverhead(dir: string): Promise<string> {
  const native = await readNative(join(dir, overheadRun, nativeFolder));
  const page = formats.overhead.render(await readView(join(dir, overheadRun), native));
  const section = renderServingSection(await readServing(join(dir, servingFolder)));
  return [page, section, '', renderGuestServing(await readView(join(dir, requestsRun))), ''].join('\n');
}

/** @throws Error where a line of the record cannot be read */
async function readWhole(dir: string): Promise<Pick<RunResults, 'record' | 'results'>> {
  const run = await readRun(dir);
  const results = await collectResults(run.results());
  if (run.problems.length > 0) throw new Error(`${dir}: ${run.problems[0]?.message ?? ''}`);
  return { record: run.record, results };
}

const readView = async (dir: string, native: readonly NativeRecord[] = []): Promise<RunView> =>
  buildRunView(await readWhole(dir), { native });

/**
 * Records of different cases, one for each machine and its programs: each case has its own baseline. Those with the
 * kind of work that comes first are first.
 *
 * @throws Error where a case is in several, or a kind of work was measured on several machines
 */
export function joinServing(records: readonly ServingRecord[]): readonly ServingRecord[] {
  const figures = records.flatMap((record) => record.figures);
  const twice = findTwice(
    figures.map(({ work, connections, mode }) => `${work}, connections ${connections}, ${mode}`),
  );
  if (twice !== undefined) throw new Error(`two figures of ${twice}`);
  const joined = [...groupBy(records, originOf).values()].map(joinAlike);
  const torn = findTwice(joined.flatMap((record) => [...new Set(record.figures.map(({ work }) => work))]));
  if (torn !== undefined)
    throw new Error(`${torn} was measured on several machines, or with several programs`);
  return joined.toSorted((a, b) => firstPlaceOf(a) - firstPlaceOf(b));
}

const findTwice = (names: readonly string[]): string | undefined =>
  names.find((name, at) => names.indexOf(name) !== at);

const originOf = ({ server, host, machine }: ServingRecord): string =>
  JSON.stringify([server, host, machine]);

const placeOf = ({ work }: ServingRecord['figures'][number]): number =>
  servingWorks.findIndex(({ name }) => name === work);

const firstPlaceOf = ({ figures }: ServingRecord): number => Math.min(...figures.map(placeOf));

/** @param records of one machine and its programs, at least one */
function joinAlike(records: readonly ServingRecord[]): ServingRecord {
  const [first] = records;
  if (first === undefined) throw new RangeError('no record');
  const load = {
    before: Math.max(...records.map((record) => record.load.before)),
    after: Math.max(...records.map((record) => record.load.after)),
  };
  const last = records
    .map(({ measuredAt }) => measuredAt)
    .toSorted()
    .at(-1);
  const figures = records.flatMap((record) => record.figures).toSorted((a, b) => placeOf(a) - placeOf(b));
  return { ...first, measuredAt: last ?? first.measuredAt, load, figures };
}

async function readServingFiles(files: readonly string[]): Promise<readonly ServingRecord[]> {
  const records = await Promise.all(
    files.map(async (file) => parseServingRecord(await readFile(file, 'utf8'), file)),
  );
  if (records.length === 0) throw new Error('a record of serving is needed');
  return joinServing(records);
}

const readServing = async (dir: string): Promise<readonly ServingRecord[]> =>
  readServingFiles(await listRecords(dir));

async function takeServing(files: readonly string[]): Promise<void> {
  const records = await readServingFiles(files);
  const to = join(folder, servingFolder);
  await rm(to, { recursive: true, force: true });
  await mkdir(to, { recursive: true });
  for (const [at, record] of records.entries())
    await writeFile(join(to, `${at + 1}.json`), `${JSON.stringify(record, null, 1)}\n`);
}

async function takeFigures(name: string, file: string): Promise<void> {
  const record: unknown = JSON.parse(await readFile(file, 'utf8'));
  await writeFile(join(folder, `${name}.json`), `${JSON.stringify(record, null, 1)}\n`);
}

/** In the order of their names. */
const listRecords = async (dir: string): Promise<readonly string[]> =>
  (await readdir(dir))
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => join(dir, name));

const readNative = async (dir: string): Promise<readonly NativeRecord[]> =>
  Promise.all(
    (await listRecords(dir)).map(async (file) => parseNativeRecord(await readFile(file, 'utf8'), file)),
  );

async function takeNative(files: readonly string[]): Promise<void> {
  const records = await Promise.all(
    files.map(async (file) => parseNativeRecord(await readFile(file, 'utf8'), file)),
  );
  const to = join(folder, overheadRun, nativeFolder);
  await rm(to, { recursive: true, force: true });
  await mkdir(to, { recursive: true });
  for (const record of records) {
    const { kind, version } = record.engine;
    const engine = kind === 'v8' ? kind : `${kind}-${version}`;
    const name = `${engine}-node-${record.node.split('.')[0] ?? ''}.json`;
    await writeFile(join(to, name), `${JSON.stringify(record, null, 1)}\n`);
  }
}

async function take(name: string, from: string): Promise<void> {
  const { record, results } = await readWhole(from);
  if (record.finishedAt === null) throw new Error(`${from} is not finished`);
  const to = join(folder, name);
  await mkdir(to, { recursive: true });
  await writeRecord(to, record);
  // The order of cells is that in which they ended: sorted, a refresh changes only what has changed.
  const sorted = [...results].sort((a, b) =>
    a.id === b.id ? a.repetition - b.repetition : a.id < b.id ? -1 : 1,
  );
  const lines = sorted.map((result) => `${JSON.stringify({ ...result, evidence: null })}\n`);
  await writeFile(join(to, 'cells.jsonl'), lines.join(''));
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const word of process.argv.slice(2)) {
    const [, name, from] = /^([a-z][a-z-]*)=(.+)$/.exec(word) ?? [];
    if (name === undefined || from === undefined)
      throw new Error(
        `${word}: name=run is needed, e.g. limits=results/latest, native=a.json,b.json, or serving=a.json,b.json`,
      );
    if (name === 'native') await takeNative(from.split(','));
    else if (name === 'serving') await takeServing(from.split(','));
    else if (name === 'fleet' || name === 'fleet-bench') await takeFigures(name, from);
    else await take(name, from);
  }
  await writeFileAtomic(overheadPage, await renderReferenceOverhead(folder));
  await writeFileAtomic(join(folder, 'report.html'), await renderReference(folder));
}
