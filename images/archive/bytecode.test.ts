import { copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import t from 'tap';
import { project } from '../paths.ts';
import { bytecodeFile } from '../wasm-host/worker-script.ts';
import { buildBytecode } from './bytecode.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'poolproof-test-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
const host = path.join(folder, 'wasm-host');
cpSync(path.join(project.compiledFolder, 'wasm-host'), host, { recursive: true });

t.test('the same bytes every time, for the Node that made them', async (t) => {
  const [first, second] = [
    await buildBytecode(process.execPath, host, folder),
    await buildBytecode(process.execPath, host, folder),
  ];
  t.ok(first && first.length > 10_000, 'all functions are compiled, not only what runs at once');
  t.ok(second && first?.equals(second));
});

t.test('a program that is no Node, or does not run here, gives none', async (t) => {
  t.equal(await buildBytecode('/bin/false', host, folder), null);
  t.equal(await buildBytecode(path.join(folder, 'missing'), host, folder), null);
});

t.test('the host says the same with bytecode, without and with that of another', async (t) => {
  // A Node of its own, as in an image: bytecode lies beside the program.
  const node = path.join(folder, 'bin', 'node');
  mkdirSync(path.dirname(node));
  copyFileSync(process.execPath, node);
  const file = path.join(path.dirname(node), bytecodeFile);
  const run = async (): Promise<unknown> => {
    const words = ['--once', '--node', node, '--engine', 'v8'];
    const { stdout } = await execa(path.join(host, 'wasm-host.sh'), words, {
      env: { SPIN_ALLOCATOR: 'standard', TMPDIR: folder },
    });
    const { outcome, tier, engine, proof } = JSON.parse(stdout.split('\n')[1] ?? '') as Record<
      string,
      { slots?: number }
    >;
    return { outcome, tier, engine, slots: proof?.slots };
  };
  const without = await run();
  t.match(without, { outcome: 'reached', tier: 'standard' });
  writeFileSync(file, (await buildBytecode(node, host, folder)) ?? '');
  t.same(await run(), without);
  writeFileSync(file, 'this is no bytecode');
  t.same(await run(), without);
});
