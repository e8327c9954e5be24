/** The recipes for Kubernetes and systemd: checked against the schemas that Kubernetes publishes, and our own words. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { validate as validateDeployment } from 'kubernetes-models/_schemas/IoK8sApiAppsV1Deployment';
import { validate as validateJob } from 'kubernetes-models/_schemas/IoK8sApiBatchV1Job';
import t from 'tap';
import { parse } from 'yaml';
import type { ExitCode } from '../../harness/report/exit-code.ts';
import { errorCodes } from '../../images/errors.ts';

const read = (name: string): Promise<string> => readFile(path.join(import.meta.dirname, name), 'utf8');

type Validate = ((value: unknown) => boolean) & { readonly errors?: unknown };

const kinds: Readonly<Record<string, Validate>> = {
  'batch/v1 Job': validateJob,
  'apps/v1 Deployment': validateDeployment,
};

/**
 * The schemas let fields pass that they do not know, and Kubernetes drops them: a typo would change what the recipe
 * does. The validators, made of the schemas, read each field they know by its name: one that is not read is unknown.
 */
function watchReads(value: unknown, place: string, unread: Set<string>): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(
    ([key, inner]) => [key, watchReads(inner, `${place}/${key}`, unread)] as const,
  );
  const copy = Array.isArray(value) ? entries.map(([, inner]) => inner) : Object.fromEntries(entries);
  for (const [key] of entries) unread.add(`${place}/${key}`);
  return new Proxy(copy, {
    get(target, key, receiver): unknown {
      if (typeof key === 'string') unread.delete(`${place}/${key}`);
      return Reflect.get(target, key, receiver);
    },
  });
}

/** @returns places of unknown fields @throws Error for values that the schema refuses */
function check(text: string): readonly string[] {
  const value = parse(text) as Readonly<{ apiVersion: string; kind: string }>;
  const validate = kinds[`${value.apiVersion} ${value.kind}`];
  if (validate === undefined) throw new Error(`no schema of ${value.apiVersion} ${value.kind}`);
  const unread = new Set<string>();
  if (!validate(watchReads(value, '', unread))) throw new Error(JSON.stringify(validate.errors));
  return [...unread];
}

for (const name of ['kubernetes-shards.yaml', 'kubernetes-workers.yaml'])
  t.test(`${name} is what Kubernetes' schemas say`, async (t) => {
    t.same(check(await read(name)), []);
  });

t.test('a planted typo, a wrong type and a word that is none are refused', async (t) => {
  const job = await read('kubernetes-shards.yaml');
  t.same(check(job.replace('backoffLimitPerIndex', 'backOffLimitPerIndex')), ['/spec/backOffLimitPerIndex']);
  t.same(check(job.replace('mountPath: /results', 'path: /results\n              mountPath: /results')), [
    '/spec/template/spec/containers/0/volumeMounts/0/path',
  ]);
  t.throws(() => check(job.replace('completions: 8', 'completions: eight')), /completions/);
  t.throws(() => check(job.replace('operator: In', 'operator: Among')), /operator/);
  t.throws(() => check(job.replace('kind: Job', 'kind: Jobs')), /no schema/);
  const workers = await read('kubernetes-workers.yaml');
  t.same(check(workers.replace('fieldPath:', 'fieldpath: x\n                  fieldPath:')), [
    '/spec/template/spec/containers/0/env/0/valueFrom/fieldRef/fieldpath',
  ]);
});

t.test('the Job knows every exit code of a run, and tries again only what another node may do', async (t) => {
  const { spec } = parse(await read('kubernetes-shards.yaml')) as Readonly<{
    spec: Readonly<{
      completionMode: string;
      completions: number;
      podFailurePolicy: {
        rules: { action: string; onExitCodes?: { values: number[]; containerName: string } }[];
      };
      template: { spec: { restartPolicy: string; containers: { name: string; args: string[] }[] } };
    }>;
  }>;
  const actions = new Map(
    spec.podFailurePolicy.rules.flatMap(({ action, onExitCodes }) =>
      (onExitCodes?.values ?? []).map((code) => [code, action] as const),
    ),
  );
  const ofRuns: Readonly<Record<ExitCode, string | undefined>> = {
    0: undefined,
    1: 'FailIndex',
    2: 'FailIndex',
    130: 'Count',
  };
  for (const [code, action] of Object.entries(ofRuns)) t.equal(actions.get(Number(code)), action, code);
  // 2 is wrong again on any node, 3 is what this one lacks.
  for (const code of new Set<number>(Object.values(errorCodes))) t.ok(actions.has(code), `${code}`);
  t.equal(actions.get(3), 'Count');
  t.same(
    [...actions.keys()].sort((a, b) => a - b),
    [1, 2, 3, 130],
    'and no others',
  );
  // What the schemas cannot say: both fields are valid only so.
  t.equal(spec.completionMode, 'Indexed');
  t.equal(spec.template.spec.restartPolicy, 'Never');
  const [container] = spec.template.spec.containers;
  t.equal(spec.podFailurePolicy.rules[1]?.onExitCodes?.containerName, container?.name);
  t.match(container?.args.join(' '), `+ 1))/${spec.completions}"`);
});
