/**
 * The start-up log: one line for people and one JSON line on stdout, warnings on the launcher's
 * standard error, which the worker has as 3 (its own is kept to judge its end by).
 */
import { writeSync } from 'node:fs';
import type { HostReport } from '../allocator/host-report.ts';
import { describeStart } from './operator-text.ts';

export function printReport(report: HostReport): void {
  for (const warning of report.warnings) writeAll(3, `wasm host: warning: ${warning}\n`);
  writeAll(1, `${describeStart(report)}\n${JSON.stringify(report)}\n`);
}

/** Without process.stdout: that would load Node's streams, and could be cut off by the end of the process. */
export function writeAll(fd: 1 | 2 | 3, text: string): void {
  let rest: Uint8Array = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(fd, rest));
    } catch (error) {
      // A reader that made the pipe non-blocking and is slow; anything else is its decision not to read.
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) return;
    }
  }
}
