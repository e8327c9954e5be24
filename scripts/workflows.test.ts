import { spawnSync } from 'node:child_process';
import { cp, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { parse } from 'yaml';
import { packagesOfTool, qemuTool, tools } from '../images/tools.ts';
import { evaluate, fill } from './workflow/expressions.ts';
import { runWorkflow, type Place } from './workflow/run-workflow.ts';

const project = fileURLToPath(new URL('..', import.meta.url));
const read = (file: string): Promise<string> => readFile(path.join(project, file), 'utf8');
const nightly = '.github/workflows/nightly.yml';
const action = '.github/actions/poolproof/action.yml';
const files = [nightly, '.github/workflows/check.yml', action];
const parts = ['plan', 'run', 'pack', 'report', 'site', 'publish'];

t.test('every action is pinned by commit, with the version beside it', async (t) => {
  t.same((await readdir(path.join(project, '.github/workflows'))).sort(), ['check.yml', 'nightly.yml']);
  for (const name of files) {
    const lines = (await read(name)).split('\n');
    const uses = lines.filter((line) => /^\s*(?:- )?uses:/.test(line) && !/uses: \.\//.test(line));
    t.ok(uses.length > 0, name);
    for (const line of uses) t.match(line, /uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  }
});

t.test('no checkout leaves its token behind', async (t) => {
  for (const name of files.slice(0, 2)) {
    const text = await read(name);
    const checkouts = text.match(/uses: actions\/checkout@.*\n +with: (.*)/g) ?? [];
    t.equal(checkouts.length, text.match(/actions\/checkout@/g)?.length, name);
    for (const one of checkouts) t.match(one, 'persist-credentials: false');
  }
});

t.test('a push and a pull request run what the continuous integration runs, where Debian is', async (t) => {
  const text = await read('.github/workflows/check.yml');
  t.match(text, /^on:\n {2}push:[^]*\n {2}pull_request:/m);
  t.match(text, /^ +- run: .*\.\/\.ci\/run$/m);
  t.match(text, /image: 'debian:12'/);
});

/** Runs the nightly workflow on folders; its shell notes the parts of a night and leaves what they leave. */
function runNight(t: Test, codes: Readonly<Record<string, number>> = {}) {
  const root = t.testdir();
  const noted: string[] = [];
  let builtAt = 0;
  const said: string[] = [];
  const place: Place = {
    hostPath: (inside) => path.join(root, inside),
    checkOut: async (folder) => {
      for (const name of ['.github', 'images/lock.yaml'])
        await cp(path.join(project, name), path.join(root, folder, name), { recursive: true });
    },
    say: (text) => said.push(text),
    shell: async (script, cwd, env) => {
      const checked = spawnSync('bash', ['-n'], { input: script });
      t.equal(checked.status, 0, script);
      const part = /scripts\/night" (\w+)/.exec(script)?.[1];
      if (part === undefined) {
        const inside = Object.entries(env).filter(([, value]) => value.startsWith('/home/'));
        const paths = Object.fromEntries(inside.map(([key, value]) => [key, path.join(root, value)]));
        const options = ['--noprofile', '--norc', '-eo', 'pipefail', '-c', script];
        return (
          spawnSync('bash', options, { cwd: path.join(root, cwd), env: { ...process.env, ...paths } })
            .status ?? 1
        );
      }
      noted.push([part, env['SHARD'] ?? env['SHARD_NAME'] ?? ''].join(' ').trim());
      const leave = async (file: string): Promise<void> => {
        await mkdir(path.dirname(path.join(root, cwd, file)), { recursive: true });
        await writeFile(path.join(root, cwd, file), part);
      };
      const jobs = ['1/2', '2/2'].map((shard) => ({ shard, name: shard.replace('/', '-of-'), cells: 1 }));
      if (part === 'plan')
        await writeFile(
          path.join(root, env['GITHUB_OUTPUT'] ?? ''),
          `matrix=${JSON.stringify({ include: jobs })}\n`,
        );
      const image = path.join(root, cwd, '.cache/poolproof/blobs/image');
      // The next night finds it in the cache.
      if (part === 'plan' && builtAt === 0) {
        await leave('.cache/poolproof/blobs/image');
        builtAt = (await stat(image)).mtimeMs;
      }
      // An image of another time than the recorded one is made anew.
      if (part === 'run') t.equal((await stat(image)).mtimeMs, builtAt);
      if (part === 'run')
        noted.push(...(await readdir(path.join(root, cwd, '.cache/poolproof/blobs')).catch(() => [])));
      if (part === 'pack') await leave(`shard-${env['SHARD_NAME'] ?? ''}.tgz`);
      if (part === 'report') {
        noted.push(...(await readdir(path.join(root, cwd, 'shards')).catch(() => [])).sort());
        noted.push(
          ...(await readdir(path.join(root, cwd, 'before')).catch(() => [])).map((name) => `before ${name}`),
        );
        await leave('night.tgz');
        await leave('page/report.html');
      }
      if (part === 'publish') noted.push(...(await readdir(path.join(root, cwd, 'page')).catch(() => [])));
      return codes[part] ?? 0;
    },
  };
  const night = async (run_id: string) => {
    noted.length = 0;
    const github = {
      ref_name: 'main',
      run_id,
      run_attempt: '1',
      server_url: 'https://git.test',
      repository: 'a/b',
    };
    const results = await runWorkflow(path.join(project, nightly), {
      place,
      env: { PUBLISH: 'true' },
      github: { ...github, token: 'secret', repository_owner: 'a', event: { repository: { name: 'b' } } },
      store: path.join(root, 'store'),
    });
    return { noted: [...noted], ok: results.map(({ ok }) => ok), said };
  };
  return { night };
}

const shards = ['run 1/2', 'image', 'pack 1-of-2', 'run 2/2', 'image', 'pack 2-of-2'];
const bundles = ['shard-1-of-2.tgz', 'shard-2-of-2.tgz'];

t.test('a night plans, runs its shards with the images of the plan, reports and publishes', async (t) => {
  const { night } = runNight(t);
  const first = await night('1');
  t.same(first.noted, ['plan', ...shards, 'report', ...bundles, 'publish', 'report.html']);
  t.same(first.ok, [true, true, true, true, true, true]);
  const second = await night('2');
  t.same(second.noted, [
    'plan',
    ...shards,
    'report',
    ...bundles,
    'before night.tgz',
    'publish',
    'report.html',
  ]);
});

t.test(
  'a regression is published and kept; a shard that failed is packed, and the others are merged',
  async (t) => {
    const { night } = runNight(t, { report: 1, run: 3 });
    const { noted, ok } = await night('1');
    t.same(noted, ['plan', ...shards, 'report', ...bundles, 'publish', 'report.html']);
    t.same(ok, [true, true, false, false, false, true]);
    t.match((await night('2')).noted, new Set(['before night.tgz']));
  },
);

t.test('the parts that workflows call are those of scripts/night, which refuses others', async (t) => {
  const called = [action, '.github/gitlab-ci.yml', '.github/gitlab-night.yml'].map(async (name) =>
    [...(await read(name)).matchAll(/scripts\/night"? (\w+)/g)].map(([, part]) => part),
  );
  const names = new Set((await Promise.all(called)).flat());
  t.same([...names].sort(), [...parts].sort());
  const refused = spawnSync(path.join(project, 'scripts/night'), ['nights'], { encoding: 'utf8' });
  t.match(refused, { status: 2, stderr: new RegExp(parts.slice(0, -1).join(', ')) });
});

t.test(
  "GitLab's jobs are shell that can be read, and the child pipeline has the job that the plan adds to",
  async (t) => {
    type Pipeline = Readonly<Record<string, Readonly<{ script?: string[]; after_script?: string[] }>>>;
    const child = parse(await read('.github/gitlab-night.yml')) as Pipeline;
    const parent = parse(await read('.github/gitlab-ci.yml')) as Pipeline;
    t.ok(child['run']?.script);
    const lines = [...Object.values(parent), ...Object.values(child)].flatMap((job) => [
      ...(job.script ?? []),
      ...(job.after_script ?? []),
    ]);
    t.ok(lines.length > 5);
    for (const line of lines) t.equal(spawnSync('sh', ['-n'], { input: line }).status, 0, line);
  },
);

t.test('the container has every program that poolproof starts', async (t) => {
  const text = await read('images/Containerfile');
  const packages: readonly string[] = text.slice(text.lastIndexOf('FROM ')).match(/[\w-]+/g) ?? [];
  // In every Debian: apt, dpkg and util-linux; npm is copied from the stage before.
  const there = ['apt', 'dpkg', 'util-linux', 'npm'];
  for (const { name } of [qemuTool, ...tools])
    for (const one of packagesOfTool(name).apt?.split(' ') ?? [])
      t.ok(there.includes(one) || packages.includes(one), `${name}: ${one}`);
});

t.test('expressions are evaluated as GitHub does', (t) => {
  const contexts = { inputs: { part: 'run', empty: '' }, steps: { a: { outputs: { ok: 'true' } } } };
  const functions = { always: () => true, fromJSON: (text: unknown): unknown => JSON.parse(String(text)) };
  const of = (text: string): unknown => evaluate(text, contexts, functions);
  t.equal(of("inputs.part == 'run' && steps.a.outputs.ok == 'true'"), true);
  t.equal(of("inputs.part != 'run' || 'other'"), 'other');
  t.equal(of('inputs.none'), '');
  t.equal(of("!(inputs.empty || always()) || 'it''s'"), "it's");
  t.same(of(`fromJSON('{"a":1}')`), { a: 1 });
  t.equal(fill('a ${{ inputs.part }}-${{ 1 }}', contexts), 'a run-1');
  for (const wrong of ['inputs.part ==', 'never()', '(1', '1 2', '$']) t.throws(() => of(wrong), wrong);
  t.end();
});
