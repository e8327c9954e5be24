/** HTTP requests as a module takes them, and its answers: texts and bytes in both directions, without an engine. */
import { validateHeaderName, validateHeaderValue } from 'node:http';
import type { Abi } from './serve-module.ts';

/** What a thread gives its instance: an HTTP message, or the variables and standard input of a CGI program. */
export type Job =
  | Readonly<{ kind: 'message'; bytes: Uint8Array }>
  | Readonly<{ kind: 'cgi'; variables: readonly (readonly [string, string])[]; body: Uint8Array }>;

/** The parts of node:http's request that count. */
export type RequestHead = Readonly<{
  method: string;
  /** As in the request line. */
  target: string;
  /** Names and values in turn, as sent. */
  rawHeaders: readonly string[];
  remoteAddress: string;
  localPort: number;
}>;

/** Headers that speak of the connection, or that the host sets itself. */
const hopByHop = new Set([
  'connection',
  'content-length',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Null: a request target that no CGI variable can hold. */
export function toJob(abi: Abi, head: RequestHead, body: Uint8Array): Job | null {
  return abi === 'message' ? { kind: 'message', bytes: toMessage(head, body) } : toCgi(head, body);
}

/** RFC 9112's message, with the body's length as `content-length`. Not in Buffer's pool: it is sent to a thread. */
function toMessage({ method, target, rawHeaders }: RequestHead, body: Uint8Array): Uint8Array {
  let text = `${method} ${target} HTTP/1.1\r\n`;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase();
    if (!hopByHop.has(name)) text += `${name}: ${rawHeaders[index + 1] ?? ''}\r\n`;
  }
  text += `content-length: ${body.length}\r\n\r\n`;
  const bytes = Buffer.allocUnsafeSlow(text.length + body.length);
  bytes.write(text, 0, 'latin1');
  bytes.set(body, text.length);
  return bytes;
}

/** RFC 3875. Without `Proxy`, which as HTTP_PROXY would name a proxy to programs. */
function toCgi(head: RequestHead, body: Uint8Array): Job | null {
  const [path = '', query = ''] = splitOnce(head.target, '?');
  const pathInfo = decodePath(path);
  if (pathInfo === null) return null;
  const variables = new Map<string, string>([
    ['GATEWAY_INTERFACE', 'CGI/1.1'],
    ['REQUEST_METHOD', head.method],
    ['REQUEST_URI', head.target],
    ['SCRIPT_NAME', ''],
    ['PATH_INFO', pathInfo],
    ['QUERY_STRING', query],
    ['SERVER_PROTOCOL', 'HTTP/1.1'],
    ['SERVER_SOFTWARE', 'poolproof'],
    ['SERVER_NAME', 'localhost'],
    ['SERVER_PORT', String(head.localPort)],
    ['REMOTE_ADDR', head.remoteAddress],
    ['CONTENT_LENGTH', String(body.length)],
  ]);
  for (let index = 0; index < head.rawHeaders.length; index += 2) {
    const name = (head.rawHeaders[index] ?? '').toLowerCase();
    const value = head.rawHeaders[index + 1] ?? '';
    if (name === 'host') variables.set('SERVER_NAME', value.replace(/:\d+$/, ''));
    if (name === 'content-type') variables.set('CONTENT_TYPE', value);
    else if (name !== 'proxy' && !hopByHop.has(name)) {
      const key = `HTTP_${name.toUpperCase().replaceAll('-', '_')}`;
      const known = variables.get(key);
      variables.set(key, known === undefined ? value : `${known}, ${value}`);
    }
  }
  return { kind: 'cgi', variables: [...variables], body };
}

function decodePath(path: string): string | null {
  try {
    const text = decodeURIComponent(path);
    // A variable is a C string.
    return text.includes('\0') ? null : text;
  } catch {
    return null;
  }
}

function splitOnce(text: string, separator: string): readonly string[] {
  const at = text.indexOf(separator);
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}

export type Answer = Readonly<{
  status: number;
  /** Names and values in turn, as `writeHead` takes them. */
  headers: readonly string[];
  body: Uint8Array;
}>;

/** More is no head: an answer without an empty line is not searched to its end. */
const maxHeadBytes = 64 * 1024;

/** A CGI response (RFC 3875, 6), for both ways: header lines, an empty line, the body. A text: why it is none. */
export function parseAnswer(bytes: Uint8Array): Answer | string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const end = findHeadEnd(buffer);
  if (end === null) return 'its answer has no empty line after its headers';
  const headers: string[] = [];
  let status: number | null = null;
  let isRedirect = false;
  for (const line of buffer.toString('latin1', 0, end.head).split('\n')) {
    const [name = '', rest] = splitOnce(line, ':');
    if (line.trim() === '') continue;
    if (rest === undefined)
      return `its answer has a header line without a colon: ${JSON.stringify(line.slice(0, 80))}`;
    const key = name.toLowerCase();
    const value = rest.trim();
    if (key === 'status') {
      status = Number(/^([2-5]\d\d)(?: |$)/.exec(value)?.[1]);
      if (Number.isNaN(status))
        return `its answer has a Status that is none: ${JSON.stringify(value.slice(0, 80))}`;
    } else if (!hopByHop.has(key)) {
      if (!isValidHeader(key, value))
        return `its answer has a header that is none: ${JSON.stringify(line.slice(0, 80))}`;
      isRedirect ||= key === 'location';
      headers.push(key, value);
    }
  }
  return { status: status ?? (isRedirect ? 302 : 200), headers, body: buffer.subarray(end.body) };
}

function findHeadEnd(buffer: Buffer): { head: number; body: number } | null {
  const newline = 0x0a;
  if (buffer[0] === newline) return { head: 0, body: 1 };
  if (buffer[0] === 0x0d && buffer[1] === newline) return { head: 0, body: 2 };
  for (
    let at = buffer.indexOf(newline);
    at !== -1 && at < maxHeadBytes;
    at = buffer.indexOf(newline, at + 1)
  ) {
    if (buffer[at + 1] === newline) return { head: at, body: at + 2 };
    if (buffer[at + 1] === 0x0d && buffer[at + 2] === newline) return { head: at, body: at + 3 };
  }
  return null;
}

function isValidHeader(name: string, value: string): boolean {
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
    return true;
  } catch {
    return false;
  }
}
