/** What is kept of what a subject wrote, as lines for patterns, and how much of it is not. */
import type { SubjectRun } from '../guest/observation.ts';
import { compilePattern } from '../matrix/pattern.ts';

/** Lines of texts that are whole. */
export function linesOf(...texts: readonly string[]): readonly string[] {
  return texts.flatMap((text) => text.split(/\r?\n/)).filter((line) => line !== '');
}

/** All whole lines that are kept of both streams. A line that is cut where bytes were dropped is not one: its rest may say otherwise. */
export function keptLines(run: SubjectRun): readonly string[] {
  return linesOf(
    ...wholeLines(run.stdout, run.stdoutTail, run.stdoutDropped),
    ...wholeLines(run.stderr, run.stderrTail, run.stderrDropped),
  );
}

function wholeLines(head: string, tail: string, droppedBytes: number): readonly string[] {
  if (droppedBytes === 0) return [head, tail];
  const [lastBreak, firstBreak] = [head.lastIndexOf('\n'), tail.indexOf('\n')];
  return [head.slice(0, lastBreak + 1), firstBreak === -1 ? '' : tail.slice(firstBreak + 1)];
}

/** Bytes of both streams that nobody saw: a line in them may contradict what is kept. */
export const droppedBytesOf = ({ stdoutDropped, stderrDropped }: SubjectRun): number =>
  stdoutDropped + stderrDropped;

/** Why nothing can be said where something in the bytes that were not kept could say otherwise. */
export const describeCut = (bytes: number): string => `output was cut: ${bytes} bytes were not kept`;

/** The end of a stream, as far as it is kept. */
export const endOf = (head: string, tail: string): string => (tail === '' ? head : tail);

/**
 * The first line that fits; null when none does. The pattern was checked when the matrix was read. Lines are of any
 * number and length: matching has to be linear in them.
 */
export function findLine(lines: readonly string[], pattern: string): string | null {
  const expression = compilePattern(pattern);
  return lines.find((line) => expression.test(line)) ?? null;
}
