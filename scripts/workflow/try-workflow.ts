/**
 * Runs the nightly workflow's own steps on other computers: `node dist/scripts/workflow/try-workflow.js
 * [ubuntu | debian ...] [--matrix FILE] [--keep]`, as root; a missing mmdebstrap is installed. Each is a chroot: one
 * that looks like Ubuntu 24.04, and one like Debian's container. Two nights of two shards each, so that there is
 * something to compare. Takes half an hour per chroot where guests are emulated.
 */
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { chrootShell, disguiseAsUbuntu, makeDebian, ownMirror, readText } from './chroot.ts';
import { cloneCheckout, requirePackages } from './prepare-try.ts';
import { runWorkflow, type Place } from './run-workflow.ts';

const places = {
  ubuntu: async (root: string): Promise<Record<string, string>> => {
    await disguiseAsUbuntu(root);
    const { mirror, security } = await ownMirror();
    return { 'debian-mirror': mirror, 'debian-security': security };
  },
  debian: (): Promise<Record<string, string>> => Promise.resolve({}),
};

const say = (text: string): void => void process.stdout.write(`== ${text}\n`);

type Try = Readonly<{ name: keyof typeof places; root: string; matrix: string; repository: string }>;

async function tryPlace({ name, root, matrix, repository }: Try): Promise<boolean> {
  say(`${name}: making ${root}`);
  await makeDebian(root);
  const inputs = await places[name](root);
  say((await readText(root, 'etc/os-release')).split('\n')[0] ?? '');
  const store = `${root}.store`;
  await mkdir(store, { recursive: true });
  await execa('git', ['init', '--quiet', '--bare', path.join(root, 'srv/site.git')]);
  const place: Place = {
    hostPath: (inside) => path.join(root, inside),
    shell: (script, cwd, env) => chrootShell(root, script, cwd, env),
    checkOut: async (folder) => {
      await execa('git', ['clone', '--quiet', '--no-local', repository, path.join(root, folder)]);
    },
    say,
  };
  const github = {
    ref_name: 'main',
    run_attempt: '1',
    token: '',
    server_url: 'file:///srv',
    repository: 'site.git',
    repository_owner: 'someone',
    event: { repository: { name: 'poolproof' } },
  };
  let ok = true;
  for (const night of ['1', '2']) {
    say(`${name}: night ${night}`);
    const env = { MATRIX: matrix, SHARDS: '2', PUBLISH: 'true' };
    const options = { place, env, inputs, store, github: { ...github, run_id: night } };
    const results = await runWorkflow('.github/workflows/nightly.yml', options);
    for (const result of results)
      say(`${name}: night ${night}: ${result.ok ? 'ok' : 'FAILED'}: ${result.name}`);
    ok &&= results.length === 6 && results.every((result) => result.ok);
  }
  const site = path.join(root, 'home/runner/work/publish/site');
  const read = (file: string): Promise<string> => readFile(path.join(site, file), 'utf8').catch(() => '');
  const summary = await readText(root, 'home/runner/work/report.summary.md');
  const checks = {
    'the second night was compared with the first':
      !/no earlier night/.test(summary) || summary.split('no earlier night').length === 2,
    'two nights are on the page': ((await read('index.html')).match(/nights\//g) ?? []).length === 2,
    'the newest report is there': (await read('report.html')).includes('<html'),
    'the badge counts the cells': /"message":"\d+ of \d+ as expected"/.test(await read('badge.json')),
    'the feed is there': (await read('feed.xml')).includes('<feed'),
  };
  for (const [title, good] of Object.entries(checks)) say(`${name}: ${good ? 'ok' : 'FAILED'}: ${title}`);
  say(`${name}: ${await read('badge.json')}`);
  process.stdout.write(summary);
  return ok && Object.values(checks).every(Boolean);
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    matrix: { type: 'string', default: 'matrices/smoke.yaml' },
    keep: { type: 'boolean', default: false },
  },
});
const names = Object.keys(places) as (keyof typeof places)[];
const unknown = positionals.filter((name) => !names.some((one) => one === name));
if (unknown.length > 0) throw new Error(`${unknown.join(', ')}: there are ${names.join(' and ')}`);
const work = await mkdtemp(path.join(tmpdir(), 'poolproof-places-'));
try {
  await requirePackages({ mmdebstrap: 'mmdebstrap' }, say);
  const repository = await cloneCheckout(path.join(work, 'repository.git'));
  for (const name of names.filter((one) => positionals.length === 0 || positionals.includes(one))) {
    const one = { name, root: path.join(work, name), matrix: values.matrix, repository };
    if (!(await tryPlace(one))) process.exitCode = 1;
  }
} finally {
  if (values.keep) say(`kept: ${work}`);
  else await rm(work, { recursive: true, force: true });
}
