/** Real guests on a fleet: the command line as it is, a worker, and what both say of each other. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { needsFleet, readLines } from '../fixtures/fleet-lab.ts';
import { TestRedis } from '../fixtures/redis-server.ts';
import type { Result } from '../store/result.ts';

const cli = path.resolve(import.meta.dirname, '../../dist/harness/cli.js');
const password = 'only-for-this-test';

const start = (cwd: string, args: readonly string[]) => {
  const env = { ...process.env, POOLPROOF_FLEET_PASSWORD: password };
  const child = spawn(process.execPath, [cli, ...args], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]).then(
    ([stdout, stderr]) => ({ stdout, stderr, code: child.exitCode }),
  );
  return { child, ended };
};

t.test('cells of a fleet come out as here, and say which machine made them', needsFleet, async (t) => {
  const folder = t.testdir();
  const file = path.join(folder, 'm.yaml');
  writeFileSync(file, 'title: two\naxes: {memory: 512M, overcommit: [0, 2]}\n');
  await using redis = await TestRedis.start(path.join(folder, 'redis'), ['--requirepass', password]);
  const { address } = await redis.openProxy();
  const worker = start(folder, ['work', '--fleet', address, '--name', 'lab-1', '--jobs', '1']);
  const fleet = await start(folder, ['run', file, '--fleet', address]).ended;
  t.equal(fleet.code, 0, fleet.stderr);
  const ask = () => start(folder, ['fleet', '--fleet', address]).ended;
  let survey = await ask();
  // A worker says how it is with its next beat.
  for (let tries = 0; tries < 20 && !survey.stdout.includes('2 cells ended'); tries += 1)
    survey = await ask();
  t.match(survey.stdout, /^lab-1: runs 0 of 1 guest, 2 cells ended; QEMU \d/);
  t.match(survey.stdout, /^ {2}has templates of 1 boot$/m);
  t.match(survey.stdout, /^no runs$/m);
  worker.child.kill('SIGTERM');
  const { code, stderr } = await worker.ended;
  t.equal(code, 0, stderr);
  t.match(stderr, /^lab-1 takes cells from redis:\/\/127\.0\.0\.1:\d+, 1 at a time/);
  const local = await start(folder, ['run', file, '--results', 'local']).ended;
  t.equal(local.code, 0, local.stderr);
  const [there, here] = ['results', 'local'].map((name) => {
    const [run = ''] = readdirSync(path.join(folder, name)).filter((entry) => /^\d/.test(entry));
    return [...readLines(path.join(folder, name, run))].sort((a, b) => (a.id < b.id ? -1 : 1));
  });
  const verdictOf = ({ id, tier, verdict, reason, form, imageDigest }: Result) => ({
    ...{ id, tier, verdict, form, imageDigest },
    // Free memory differs by some pages.
    reason: reason.replace(/\d+/g, 'n'),
  });
  t.strictSame(there?.map(verdictOf), here?.map(verdictOf));
  t.match(there, [
    { tier: 'standard', machine: { name: 'lab-1', accelerator: /^(?:tcg|kvm)$/ } },
    { tier: 'conservative' },
  ]);
  for (const said of [fleet, survey, { stderr, stdout: '' }])
    t.notMatch(said.stdout + said.stderr, password, 'no secret is shown');
});
