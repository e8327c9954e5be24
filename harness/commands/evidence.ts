/** The evidence files of a run, for the formats that show them. */
import { open } from 'node:fs/promises';
import path from 'node:path';
import { describeSpecialFile } from '../../images/bounded-file.ts';
import { type EvidenceByCell, type EvidenceTexts, evidenceKey } from '../report/evidence.ts';
import type { RunResults } from '../report/run-view.ts';
import type { Result } from '../store/result.ts';

/** The texts of a cell, and the files they are in. */
const files: Readonly<Record<keyof EvidenceTexts, string>> = {
  qemuCommand: 'qemu-command.txt',
  console: 'console.log',
  stdout: 'stdout',
  stderr: 'stderr',
};

/** More of a file than this is never shown. */
const readBytes = 64 * 1024;

/** A file's last bytes; null when it is not there. Evidence may be gone or packed away: the report says less then. */
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

/**
 * The run with its evidence, and with the address of its folder as seen from the report.
 * @param reportDir folder of the report; null when it is printed: then it has no links
 */
export async function addEvidence<Run extends Pick<RunResults, 'results'>>(
  run: Run,
  dir: string,
  reportDir: string | null,
): Promise<Run & Readonly<{ evidence: EvidenceByCell; base: string | null }>> {
  const relative = reportDir === null ? null : path.relative(reportDir, dir);
  const base = relative === null ? null : relative === '' ? '' : `${relative}/`;
  return { ...run, evidence: await loadEvidence(dir, run.results), base };
}
