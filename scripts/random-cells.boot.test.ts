import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t from 'tap';
import { buildCases } from '../harness/field/cell-matrix.ts';
import { predictSettings } from '../harness/field/model.ts';
import { defaultSettings } from '../harness/axes/table.ts';
import { runMatrix } from '../harness/run/run.ts';
import { resolveCacheFolder } from '../images/cache/cache-folder.ts';
import { drawCells, randomFrom } from '../harness/field/draw-settings.ts';

const seed = 12;
const mib = 2 ** 20;

// Machines and images of the default matrix, so that its templates serve here too: what differs costs a clone.
const machines = [512, 1024, 2048].map((memory) => ({ ...defaultSettings(), memory: memory * mib }));
const { cells } = drawCells(randomFrom(seed), 20, machines, (settings) => ({
  ...settings,
  node: '22',
  engine: settings.engine === 'v8' ? 'v8' : 'wasmtime',
}));

t.test('twenty random cells: real guests do what the model says', async (t) => {
  const resultsDir = await mkdtemp(path.join(tmpdir(), 'random-cells-'));
  t.teardown(() => rm(resultsDir, { recursive: true, force: true }));
  const { results } = await runMatrix(
    buildCases(
      `Random cells, seed ${seed}`,
      cells.map((settings) => ({ settings, expect: null })),
    ),
    { resultsDir, cacheDir: resolveCacheFolder() },
  );
  t.equal(results.length, 20);
  for (const { id, outcome, tier, verdict, finding, reason, form, host } of results) {
    t.equal(finding, null, `${id}: ${reason}`);
    if (outcome === 'skipped') continue;
    t.equal(verdict, 'expected', `${id}: ${outcome}, ${reason}`);
    if (outcome !== 'reached') continue;
    const { model, kernel } = host?.proof ?? {};
    t.ok(kernel?.memory, `${id}: ${String(tier)} is measured`);
    t.match(form, { checks: model?.checks, slots: model?.slots });
  }
  // The draw itself is worth something: more than one tier and outcome, both engines, few that do not apply.
  const ran = results.filter(({ outcome }) => outcome !== 'skipped');
  t.ok(ran.length >= 17, `${ran.length} of 20 ran`);
  t.ok(new Set(ran.map(({ tier, outcome }) => tier ?? outcome)).size >= 3);
  t.equal(new Set(ran.map(({ settings }) => settings.engine)).size, 2);
  t.ok(cells.some((settings) => predictSettings(settings)?.outcome !== 'reached'));
});
