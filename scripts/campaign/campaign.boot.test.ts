/** A short campaign, always the same, over real guests and fake machines. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import t from 'tap';
import type { Outcome } from './table.ts';

const root = path.resolve(import.meta.dirname, '../..');
const folder = mkdtempSync(path.join(tmpdir(), 'poolproof-test-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));

const main = path.join(root, 'dist/scripts/campaign/main.js');
const seed = 8;

t.test('25 faults give no wrong verdict, lose no line and leave nothing', async (t) => {
  const json = path.join(folder, 'outcomes.json');
  const args = [main, '--faults', '25', '--real', '8', '--seed', String(seed), '--quick', '--json', json];
  const { exitCode, all } = await execa(process.execPath, args, { all: true, reject: false });
  // What a fault did wrong is in the outcomes; without them the campaign itself has failed.
  if (!existsSync(json)) return t.fail(`no outcomes, exit code ${exitCode ?? 'none'}`, { all });
  const { outcomes } = JSON.parse(readFileSync(json, 'utf8')) as { outcomes: readonly Outcome[] };
  t.equal(outcomes.length, 25);
  t.equal(outcomes.filter(({ id }) => id.startsWith('real-')).length, 8);
  for (const { id, row, drawn, failures } of outcomes) t.same(failures, [], `${id} ${row}: ${drawn}`);
  t.ok(
    outcomes.filter(({ missed, skipped }) => !missed && skipped === null).length > 12,
    'most faults struck',
  );
});
