/** The supported-environments page of one run or several, with what the guests left behind. */
import { describeSpecialFile } from '../../images/bounded-file.ts';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { renderHtmlReport } from '../report/format-html.ts';
import { evidenceKey, type EvidenceByCell, type EvidenceTexts } from '../report/html/evidence.ts';
import type { Result } from '../store/result.ts';
import type { RunRecord } from '../store/run-record.ts';

/** Texts of a cell on the page, and the files they are in. */
const files: Readonly<Record<keyof EvidenceTexts, string>> = {
  qemuCommand: 'qemu-command.txt',
  console: 'console.log',
  stdout: 'stdout',
  stderr: 'stderr',
};

/** More of a file than this is never shown. */
const readBytes = 64 * 1024;

/** A file's last bytes; null when it is not there. Evidence may be gone or packed away: the page says less then. */
async function readTail(file: string): Promise<string | null> {
  if ((await describeSpecialFile(file)) !== null) return null;
  try {
    await using handle = await open(file);
    const { size } = await handle.stat();
    const length = Math.min(size, readBytes);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.toString('utf8', 0, bytesRead);
  } catch {
    return null;
  }
}

async function loadEvidence(dir: string, results: readonly Result[]): Promise<EvidenceByCell> {
  const byCell = new Map<string, EvidenceTexts>();
  for (const result of results) {
    if (result.evidence === null) continue;
    const texts: Record<string, string> = {};
    for (const [name, file] of Object.entries(files)) {
      const text = await readTail(path.join(dir, result.evidence, file));
      if (text !== null) texts[name] = text;
    }
    byCell.set(evidenceKey(result), texts);
  }
  return byCell;
}

export type PageRun = Readonly<{ dir: string; record: RunRecord; results: readonly Result[] }>;

/** `base` leads from the page's folder to the folder of a run. */
export async function renderPage(runs: readonly PageRun[], pageDir: string | null): Promise<string> {
  return renderHtmlReport(
    await Promise.all(
      runs.map(async ({ dir, record, results }) => {
        const relative = pageDir === null ? null : path.relative(pageDir, dir);
        const base = relative === null ? null : relative === '' ? '' : `${relative}/`;
        return { record, results, evidence: await loadEvidence(dir, results), base };
      }),
    ),
  );
}
