/** How a host that is not ours ended, in words first; what it printed is a quotation, without where in its source. */
import { plainLine } from '../outcome/plain-text.ts';
import type { Result } from '../store/result.ts';
import { printed } from './host-table.ts';

/** A longer quotation is read where all that hosts print stands. */
const quoted = 90;

/** `died of SIGTRAP: “Fatal process out of memory: Failed to reserve virtual memory for CodeRange”` */
export function tellEnd(result: Result): string {
  const said = cutWords(printed(result).replace(source, ''), quoted);
  const end = nameEnd(result);
  return said === '' ? (end ?? cutWords(result.reason, quoted)) : `${end ?? 'it printed'}: “${said}”`;
}

function nameEnd({ outcome, subject }: Result): string | null {
  if (subject?.signal != null) return `died of ${subject.signal}`;
  if (subject?.exitCode != null && outcome !== 'timeout') return `ended with code ${subject.exitCode}`;
  return null;
}

/** `workerd/jsg/setup.c++:44: fatal:`, `#`, `Error:`: where a line comes from, and that it is one. */
const source = /^(?:[^\s:]+:\d+(?::\d+)?:\s*|#+\s*|(?:fatal|error):\s*)+/i;

/** A line that ends with a whole word. */
export function cutWords(text: string, limit: number): string {
  const line = plainLine(text);
  if (line.length <= limit) return line;
  return plainLine(line, limit).replace(/[\s;,:=]*\s\S*…$/, ' …');
}
