import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import t from 'tap';
import { predictSettings } from '../field/model.ts';
import { defaultSettings } from '../axes/table.ts';
import type { Settings } from '../axes/table.ts';
import { estimateCell, predictCell } from '../outcome/predict-cell.ts';
import { estimateFacts } from '../plan/estimate-facts.ts';
import { createPredictor } from '../library/plan-matrix.ts';

const gib = 2 ** 30;

/**
 * Settings away from their default, and the tier or outcome of them; null where the host refuses or is not what runs.
 */
const table: readonly (readonly [change: Partial<Settings>, end: string | null])[] = [
  [{}, 'standard'],
  [{ profile: 'wasmtime', memories: 40_000 }, 'conservative'],
  [{ memories: 40_000 }, 'conservative'],
  [{ overcommit: 2 }, 'conservative'],
  [{ maxMemory: 8 * gib }, 'conservative'],
  [{ env: { SPIN_WASMTIME_POOLING: '0' } }, 'on-demand'],
  [{ env: { SPIN_WASMTIME_TOTAL_MEMORIES: '40000' } }, 'conservative'],
  [{ env: { SPIN_MAX_INSTANCE_COUNT: 'many' } }, null],
  [{ env: { SPIN_WASMTIME_POOLING: 'yes' } }, null],
  [{ allocator: 'on-demand' }, 'on-demand'],
  [{ allocator: 'standard', memories: 40_000 }, 'exhausted'],
  [{ addressSpace: 16 * gib }, 'conservative'],
  [{ engine: 'v8', node: '22' }, 'standard'],
  [{ engine: 'v8', node: '22.1.0', addressSpace: 8 * gib }, 'exhausted'],
  [{ mdwe: 'prctl' }, 'crashed'],
  [{ subject: 'another' }, null],
];

t.test('plan, run, fix and every other command predict the same of a cell', (t) => {
  const predict = createPredictor();
  for (const [change, end] of table) {
    const settings: Settings = { ...defaultSettings(), memory: 2 * gib, ...change };
    const name = JSON.stringify(change);
    const asRun = predictCell(settings, estimateFacts(settings), settings.node);
    t.equal(asRun?.tier ?? asRun?.outcome ?? null, end, name);
    t.strictSame(predict({ settings }), asRun, `plan: ${name}`);
    t.strictSame(predictSettings(settings), asRun, `fix: ${name}`);
    t.strictSame(estimateCell(settings), asRun, `bisect, minimize, repro and random cells: ${name}`);
  }
  t.end();
});

t.test(
  'the model predicts cells in predict-cell.ts only, and for advise the computer, which is no cell',
  async (t) => {
    const root = path.join(import.meta.dirname, '../..');
    const callers: string[] = [];
    for (const folder of ['harness', 'scripts']) {
      for (const file of await readdir(path.join(root, folder), { recursive: true })) {
        if (!file.endsWith('.ts') || file.endsWith('.test.ts')) continue;
        const text = await readFile(path.join(root, folder, file), 'utf8');
        if (/\bpredict(?:Host|Foreign|Tier)\(/.test(text)) callers.push(`${folder}/${file}`);
      }
    }
    t.strictSame(callers.sort(), ['harness/field/advised-hosts.ts', 'harness/outcome/predict-cell.ts']);
  },
);
