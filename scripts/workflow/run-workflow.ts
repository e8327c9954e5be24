/** Runs the jobs of a GitHub workflow one after the other: its own steps; caches and artifacts are folders. */
import { createHash } from 'node:crypto';
import { cp, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { parse } from 'yaml';
import { fill, isTrue, type Contexts, type Functions } from './expressions.ts';

type Step = Readonly<{
  id?: string;
  name?: string;
  if?: string;
  uses?: string;
  run?: string;
  with?: Readonly<Record<string, unknown>>;
  env?: Readonly<Record<string, string>>;
}>;
type Job = Readonly<{
  needs?: string | readonly string[];
  if?: string;
  strategy?: Readonly<{ matrix: string }>;
  outputs?: Readonly<Record<string, string>>;
  steps: readonly Step[];
}>;
type Workflow = Readonly<{ env?: Readonly<Record<string, string>>; jobs: Readonly<Record<string, Job>> }>;
type Action = Readonly<{
  inputs: Readonly<Record<string, Readonly<{ default?: string }>>>;
  outputs: Readonly<Record<string, Readonly<{ value: string }>>>;
  runs: Readonly<{ steps: readonly Step[] }>;
}>;

/** Where the steps run: this computer, or a folder that looks like another one. */
export type Place = Readonly<{
  /** Path of this computer for a path of the place. */
  hostPath: (inside: string) => string;
  /** Runs a script with bash, as GitHub does. @returns its exit code */
  shell: (script: string, cwd: string, env: Readonly<Record<string, string>>) => Promise<number>;
  /** Makes a fresh checkout in a folder of the place. */
  checkOut: (folder: string) => Promise<void>;
  say: (text: string) => void;
}>;

export type WorkflowOptions = Readonly<{
  place: Place;
  /** Instead of those of the workflow. */
  env: Readonly<Record<string, string>>;
  /** Of every step that uses the action, instead of their defaults. */
  inputs?: Readonly<Record<string, string>>;
  github: Readonly<Record<string, unknown>>;
  /** Caches and artifacts; the caches stay for the next night. */
  store: string;
}>;

export type JobResult = Readonly<{ name: string; ok: boolean }>;

/** Runs all jobs; those with a matrix once per entry. */
export async function runWorkflow(file: string, options: WorkflowOptions): Promise<readonly JobResult[]> {
  const workflow = parse(await readFile(file, 'utf8')) as Workflow;
  await rm(path.join(options.store, 'artifacts'), { recursive: true, force: true });
  const needs: Record<string, Readonly<{ ok: boolean; outputs: Readonly<Record<string, unknown>> }>> = {};
  const results: JobResult[] = [];
  // A workflow names its jobs in an order in which none needs a later one; `needs` of an unknown one fails below.
  for (const [name, job] of Object.entries(workflow.jobs)) {
    const before = [job.needs ?? []].flat();
    const ok = before.every((other) => needs[other]?.ok === true);
    const contexts = { env: { ...workflow.env, ...options.env }, needs, github: options.github };
    const functions = { ...common, success: () => ok, fromJSON };
    const wanted = job.if === undefined ? ok : isTrue(fill(wrap(job.if), contexts, functions));
    if (!wanted) continue;
    const matrix = job.strategy && (fill(job.strategy.matrix, contexts, functions) as { include: unknown[] });
    let all = true;
    let outputs: Readonly<Record<string, unknown>> = {};
    for (const entry of matrix?.include ?? [null]) {
      const title = entry === null ? name : `${name} ${JSON.stringify(entry)}`;
      const run = new JobRun({ ...contexts, matrix: entry }, options, `/home/runner/work/${name}`);
      const done = await run.run(title, job);
      results.push({ name: title, ok: done.ok });
      all &&= done.ok;
      outputs = done.outputs;
    }
    needs[name] = { ok: all, outputs };
  }
  return results;
}

const fromJSON = (text: unknown): unknown => JSON.parse(String(text));
const common: Functions = { always: () => true, cancelled: () => false };
const wrap = (condition: string): string => (condition.includes('${{') ? condition : `\${{ ${condition} }}`);

type Outputs = Record<string, Readonly<{ outputs: Record<string, string> }>>;

class JobRun {
  readonly #contexts: Contexts;
  readonly #options: WorkflowOptions;
  readonly #workspace: string;
  readonly #after: (() => Promise<void>)[] = [];
  #ok = true;
  #steps = 0;

  constructor(contexts: Contexts, options: WorkflowOptions, workspace: string) {
    this.#contexts = contexts;
    this.#options = options;
    this.#workspace = workspace;
  }

  async run(
    title: string,
    job: Job,
  ): Promise<Readonly<{ ok: boolean; outputs: Readonly<Record<string, unknown>> }>> {
    const { place } = this.#options;
    place.say(`job ${title}`);
    await rm(place.hostPath(this.#workspace), { recursive: true, force: true });
    await mkdir(place.hostPath(this.#workspace), { recursive: true });
    const steps: Outputs = {};
    for (const step of job.steps) await this.#step(step, { ...this.#contexts, steps }, steps, {});
    if (this.#ok) for (const work of this.#after.reverse()) await work();
    const contexts = { ...this.#contexts, steps };
    const outputs = Object.entries(job.outputs ?? {}).map(([key, text]) => [key, fill(text, contexts)]);
    return { ok: this.#ok, outputs: Object.fromEntries(outputs) as Record<string, unknown> };
  }

  readonly #functions: Functions = {
    ...common,
    fromJSON,
    success: () => this.#ok,
    hashFiles: (name) => this.#digests.get(String(name)) ?? '',
  };
  /** Expressions are evaluated at once, files are read before. */
  readonly #digests = new Map<string, string>();

  async #step(
    step: Step,
    contexts: Contexts,
    steps: Outputs,
    env: Readonly<Record<string, string>>,
  ): Promise<void> {
    const condition = step.if ?? 'success()';
    const always = /always\(\)/.test(condition);
    if (!always && !this.#ok) return;
    if (!isTrue(fill(wrap(condition), contexts, this.#functions))) return;
    const text = (value: unknown): string => String(fill(String(value), contexts, this.#functions));
    const filled = (map: Readonly<Record<string, unknown>> = {}): Record<string, string> =>
      Object.fromEntries(Object.entries(map).map(([key, value]) => [key, text(value)]));
    const outputs: Record<string, string> = {};
    if (step.run !== undefined) await this.#run(step, contexts, { ...env, ...filled(step.env) }, outputs);
    else if (step.uses?.startsWith('./') === true) await this.#action(step.uses, filled(step.with), outputs);
    else await this.#known(step.uses ?? '', filled(step.with));
    if (step.id !== undefined) steps[step.id] = { outputs };
  }

  async #run(
    step: Step,
    contexts: Contexts,
    env: Readonly<Record<string, string>>,
    outputs: Record<string, string>,
  ): Promise<void> {
    const { place } = this.#options;
    const script = String(fill(step.run ?? '', contexts, this.#functions));
    this.#steps += 1;
    const outputFile = `${this.#workspace}.output-${this.#steps}`;
    const code = await place.shell(script, this.#workspace, {
      ...(contexts['env'] as Record<string, string>),
      ...env,
      GITHUB_WORKSPACE: this.#workspace,
      GITHUB_OUTPUT: outputFile,
      GITHUB_STEP_SUMMARY: `${this.#workspace}.summary.md`,
    });
    if (code !== 0) {
      place.say(`  ${step.name ?? script.split('\n')[0] ?? ''}: exit code ${code}`);
      this.#ok = false;
    }
    const lines = await readFile(place.hostPath(outputFile), 'utf8').catch(() => '');
    for (const [, key = '', value = ''] of lines.matchAll(/^([\w-]+)=(.*)$/gm)) outputs[key] = value;
  }

  /** The steps of a composite action of the checkout. */
  async #action(
    uses: string,
    given: Readonly<Record<string, string>>,
    outputs: Record<string, string>,
  ): Promise<void> {
    const { place, inputs: own = {}, github } = this.#options;
    const folder = path.join(this.#workspace, uses);
    const action = parse(await readFile(place.hostPath(path.join(folder, 'action.yml')), 'utf8')) as Action;
    const unknown = Object.keys(given).filter((name) => !Object.hasOwn(action.inputs, name));
    if (unknown.length > 0) throw new Error(`the action has no input ${unknown.join(', ')}`);
    const defaults = Object.entries(action.inputs).map(([name, row]) => [name, row.default ?? '']);
    const inputs = { ...(Object.fromEntries(defaults) as Record<string, string>), ...own, ...given };
    const steps: Outputs = {};
    const contexts = { env: this.#contexts['env'], inputs, github, steps };
    await this.#readDigest(inputs['matrix'] ?? '');
    for (const step of action.runs.steps)
      await this.#step(step, contexts, steps, { GITHUB_ACTION_PATH: folder });
    for (const [name, { value }] of Object.entries(action.outputs))
      outputs[name] = String(fill(value, contexts, this.#functions));
  }

  async #readDigest(name: string): Promise<void> {
    const file = this.#options.place.hostPath(path.join(this.#workspace, name));
    const data = await readFile(file).catch(() => null);
    if (data !== null) this.#digests.set(name, createHash('sha256').update(data).digest('hex'));
  }

  /** What GitHub's own actions do, with folders. */
  async #known(uses: string, given: Readonly<Record<string, string>>): Promise<void> {
    const { place, store } = this.#options;
    const inside = (name: string): string => place.hostPath(path.join(this.#workspace, name));
    const artifact = path.join(store, 'artifacts', given['name'] ?? '');
    const caches = path.join(store, 'caches');
    const [paths = '', ...others] = (given['path'] ?? '').trim().split('\n');
    // GitHub takes a folder whole: a pattern that leaves out something below it has no effect there.
    if (others.length > 0) throw new Error(`${uses}: one path is known here, and not ${others.join(', ')}`);
    const name = uses.split('@')[0] ?? '';
    const archiveOf = (key: string): string => path.join(caches, `${encodeURIComponent(key)}.tar`);
    const save = async (): Promise<void> => {
      const to = archiveOf(given['key'] ?? '');
      if (await exists(to)) return;
      await mkdir(caches, { recursive: true });
      // As GitHub packs them: whole times, by which images are known again.
      await execa('tar', ['--posix', '-cf', to, '-C', inside('.'), paths]);
    };
    const restore = async (): Promise<void> => {
      const wanted = [given['key'] ?? '', ...(given['restore-keys'] ?? '').split('\n')].filter(Boolean);
      const names = (await readdir(caches).catch(() => [])).map((file) => file.replace(/\.tar$/, ''));
      const found = names.map(decodeURIComponent).sort().reverse();
      const key = wanted.flatMap((one) => found.filter((other) => other.startsWith(one)))[0];
      if (key !== undefined) await execa('tar', ['-xf', archiveOf(key), '-C', inside('.')]);
      place.say(`  ${key === undefined ? 'nothing' : key} from the cache`);
    };
    if (name === 'actions/checkout') await place.checkOut(this.#workspace);
    else if (name === 'actions/cache/restore') await restore();
    else if (name === 'actions/cache/save') await save();
    else if (name === 'actions/cache') {
      await restore();
      this.#after.push(save);
    } else if (name === 'actions/upload-artifact') {
      if (!(await exists(inside(paths)))) return;
      await mkdir(artifact, { recursive: true });
      await cp(inside(paths), path.join(artifact, path.basename(paths)), { recursive: true });
    } else if (name === 'actions/download-artifact') await this.#download(given, inside(paths));
    // The Node of the runner: set-up brings one where there is none.
    else if (name !== 'actions/setup-node') throw new Error(`${uses} is not known here`);
  }

  async #download(given: Readonly<Record<string, string>>, to: string): Promise<void> {
    const all = path.join(this.#options.store, 'artifacts');
    const pattern = given['name'] ?? given['pattern'] ?? '*';
    const matches = new RegExp(`^${pattern.replaceAll('*', '.*')}$`);
    for (const name of (await readdir(all).catch(() => [])).filter((one) => matches.test(one))) {
      // A folder was uploaded as what it holds.
      const from = path.join(all, name, name);
      await cp((await exists(from)) ? from : path.join(all, name), to, { recursive: true });
    }
  }
}

const exists = (file: string): Promise<boolean> =>
  readdir(path.dirname(file)).then(
    (names) => names.includes(path.basename(file)),
    () => false,
  );
