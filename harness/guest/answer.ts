/** What a subject that serves answered when the session asked. */
import type { Reply } from '../../images/guest/protocol.ts';

/** The last answer of a subject to a request over HTTP. */
export type Answer = Readonly<{
  /** Status of HTTP; 0 where the connection was closed without one. */
  status: number;
  /** Answers so far, this one included. */
  count: number;
  /** The beginning of the body, as text. */
  body: string;
  /** False where the server closed the connection before the end that the answer's own head announces. */
  whole: boolean;
}>;

/** The answer in the reply to a run; null where there was none. */
export function readAnswer({ values, data }: Reply): Answer | null {
  const count = Number(values['answers'] ?? 0);
  if (count === 0) return null;
  const bytes = data['answer'] ?? Buffer.alloc(0);
  const headEnd = bytes.indexOf('\r\n\r\n');
  const head = bytes.toString('latin1', 0, headEnd === -1 ? bytes.length : headEnd);
  const raw = headEnd === -1 ? Buffer.alloc(0) : bytes.subarray(headEnd + 4);
  const isChunked = /^transfer-encoding:.*\bchunked[ \t]*$/im.test(head);
  const status = Number(values['answered'] ?? 0);
  const announced = /^content-length:[ \t]*(\d+)[ \t]*$/im.exec(head)?.[1];
  // 204 and 304 have no body, whatever their head says of it.
  const length = status === 204 || status === 304 ? 0 : Number(announced ?? 0);
  const body = isChunked ? joinChunks(raw) : { bytes: raw, ended: raw.length >= length };
  return {
    status,
    count,
    body: body.bytes.toString('utf8'),
    // What was open when it was taken may go on; only its beginning was wanted.
    whole: values['open'] === '1' || (headEnd !== -1 && body.ended),
  };
}

/** The content of chunks as far as they are there. `ended`: the last one, which is empty, is among them. */
function joinChunks(raw: Buffer): Readonly<{ bytes: Buffer; ended: boolean }> {
  const parts: Buffer[] = [];
  for (let at = 0; ;) {
    const lineEnd = raw.indexOf('\r\n', at);
    const size = lineEnd === -1 ? NaN : Number.parseInt(raw.toString('latin1', at, lineEnd), 16);
    if (!(size > 0)) return { bytes: Buffer.concat(parts), ended: size === 0 };
    parts.push(raw.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
  }
}
