/** What reports cost: ten thousand cells in every format and in a browser, and a year of nights. */
import { appendFileSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { formatCellId } from '../../harness/matrix/cell-id.ts';
import type { Format } from '../../harness/report/format.ts';
import { formats } from '../../harness/report/formats.ts';
import { collectResults, readRun } from '../../harness/store/read-run.ts';
import type { Result } from '../../harness/store/result.ts';
import type { RunRecord } from '../../harness/store/run-record.ts';
import { spreadOf, timeProcess, withFolder, type Spread } from './measure.ts';

const cli = path.resolve(import.meta.dirname, '../../harness/cli.js');

/** Results of real guests, recorded with the tests. */
const recorded = path.resolve('harness/fixtures/runs/whole');

type Real = Readonly<{ record: RunRecord; results: readonly Result[] }>;

async function loadReal(): Promise<Real> {
  const run = await readRun(recorded);
  return { record: run.record, results: await collectResults(run.results()) };
}

/** The place of a cell in a product of axes, the last changing fastest. */
function placeOf(index: number, sizes: readonly number[]): readonly number[] {
  let rest = index;
  return [...sizes]
    .reverse()
    .map((size) => {
      const place = rest % size;
      rest = Math.floor(rest / size);
      return place;
    })
    .reverse();
}

/** `count` cells of a matrix over five axes, with the text and size of real results. */
function* multiply({ results }: Real, count: number): Generator<Result> {
  for (let index = 0; index < count; index += 1) {
    const real = results[index % results.length];
    const [limit = 0, node = 0, memory = 0, overcommit = 0, thp = 0] = placeOf(index, [1e6, 5, 10, 3, 3]);
    if (real === undefined) return;
    const settings = {
      ...real.settings,
      memory: (512 + memory * 256) * 2 ** 20,
      overcommit: ([0, 1, 2] as const)[overcommit] ?? 0,
      thp: (['always', 'madvise', 'never'] as const)[thp] ?? 'always',
      node: String(18 + 2 * node),
      addressSpace: (limit + 1) * 2 ** 30,
    };
    // As in a real matrix, the numbers of a reason differ from cell to cell.
    const reason = real.reason.replace(/leaves \d+/, `leaves ${index}`);
    yield { ...real, id: formatCellId(settings), settings, reason, evidence: null };
  }
}

function storeRun(dir: string, record: RunRecord, results: Iterable<Result>): void {
  mkdirSync(dir, { recursive: true });
  writeFileSync(path.join(dir, 'run.json'), JSON.stringify(record));
  let text = '';
  for (const result of results) text += `${JSON.stringify(result)}\n`;
  appendFileSync(path.join(dir, 'cells.jsonl'), text);
}

type FormatCost = Readonly<{ seconds: number; peakMib: number; bytes: number }>;

/** Each format of one run as a process of its own, and the page in Chromium: until the filter has filtered. */
export async function benchReport(
  cells: number,
  n: number,
): Promise<Readonly<{ cells: number; formats: Record<string, FormatCost>; interactiveSeconds: Spread }>> {
  const real = await loadReal();
  return withFolder(async (folder) => {
    const run = path.join(folder, 'run');
    storeRun(run, real.record, multiply(real, cells));
    const costs: Record<string, FormatCost> = {};
    for (const [name, { file, storedOnly }] of Object.entries<Format>(formats)) {
      if (file === null || storedOnly === true) continue;
      const cost = await timeProcess(process.execPath, [
        cli,
        'report',
        run,
        '--format',
        name,
        '--output',
        folder,
      ]);
      costs[name] = { ...cost, bytes: statSync(path.join(folder, file)).size };
    }
    const page = path.join(folder, formats.html.file);
    return { cells, formats: costs, interactiveSeconds: spreadOf(await timePage(page, n)) };
  });
}

async function timePage(file: string, n: number): Promise<readonly number[]> {
  const browser = await chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  });
  try {
    const seconds: number[] = [];
    for (let index = 0; index < n; index += 1) {
      const page = await browser.newPage();
      const started = performance.now();
      await page.goto(pathToFileURL(file).href, { waitUntil: 'domcontentloaded' });
      await page.locator('#filters select').first().selectOption({ index: 1 });
      await page.locator('#filters output', { hasText: ' of ' }).waitFor();
      seconds.push((performance.now() - started) / 1000);
      await page.close();
    }
    return seconds;
  } finally {
    await browser.close();
  }
}

/** A folder of runs, a cell followed through all of them: without an index, with it, and after one more night. */
export async function benchHistory(
  nights: number,
  cells: number,
): Promise<
  Readonly<{
    nights: number;
    cells: number;
    bytes: number;
    rebuilt: Cost;
    indexed: Cost;
    oneMore: Cost;
  }>
> {
  const real = await loadReal();
  return withFolder(async (folder) => {
    const night = (index: number): string => {
      const startedAt = new Date(Date.UTC(2026, 0, 1 + index, 2, 23)).toISOString();
      const id = `${startedAt.replace(/\.\d+Z$/, 'Z').replace(/[-:]/g, '')}-${index.toString(16).padStart(6, '0')}`;
      storeRun(path.join(folder, id), { ...real.record, id, startedAt }, multiply(real, cells));
      return path.join(folder, id, 'cells.jsonl');
    };
    const bytes = Array.from({ length: nights }, (_, index) => statSync(night(index)).size);
    const follow = () => timeProcess(process.execPath, [cli, 'history', 'memory=512M', '--results', folder]);
    const rebuilt = await follow();
    const indexed = await follow();
    night(nights);
    return {
      nights,
      cells,
      bytes: bytes.reduce((sum, size) => sum + size, 0),
      rebuilt,
      indexed,
      oneMore: await follow(),
    };
  });
}

type Cost = Readonly<{ seconds: number; peakMib: number }>;
