/** The values that can stand for an option or an argument: cells, matrices, runs, files and words of tables. */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { tiers } from '../../images/allocator/tier.ts';
import { project } from '../../images/paths.ts';
import { axes, axisNames, formatValue, rowOf } from '../axes/table.ts';
import { ciFormats } from '../plan/ci-matrix.ts';
import { listRuns, listTags } from '../store/find-run.ts';
import { shells } from './completion-scripts.ts';
import type { Candidate, Place } from './completion-words.ts';

type Source = (place: Place) => Promise<readonly Candidate[]> | readonly Candidate[];

const words =
  (list: readonly string[]): Source =>
  () =>
    list.map((value) => ({ value }));

/** Values of an axis that one would try; any other is allowed too. */
function listAxisValues(name: string): readonly string[] {
  const row = rowOf(axes, name);
  const values = [...row.examples, ...row.draw.values.map((value) => formatValue(axes, name, value))];
  return [...new Set(values)].filter((value) => /^[\w.@+-]+$/.test(value));
}

/** `memory=512M,over`: axes that are not there yet, or values of the last one. */
function listCells({ current }: Place): readonly Candidate[] {
  const comma = current.lastIndexOf(',') + 1;
  const [done, part] = [current.slice(0, comma), current.slice(comma)];
  const [name = '', value] = part.split('=', 2);
  if (value === undefined) {
    const given = done.split(',').map((one) => one.split(/!?=/, 1)[0]);
    return axisNames
      .filter((axis) => !given.includes(axis))
      .map((axis) => ({ value: `${done}${axis}=`, about: rowOf(axes, axis).description, begun: true }));
  }
  const axis = name.replace(/!$/, '');
  if (!axisNames.some((known) => known === axis)) return [];
  const before = current.slice(0, current.length - value.length) + value.slice(0, value.lastIndexOf('|') + 1);
  return listAxisValues(axis).map((one) => ({ value: before + one }));
}

/** A cell, or a field report; `cell@run` where the cell is whole. */
async function listWhats(place: Place): Promise<readonly Candidate[]> {
  const { current } = place;
  const at = current.lastIndexOf('@');
  if (at > 0 && !/engine=\w+@[^,]*$/.test(current)) {
    const runs = await listRunNames(place);
    return runs.map(({ value }) => ({ value: `${current.slice(0, at + 1)}${value}` }));
  }
  return [...listCells(place), ...(current.includes('=') ? [] : await listFiles(place))];
}

async function listRunNames({ results }: Place): Promise<readonly Candidate[]> {
  const runs = [...(await listRuns(results).catch(() => []))].reverse();
  const tags = await listTags(results).catch(() => []);
  return ['latest', 'latest~1', ...tags, ...runs].slice(0, 50).map((value) => ({ value }));
}

const isMatrix = (name: string): boolean => /\.ya?ml$/.test(name);

async function listMatrices(place: Place): Promise<readonly Candidate[]> {
  const shipped = (await readdir(project.matricesFolder)).filter(isMatrix).sort();
  const files = await listFiles(place);
  return [
    ...shipped.map((name) => ({ value: name.replace(/\.yaml$/, ''), about: 'comes along' })),
    ...files.filter(({ value, begun }) => begun === true || isMatrix(value)),
  ];
}

/** Files of the folder that is typed; those that begin with a dot only where one is. */
async function listFiles({ current }: Place): Promise<readonly Candidate[]> {
  const folder = current.slice(0, current.lastIndexOf('/') + 1);
  const entries = await readdir(folder === '' ? '.' : folder, { withFileTypes: true }).catch(() => []);
  return entries
    .filter(({ name }) => path.basename(current).startsWith('.') || !name.startsWith('.'))
    .map((entry) =>
      entry.isDirectory()
        ? { value: `${folder}${entry.name}/`, begun: true }
        : { value: `${folder}${entry.name}` },
    );
}

const listFormats: Source = async () => {
  const { formats } = await import('../report/formats.ts');
  return Object.keys(formats).map((value) => ({ value }));
};

/** What stands between the brackets of an option or argument, or that of one command. */
const sources: Readonly<Record<string, Source>> = {
  cell: listCells,
  cells: listCells,
  expr: listCells,
  what: listWhats,
  matrix: listMatrices,
  run: listRunNames,
  old: listRunNames,
  new: listRunNames,
  tag: async ({ results }) => (await listTags(results).catch(() => [])).map((value) => ({ value })),
  axis: words(axisNames),
  engine: words(listAxisValues('engine')),
  tier: words(tiers),
  shell: words(shells),
  profile: words(['spin', 'wasmtime']),
  file: listFiles,
  dir: listFiles,
  bundle: listFiles,
  module: listFiles,
  report: listFiles,
  'report --format': listFormats,
  'run --reporter': listFormats,
  'plan --format': words(ciFormats),
  'compare --format': words(['text', 'md', 'json']),
};

/** Every answer for a place that begins as the word does. */
export async function listCandidates(place: Place): Promise<readonly Candidate[]> {
  const { command, term, before, current, candidates } = place;
  const flag = /--[\w-]+/.exec(term ?? '')?.[0];
  const kind = /[<[](\w+)/.exec(term ?? '')?.[1] ?? term ?? '';
  const source = sources[`${command} ${flag}`] ?? (Object.hasOwn(sources, kind) ? sources[kind] : undefined);
  const values = source === undefined ? [] : await source(place);
  return [...candidates, ...values]
    .filter(({ value }) => value.startsWith(current))
    .map((one) => ({ ...one, value: before + one.value }));
}
