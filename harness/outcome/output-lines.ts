/** The kept output of a subject as lines for patterns, and the size of the dropped part. */
import type { SubjectRun } from '../guest/observation.ts';
import { compilePattern } from '../matrix/pattern.ts';

/** Lines of texts that are whole. */
export function linesOf(...texts: readonly string[]): readonly string[] {
  return texts.flatMap((text) => text.split(/\r?\n/)).filter((line) => line !== '');
}

/** All whole lines kept of both streams. A line cut by dropped bytes is not whole: its rest may change its meaning. */
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

/** Dropped bytes of both streams: a line in them may contradict the kept lines. */
export const droppedBytesOf = ({ stdoutDropped, stderrDropped }: SubjectRun): number =>
  stdoutDropped + stderrDropped;

/** The reason for having no verdict where dropped bytes could change it. */
export const describeCut = (bytes: number): string => `output was cut: ${bytes} bytes were not kept`;

/** The kept end of a stream. */
export const endOf = (head: string, tail: string): string => (tail === '' ? head : tail);

/** Most of a line that is shown, and most of it before what a pattern fits, characters. */
const shownLength = 400;
const shownBefore = 80;

/**
 * The first line that matches, cut for display; null when none does. The pattern was checked when the matrix
 * was read. Lines are of any number and length: matching has to be linear in them.
 */
export function findLine(lines: readonly string[], pattern: string): string | null {
  const expression = compilePattern(pattern);
  const line = lines.find((each) => expression.test(each));
  const place = line === undefined ? null : expression.find(line);
  if (line === undefined || place === null || line.length <= shownLength) return line ?? null;
  const { start, end } = place;
  return [
    keepEnd(collapse(line.slice(0, start)), shownBefore),
    keepEnds(collapse(line.slice(start, end)), shownLength - 2 * shownBefore),
    keepStart(collapse(line.slice(end)), shownBefore),
  ].join('');
}

const collapse = (text: string): string => text.replace(/\s+/g, ' ');

const keepStart = (text: string, length: number): string =>
  text.length <= length ? text : `${text.slice(0, length - 1)}…`;

const keepEnd = (text: string, length: number): string =>
  text.length <= length ? text : `…${text.slice(1 - length)}`;

/** A pattern such as `^.*done$` fits a whole line, and says most at its end. */
const keepEnds = (text: string, length: number): string =>
  text.length <= length
    ? text
    : `${keepStart(text, Math.ceil(length / 2))}${text.slice(-Math.floor(length / 2))}`;

/** Most causes that are kept: the engine's own are two. */
const maxCauses = 4;

/**
 * The causes that a program of Rust writes behind an error: lines after it, numbered where there are several. Without
 * empty lines; none where the error is not a whole line.
 */
export function findCauses(lines: readonly string[], error: string): readonly string[] {
  const at = lines.indexOf(error);
  if (at === -1 || lines[at + 1]?.trim() !== 'Caused by:') return [];
  const rest = lines.slice(at + 2, at + 2 + maxCauses);
  const end = rest.findIndex((line) => !/^\s+\S/.test(line));
  return rest.slice(0, end === -1 ? maxCauses : end).map((line) => line.trim().replace(/^\d+: +/, ''));
}
