/** A fleet on real processes and a real Redis, over fake machines. Its faults are in scripts/campaign/fleet-rows.ts. */
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import t, { type Test } from 'tap';
import { fakeMachines } from '../fixtures/fake-machine.ts';
import { fakePrepared } from '../fixtures/fake-prepared.ts';
import { finish, Lab, matrixOf, type Member, needsFleet } from '../fixtures/fleet-lab.ts';
import { testTiming } from '../fixtures/fleet-task.ts';
import { conservativeReport } from '../fixtures/outcome/observations.ts';
import { TestRedis } from '../fixtures/redis-server.ts';
import { parseMatrix } from '../matrix/load.ts';
import { planBoots } from '../run/boot-plan.ts';
import { runPrepared } from '../run/run.ts';
import type { Result } from '../store/result.ts';
import { chooseFirst, countHolders, nameJobId, Preference, readBoot } from './affinity.ts';
import { explain, keys, type Link, openLink, openQueue, parseAddress } from './connect.ts';
import { forgetExpiredRun, forgetLeftRun } from './forget-run.ts';

const cells = 30;

/** Keys of runs and their queues; that of a check is gone after a moment. */
const listRunKeys = async ({ redis }: Lab): Promise<readonly string[]> =>
  ((await redis.command('KEYS', '*poolproof[-:]r*')) as readonly string[]).concat(
    (await redis.command('KEYS', 'bull:*')) as readonly string[],
  );

/** Workers hear of the end of a run at their next look. */
async function untilForgotten(lab: Lab): Promise<readonly string[]> {
  for (let tries = 0; tries < 100; tries += 1) {
    const found = await listRunKeys(lab);
    if (found.length === 0) return found;
    await sleep(100);
  }
  return listRunKeys(lab);
}

/** A connection for a test itself. */
async function openWay(test: Test, redis: TestRedis): Promise<Link> {
  const { address } = await redis.openProxy();
  const link = await openLink({ address, onNotice: () => undefined });
  test.teardown(() => link.redis.disconnect());
  return link;
}

/** What is the same wherever a cell runs. */
const withoutPlace = ({ startedAt: _at, timings, machine: _machine, ...rest }: Result): unknown => ({
  ...rest,
  timings: Object.keys(timings),
});
const comparable = (results: readonly Result[]): readonly unknown[] =>
  [...results].sort((a, b) => (a.id < b.id ? -1 : 1)).map(withoutPlace);

t.test(
  'three workers give what one computer gives, one of them killed and one late',
  needsFleet,
  async (t) => {
    const folder = t.testdir();
    await using lab = await Lab.open(path.join(folder, 'lab'));
    const coordinator = await lab.coordinator('main', matrixOf(cells));
    const killed = await lab.worker('killed');
    await lab.worker('steady', { cellMs: 1000 });
    await coordinator.ends(5);
    killed.kill('SIGKILL');
    await lab.worker('late', { cellMs: 10, jobs: 2 });
    const { results, exitCode } = await finish(coordinator);
    const local = await runPrepared(parseMatrix(matrixOf(cells), 'm.yaml'), fakePrepared, {
      resultsDir: path.join(folder, 'results'),
      cacheDir: path.join(folder, 'cache'),
      cold: true,
      startMachine: fakeMachines([{ stdout: `${JSON.stringify(conservativeReport)}\n` }]),
    });
    t.strictSame(comparable(results), comparable(local.results));
    t.equal(exitCode, local.exitCode);
    t.same([...new Set(results.map(({ machine }) => machine?.name))].sort(), ['killed', 'late', 'steady']);
    t.match(coordinator.notices().join('\n'), /^worker killed: one guest/m, 'in any order');
    t.match(coordinator.notices().at(-1), /^cells by machine: killed \d+, late \d+, steady \d+$/);
    t.same(await untilForgotten(lab), [], 'nothing of the run stays');
  },
);

t.test(
  'a machine that does not fit takes nothing, and the coordinator says what it lacks',
  needsFleet,
  async (t) => {
    await using lab = await Lab.open(t.testdir());
    const coordinator = await lab.coordinator('main', matrixOf(4));
    const none = /there is no worker: start some with `poolproof work --fleet redis:\/\/127\.0\.0\.1:\d+`$/;
    await coordinator.said((line) => line.kind === 'notice' && none.test(line.text));
    await lab.worker('old', { tool: '0.0.1' });
    const other = await lab.worker('other', { digest: 'sha256:9' });
    const says =
      /^no worker takes the cells of bookworm: old: this worker has poolproof 0\.0\.1, the run .*; other: its images of bookworm are sha256:9, those of the run sha256:3$/;
    await coordinator.said((line) => line.kind === 'notice' && says.test(line.text));
    t.match(other.notices(), [/^no cells of fleet with bookworm: its images/]);
    const patient = { ...testTiming, patienceMs: 600_000 };
    const second = await lab.coordinator('second', matrixOf(1), { timing: patient });
    await second.said(
      (line) => line.kind === 'notice' && /^no worker takes .*old: .*; other: /.test(line.text),
    );
    second.kill('SIGINT');
    await second.ended;
    t.equal(coordinator.lines.filter(({ kind }) => kind === 'ended').length, 0);
    await lab.worker('fit');
    const { results } = await finish(coordinator);
    t.same(
      results.map(({ machine }) => machine?.name),
      ['fit', 'fit', 'fit', 'fit'],
    );
  },
);

t.test(
  'guests of another architecture go only to a machine that has the QEMU for them',
  needsFleet,
  async (t) => {
    await using lab = await Lab.open(t.testdir());
    const matrix = 'title: two\naxes: {arch: [x86-64, arm64], env: [{N: "1"}, {N: "2"}, {N: "3"}]}\n';
    const coordinator = await lab.coordinator('main', matrix);
    await lab.worker('x86');
    await coordinator.ends(3);
    const says = /^no worker takes the cells of arm64\/bookworm: x86: it has no QEMU for guests of arm64$/;
    await coordinator.said((line) => line.kind === 'notice' && says.test(line.text));
    await lab.worker('both', { architectures: ['x86-64', 'arm64'] });
    const { results } = await finish(coordinator);
    t.same(results.map(({ settings, machine }) => `${settings.arch} ${machine?.name}`).sort(), [
      'arm64 both',
      'arm64 both',
      'arm64 both',
      'x86-64 x86',
      'x86-64 x86',
      'x86-64 x86',
    ]);
  },
);

t.test('figures are of one machine, whichever machines ran the cells', needsFleet, async (t) => {
  await using lab = await Lab.open(t.testdir());
  const workers = [
    await lab.worker('amd', { cpuModel: 'AMD EPYC', cellMs: 500 }),
    await lab.worker('intel', { cpuModel: 'Intel Xeon', cellMs: 500 }),
  ];
  // Jobs are cut for the workers that are there.
  while ((await lab.redis.command('SCARD', keys.workers)) !== workers.length) await sleep(50);
  const coordinator = await lab.coordinator('main', `${matrixOf(16)}measure: {overhead: true}\n`);
  const { results } = await finish(coordinator);
  // A cell that has its figures gets a further line.
  const last = [...new Map(results.map((result) => [result.id, result])).values()];
  t.equal(last.length, 16);
  t.ok(last.every(({ overheadSource }) => overheadSource !== undefined));
  const models = new Set(last.map(({ machine }) => machine?.cpuModel));
  t.same([...models].sort(), ['AMD EPYC', 'Intel Xeon']);
  const guestsOf = ({ lines }: Member): number => lines.filter(({ kind }) => kind === 'guest').length;
  t.equal(
    workers.reduce((sum, worker) => sum + guestsOf(worker), 0),
    16,
    'no worker measures',
  );
  t.ok(guestsOf(coordinator) > 0, 'the coordinator does');
  const kinds = coordinator.lines.map(({ kind }) => kind);
  t.ok(kinds.indexOf('guest') > kinds.lastIndexOf('ended'), 'when all cells have ended');
});

t.test(
  'a job goes to the machine that has its template, and to another when that one does not come',
  needsFleet,
  async (t) => {
    await using redis = await TestRedis.start(t.testdir());
    const link = await openWay(t, redis);
    const queue = openQueue(link, 'lane');
    const jobs = new link.bullmq.Worker('lane', null, { connection: link.redis, autorun: false });
    const [small, large] = planBoots(
      parseMatrix(matrixOf(4, 'warm', 2), 'm.yaml').cells(),
      fakePrepared.images,
      false,
    ).map((plan) => nameJobId(plan));
    const boots = [small, large].map((id) => readBoot(id ?? '') ?? '');
    for (const jobId of [small, `${small}-b`, `${small}-c`, large])
      await queue.add('x', {}, { priority: 1000, ...(jobId !== undefined && { jobId }) });
    const machine = { jobs, queue, preference: new Preference(testTiming.preferMs, 0) };
    const take = async (own: readonly (string | undefined)[]): Promise<string | undefined> => {
      // As many machines as jobs of each boot.
      const all = countHolders([boots, boots, boots]);
      const isMine = await chooseFirst(machine, link.redis, new Set(own.map((boot) => boot ?? '')), all);
      return isMine ? (await jobs.getNextJob('token', { block: false })).id : 'none';
    };
    t.equal(await take([]), 'none', 'others have its template');
    t.equal(await take([boots[1]]), large, 'its own first, though others wait before it');
    t.equal(await take([boots[0]]), small);
    t.equal(await take([]), 'none');
    await sleep(testTiming.preferMs);
    t.equal(await take([]), `${small}-b`, 'nobody has come for it');
    await jobs.close(true);
  },
);

t.test(
  'a run that nobody will resume is forgotten, and not while its coordinator lives',
  needsFleet,
  async (t) => {
    await using lab = await Lab.open(t.testdir());
    const coordinator = await lab.coordinator('main', matrixOf(cells));
    await lab.worker('worker', { cellMs: 50 });
    await coordinator.ends(3);
    const link = await openWay(t, lab.redis);
    const [run = ''] = await link.redis.smembers(keys.runs);
    await t.rejects(forgetLeftRun(link.redis, run), { code: 'USAGE', message: /lives/ });
    await t.rejects(forgetLeftRun(link.redis, '*'), { code: 'USAGE', details: { hint: `it has ${run}` } });
    await link.redis.set('bull:poolproof-another-run', 'stays');
    coordinator.kill('SIGKILL');
    await coordinator.ended;
    while ((await link.redis.exists(keys.alive(run))) === 1) await sleep(100);
    t.ok((await forgetLeftRun(link.redis, run)) > 3);
    await link.redis.del('bull:poolproof-another-run');
    t.same(await untilForgotten(lab), [], 'nothing of the run stays');
    // A call that has expired is removed by any worker, with the queues that only its name tells.
    await link.redis.set(`bull:poolproof-${run}-bookworm-3:meta`, 'x');
    await link.redis.sadd(keys.runs, run);
    t.same(await untilForgotten(lab), []);
    // The names of runs may be read before Redis loses everything, and their calls behind it.
    await link.redis.set(`bull:poolproof-${run}-bookworm-3:meta`, 'x');
    await forgetExpiredRun(link.redis, run);
    t.equal(await link.redis.del(`bull:poolproof-${run}-bookworm-3:meta`), 1, 'what is queued again stays');
  },
);

t.test('Ctrl-C ends a run at once, keeps its cells, and workers drop the rest', needsFleet, async (t) => {
  await using lab = await Lab.open(t.testdir());
  const coordinator = await lab.coordinator('main', matrixOf(cells));
  const worker = await lab.worker('worker', { jobs: 2 });
  await coordinator.ends(3);
  coordinator.kill('SIGINT');
  const { results, exitCode } = await finish(coordinator);
  t.equal(exitCode, 130);
  t.ok(results.length >= 3 && results.length < cells, `${results.length} of ${cells} cells`);
  worker.kill('SIGTERM');
  await worker.ended;
  t.equal(worker.child.exitCode, 0);
  t.same(worker.notices(), [], 'a job that is there no more is no news');
  const jobs = worker.lines.flatMap((line) => (line.kind === 'job' ? [line.text] : []));
  const told = jobs.map((line) => /^fleet: (\d+) cells? in \d+ s(?:, (\d+) not run here)?$/.exec(line));
  t.ok(told.length > 0 && told.every((words) => words !== null), jobs.join('; '));
  for (const [index, kind] of [[1, 'ended'] as const, [2, 'dropped'] as const]) {
    const sum = told.reduce((sum, words) => sum + Number(words?.[index] ?? 0), 0);
    t.equal(sum, worker.lines.filter((line) => line.kind === kind).length, `cells that ${kind}`);
  }
  t.same(await listRunKeys(lab), []);
});

t.test(
  'results that waited for a coordinator count, and no cell runs again for them',
  needsFleet,
  async (t) => {
    await using lab = await Lab.open(t.testdir());
    const killed = await lab.coordinator('main', matrixOf(cells));
    const worker = await lab.worker('worker', { cellMs: 100 });
    await killed.ends(2);
    killed.kill('SIGKILL');
    await killed.ended;
    const opened = killed.lines.find(({ kind }) => kind === 'opened');
    if (opened?.kind !== 'opened') throw new Error('it never began');
    // What the worker has taken by then it also ends.
    const link = await openWay(t, lab.redis);
    const [run = ''] = await link.redis.smembers(keys.runs);
    while ((await link.redis.exists(keys.alive(run))) === 1) await sleep(100);
    const before = worker.lines.filter(({ kind }) => kind === 'ended').length;
    t.ok(before > 2, `${before} cells have ended`);
    const resumed = await lab.coordinator('main', matrixOf(cells), { resume: opened.dir });
    const { results } = await finish(resumed);
    t.equal(results.length, cells);
    const ran = worker.lines.flatMap((line) => (line.kind === 'ended' ? [line.cell] : []));
    t.same(ran.length, new Set(ran).size, 'each cell once');
  },
);

t.test('what Redis refuses and where it is not are said with what to do', (t) => {
  const of = (error: Error) => explain(error, 'redis://q:1');
  t.match(of(new Error('NOAUTH HELLO must be called with the client')), {
    code: 'FLEET_REFUSED',
    message: 'redis://q:1 needs a password, and there is none',
    details: { hint: /POOLPROOF_FLEET_PASSWORD/ },
  });
  t.match(of(new Error('WRONGPASS invalid username-password pair')), {
    code: 'FLEET_REFUSED',
    message: 'redis://q:1 does not accept the password',
  });
  t.match(of(new Error('OOM command not allowed')), {
    message: 'redis://q:1 refuses: OOM command not allowed',
    details: { hint: /^raise maxmemory/ },
  });
  t.match(of(new Error('NOPERM no permissions')), { message: 'redis://q:1 refuses: NOPERM no permissions' });
  const unknown = Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' });
  t.match(of(unknown), { code: 'FLEET_UNREACHABLE', details: { hint: /^no computer has that name/ } });
  const silent = Object.assign(new Error('connect'), { code: 'ETIMEDOUT' });
  t.match(of(silent), { details: { hint: /^start Redis there/ } });
  t.match(explain(silent, 'rediss://q:1'), { details: { hint: /with TLS there, or write redis:/ } });
  t.end();
});

t.test('an address is that of a Redis, and has no password', (t) => {
  t.equal(parseAddress('rediss://lab@queue.example:6380/2').host, 'queue.example:6380');
  for (const address of ['queue.example', 'http://queue.example', 'redis://', ''])
    t.throws(() => parseAddress(address), { code: 'USAGE', message: /that of its Redis/ }, address);
  t.throws(() => parseAddress(undefined), {
    message: 'no fleet is named',
    details: { hint: /redis:.* POOLPROOF_FLEET$/ },
  });
  t.throws(() => parseAddress('redis://:secret@queue.example'), {
    code: 'USAGE',
    message: /^(?!.*secret)/,
    details: { hint: /POOLPROOF_FLEET_PASSWORD/ },
  });
  t.end();
});

const cli = path.resolve(import.meta.dirname, '../../dist/harness/cli.js');

/** Runs the command line where neither package is installed; tells which files of the fleet it loads. */
async function runWithoutPeers(
  args: readonly string[],
): Promise<{ code: number | undefined; stderr: string }> {
  const hook = `import { registerHooks } from 'node:module';
registerHooks({ resolve(name, context, next) {
  if (name === 'bullmq' || name === 'ioredis') throw Object.assign(new Error('not there'), { code: 'ERR_MODULE_NOT_FOUND' });
  if (name.includes('../fleet/')) process.stderr.write('loads ' + name + '\\n');
  return next(name, context);
} });`;
  const url = `data:text/javascript,${encodeURIComponent(hook)}`;
  const { exitCode, stderr } = await execa(process.execPath, ['--import', url, cli, ...args], {
    reject: false,
  });
  return { code: exitCode, stderr };
}

t.test('without the packages one line says what to install, and only a fleet needs them', async (t) => {
  const folder = t.testdir({ 'm.yaml': 'axes: {memory: [512M]}\n' });
  const fleet = ['--fleet', 'redis://127.0.0.1:1'];
  const install = /FLEET_NOT_INSTALLED: .*\n.*npm install bullmq@6 ioredis@6/;
  for (const args of [
    ['run', path.join(folder, 'm.yaml'), ...fleet],
    ['work', ...fleet],
    ['fleet', ...fleet],
  ]) {
    const { code, stderr } = await runWithoutPeers(args);
    t.match(stderr, install, args.join(' '));
    t.equal(code, 3, args.join(' '));
  }
  const plain = await runWithoutPeers(['run', path.join(folder, 'nothing.yaml')]);
  t.match(plain.stderr, /^MATRIX_NOT_FOUND/);
  t.equal(plain.code, 2);
});
