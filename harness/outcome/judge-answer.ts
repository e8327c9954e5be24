/** Whether a server's answer is service: it counts as up when status and body are as required. */
import type { Answer } from '../guest/answer.ts';
import type { SubjectRun } from '../guest/observation.ts';
import type { Ready } from '../matrix/subject.ts';
import { findLine, linesOf } from './output-lines.ts';
import { plainLine } from './plain-text.ts';

type Http = Extract<Ready, { kind: 'http' }>;

/** `status 500: Internal Server Error`, with the first line of the body. */
export function describeAnswer({ status, body }: Answer): string {
  const line = plainLine(linesOf(body)[0] ?? '', 200);
  return `${status === 0 ? 'no status of HTTP' : `status ${status}`}${line === '' ? '' : `: ${line}`}`;
}

/** Why the last answer is not the one that was waited for; null where it is, and where there was none. */
export function findFault({ answer }: SubjectRun, { status, body }: Http): string | null {
  if (answer === undefined) return null;
  const { count } = answer;
  if (answer.status !== status)
    return `none of ${count} ${count === 1 ? 'answer' : 'answers'} had status ${status}; the last had ${describeAnswer(answer)}`;
  if (!answer.whole) return `its answer ends before its own end: ${describeAnswer(answer)}`;
  if (body !== null && findLine(linesOf(answer.body), body) === null)
    return `no line of its answer fits ${body}: ${describeAnswer(answer)}`;
  return null;
}
