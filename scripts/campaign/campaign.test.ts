/** The table, the draws, and the checks themselves: a check that passes everything would be none. */
import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t from 'tap';
import { parseResult } from '../../harness/store/result-schema.ts';
import type { Result } from '../../harness/store/result.ts';
import { guestRows } from './campaign.ts';
import { checkExitCode, checkWords, isRefusal, judgeResults, readLines } from './checks.ts';
import { chooseRow, randomOf } from './draw.ts';
import { fakeRows } from './fake-rows.ts';
import { fleetRows } from './fleet-rows.ts';
import { renderPage, summarize } from './page.ts';
import { hosts } from './small-runs.ts';
import { type Outcome, selectRows } from './table.ts';

const stored = path.resolve(import.meta.dirname, '../../results/reference/default/cells.jsonl');
const lines = readFileSync(stored, 'utf8').trim().split('\n');
const results = lines
  .map((line, index) => parseResult(line, stored, index))
  .filter((each): each is Result => !(each instanceof Error));
const of = (overcommit: number): Result => {
  const found = results.find(
    ({ settings }) => settings.memory === 512 * 2 ** 20 && settings.overcommit === overcommit,
  );
  if (found === undefined) throw new Error('the reference lacks a cell');
  return found;
};
const pair = [of(0), of(2)];

t.test('each target and each way has a row, and each row a name of its own', (t) => {
  const rows = [...guestRows, ...fakeRows, ...fleetRows];
  t.equal(new Set(rows.map(({ name }) => name)).size, rows.length);
  const has = (key: 'target' | 'way'): string[] => [...new Set(rows.map((row) => row[key]))].sort();
  t.same(has('target'), ['QEMU', 'cache', 'disk', 'fleet', 'harness', 'results', 'session', 'subject']);
  t.same(has('way'), ['cut', 'fill', 'flip', 'garble', 'kill', 'slow', 'stop']);
  t.end();
});

t.test('seed and number give the same fault again, and few faults meet many rows', (t) => {
  const drawn = (seed: number, number: number): string =>
    chooseRow(guestRows, seed, number).draw(randomOf(seed, 'real', number)).drawn;
  const first = Array.from({ length: 40 }, (_, number) => drawn(5, number));
  t.same(
    Array.from({ length: 40 }, (_, number) => drawn(5, number)),
    first,
  );
  t.not(drawn(6, 0) + drawn(6, 1), drawn(5, 0) + drawn(5, 1));
  const met = new Set(Array.from({ length: 300 }, (_, number) => chooseRow(guestRows, 5, number).name));
  t.ok(met.size > guestRows.length * 0.9, `${met.size} of ${guestRows.length} rows in 300 faults`);
  t.throws(() => chooseRow([], 1, 1), RangeError);
  t.same(selectRows(guestRows, { only: 'stop-clone', quick: true }), [], 'a slow row is left out');
  t.end();
});

t.test('what is right passes, and what is wrong, doubled, strange or missing does not', (t) => {
  const right = judgeResults(pair, hosts.cells);
  t.match(right, { right: 2, silent: 0, unexpected: 0, missing: [], failures: [] });
  const wrong = { ...of(0), tier: 'conservative' as const, verdict: 'unexpected' as const };
  t.match(judgeResults([wrong], hosts.cells), {
    right: 0,
    unexpected: 1,
    failures: [/^wrong: wasm-host, overcommit 0/],
  });
  const silent = { ...of(0), outcome: 'broken' as const, tier: null, verdict: null };
  t.match(judgeResults([silent], hosts.cells), {
    silent: 1,
    failures: [],
    missing: ['wasm-host, overcommit 2'],
  });
  t.match(judgeResults([...pair, of(2)], hosts.cells).failures, [/^2 lines of one cell/]);
  t.match(judgeResults([of(1)], hosts.cells).failures, [/does not have/]);
  t.match(judgeResults([{ ...of(0), verdict: 'undecided' }], hosts.cells).failures, [/^right and undecided/]);
  t.end();
});

t.test('an exit code that is not that of the cells, a trace and a hang are failures', (t) => {
  const end = { exitCode: 0, signal: null, stdout: '', stderr: '', hung: false };
  const whole = judgeResults(pair, hosts.cells);
  t.same(checkExitCode(end, whole), []);
  t.match(checkExitCode({ ...end, exitCode: 1 }, whole), [/exit code 1 where the cells say 0/]);
  t.match(checkExitCode(end, judgeResults([of(0)], hosts.cells)), [/say 2/]);
  t.same(checkWords(end, 'x'), []);
  const refused = {
    ...end,
    exitCode: 3,
    stderr: 'starting\nQEMU_FAILED: qemu --version was ended by SIGKILL',
  };
  t.ok(isRefusal(refused));
  t.notOk(isRefusal({ ...refused, exitCode: 2 }), 'its exit code is 3');
  t.notOk(isRefusal({ ...refused, stderr: 'Note: nothing' }));
  t.ok(isRefusal({ ...end, exitCode: 2, stderr: 'STORE_CORRUPT: x' }, 'STORE_'));
  t.notOk(isRefusal({ ...end, exitCode: 2, stderr: 'USAGE: x' }, 'STORE_'));
  const full = { ...end, exitCode: 3, stderr: 'DISK_FULL: no space for results' };
  t.same(checkExitCode(full, judgeResults([of(0)], hosts.cells), 'DISK_FULL'), []);
  t.match(checkExitCode({ ...full, exitCode: 0 }, whole, 'DISK_FULL'), [
    /exit code 0 with DISK_FULL, which has 3/,
  ]);
  t.match(checkExitCode(full, whole, 'TMPDIR_UNWRITABLE'), [/exit code 3 where the cells say 0/]);
  t.match(checkExitCode(full, whole), [/exit code 3 where the cells say 0/]);
  t.match(checkWords({ ...end, exitCode: 7 }, 'x'), [/ended with 7/]);
  t.match(checkWords({ ...end, hung: true }, 'x'), [/did not end/]);
  t.match(checkWords({ ...end, stderr: 'TypeError: x\n    at f (file:///a.js:1:2)\n' }, 'x'), [/trace/]);
  t.end();
});

t.test('a torn last line is no line, a damaged one is a failure', (t) => {
  const dir = mkdtempSync(path.join(tmpdir(), 'poolproof-test-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  mkdirSync(path.join(dir, 'run'));
  writeFileSync(
    path.join(dir, 'run', 'cells.jsonl'),
    `${lines[0] ?? ''}\n{"torn\n${lines[1]?.slice(0, 90) ?? ''}`,
  );
  const { results: read, failures } = readLines(path.join(dir, 'run'));
  t.equal(read.length, 1);
  t.equal(failures.length, 1);
  t.same(readLines(null), { results: [], failures: [] });
  t.end();
});

t.test('the page counts each row, and tells what failed with its number', (t) => {
  const outcome: Outcome = {
    ...{ id: 'real-3', row: 'kill-qemu', drawn: 'a|b', right: 2, silent: 1, reasons: [], refused: false },
    ...{ missed: false, skipped: null, failures: ['wrong: x'], seconds: 4 },
  };
  const about = { seed: 9, command: 'node x', machine: ['2 cores'], minutes: 3, date: '2026-11-28' };
  const page = renderPage(about, { real: guestRows, fake: fakeRows, fleet: fleetRows }, [outcome]);
  t.match(page, /\| `kill-qemu` \| QEMU \| kill \| [^|]* \| 1 \| 0 \| 1 \| 0 \| 0 \| 0 \| 2 \| 1 \| 4 \|/);
  t.match(page, /- real-3, `kill-qemu`: "a\|b"\n {2}- "wrong: x"/);
  t.equal(summarize([outcome]), '1 faults, 1 of them over real guests: 0 passed, 1 failed, 0 skipped');
  t.end();
});
