/**
 * The protocol between the harness and the session in a guest, over one virtio port.
 *
 * Harness to guest, one line per request: `<token> <seq> <verb> <words quoted for a shell>`; the first is
 * `poolproof/1 <seq> hello …` and names the token. Guest to harness, lines of at most {@link maxReplyLineBytes}:
 * `<token> <seq> text <path>:<line>`, blocks of such lines without their first three words between
 * `<token> <seq> begin text` and `<token> <seq> end`, blocks of base64 lines after `<token> <seq> begin data <name>`,
 * and exactly one `<token> <seq> ok …` or `<token> <seq> error …` that ends the reply.
 *
 * A run's closing line has `exit` (the subject's status as a shell reports it), `timeout` and `stopped` (`request` or
 * `backstop`: who ended it), `ready` (it was seen to be up), `out` and `err` (bytes it wrote), `ms`, `oom` (by how much
 * the kernel's count of out-of-memory kills grew) `unwatched` (bytes of lines too long to be looked at for the line
 * that is waited for), `peak`, `minor` and `major` (peak of resident memory in KiB and page faults of the subject, by
 * wait4) and `lost` (a process of the session itself was). If the subject is up or has answered wrongly, the
 * reply has what look.s prints of its largest process. With an answer over HTTP to wait for,
 * `answered` is the status of the last answer, 0 if that is no HTTP; `answers` is their number; `open` is 1 if the
 * connection was open when the answer was taken; `ready` is `wrong` if the last of the answers allowed had another
 * status; and the stream `answer` has the last answer's first 8 KiB, its head included (the buffer of ask.s). With
 * requests to be counted, the text `load<page>` has what load.s says of each number of them. Its other
 * streams are `out` and `err`; if bytes between were not kept, the end is in `out-tail` and `err-tail`.
 *
 * Only the session holds the port (the kernel lets one process open it) and the token is drawn anew for every machine,
 * so nothing a subject prints can pass for a message: its output travels as base64.
 */

import { formatWakeMessage } from './wake.ts';

export { seedBytes } from './wake.ts';

export const protocolVersion = 1;

/** A longer line is refused before it is sent: the guest reads it byte by byte. */
export const maxRequestLineBytes = 16 * 1024;

/** A longer line is a protocol error: a session never sends one. */
export const maxReplyLineBytes = 16 * 1024;

/**
 * More bytes in one reply are a protocol error: both streams at their cap are 0.7 MiB of base64, the files some 50 KiB.
 */
export const maxReplyBytes = 4 * 1024 * 1024;

/** Name of the virtio port; session.sh looks for it. */
export const portName = 'poolproof.session';

/** Kept size of each stream of a subject: half from the beginning, half from the end. */
export const outputCapBytes = 256 * 1024;

/** One word for a POSIX shell. A line break cannot travel in a line; the matrix refuses such values. */
export function quoteWord(word: string): string {
  if (/[\0\n\r]/.test(word)) throw new RangeError('a word of a request cannot hold a line break or NUL');
  return /^[A-Za-z0-9_/.:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** When a subject is up. */
export type Until = Readonly<
  /** A line of its output fits a pattern of grep -E. */
  | { kind: 'line'; pattern: string }
  /** It listens on a TCP port. */
  | { kind: 'port'; port: number }
  /** It answers a request with that status. So many answers of another end it as well. */
  | { kind: 'http'; port: number; path: string; status: number; answers: number; load?: readonly Load[] }
>;

/** Requests for a page of a subject that is up, one after another; after those for the last page it is ended. */
export type Load = Readonly<{
  /** A path without blanks. */
  page: string;
  /** Batches, each counted by itself. */
  requests: readonly number[];
}>;

export type Request = Readonly<
  | { verb: 'hello'; token: string; epochMs: number; seed: Uint8Array }
  | { verb: 'apply'; settings: readonly Readonly<{ path: string; value: string }>[] }
  | { verb: 'read'; paths: readonly string[] }
  /** Everything that the first word to a clone needs is started: the machine's state is about to be saved. */
  | { verb: 'await-clone' }
  /** Uses the disk of that name as swap space. */
  | { verb: 'swapon'; disk: string }
  | {
      verb: 'run';
      /**
       * Seconds by the guest's clock after which the session ends the subject by itself. Generous: that clock goes on
       * while the guest waits for a core, so a deadline is the harness' to hold, by {@link formatStop}.
       */
      backstopSeconds: number;
      /** ulimit letters with their values, e.g. `{ v: '2097152' }` (KiB for v, d, s), `cgroup` and `confine`. */
      limits: Readonly<Record<string, string>>;
      /** Files read while the child waits to become the subject. */
      factPaths: readonly string[];
      env: Readonly<Record<string, string>>;
      command: readonly string[];
      /** Bytes kept of each stream, an even number. @default outputCapBytes */
      capBytes?: number;
      /** The subject is ended when it is up. */
      until?: Until;
    }
  | { verb: 'shell'; limits: Readonly<Record<string, string>>; env: Readonly<Record<string, string>> }
>;

function wordsOf(request: Request): string[] {
  const limitsOf = (limits: Readonly<Record<string, string>>): string =>
    Object.entries(limits)
      .map(([letter, value]) => `${letter}=${value}`)
      .join(' ');
  const pairsOf = (env: Readonly<Record<string, string>>): string[] =>
    Object.entries(env).map(([name, value]) => `${name}=${value}`);
  switch (request.verb) {
    case 'hello':
      return [request.token, formatWakeMessage(request.epochMs, request.seed)];
    case 'apply':
      return request.settings.flatMap(({ path, value }) => [path, value]);
    case 'read':
      return [...request.paths];
    case 'await-clone':
      return [];
    case 'swapon':
      return [request.disk];
    case 'run':
      return [
        ...wordsOfUntil(request.until),
        String(request.backstopSeconds),
        String(request.capBytes ?? outputCapBytes),
        limitsOf(request.limits),
        request.factPaths.join(' '),
        ...pairsOf(request.env),
        ...request.command,
      ];
    case 'shell':
      return [limitsOf(request.limits), ...pairsOf(request.env)];
  }
}

function wordsOfUntil(until: Until | undefined): string[] {
  switch (until?.kind) {
    case undefined:
      return [];
    case 'line':
      return ['line', until.pattern];
    case 'port':
      return ['port', until.port.toString(16).toUpperCase().padStart(4, '0')];
    case 'http':
      return [
        ...(until.load === undefined ? [] : [until.load.map(formatLoad).join(' ')]),
        'http',
        [until.port, until.status, until.answers, until.path].join(' '),
      ];
  }
}

const formatLoad = ({ page, requests }: Load): string => `${requests.join(',')}:${page}`;

/** A run whose subject is waited for, or gets requests, has a verb of its own. */
function verbOf(request: Request): string {
  if (request.verb !== 'run' || request.until === undefined) return request.verb;
  return request.until.kind === 'http' && request.until.load !== undefined ? 'load' : 'serve';
}

/**
 * The line for a request, with its line break.
 * @throws RangeError when a word holds a line break or the line is longer than {@link maxRequestLineBytes}.
 */
export function formatRequest(token: string, seq: number, request: Request): string {
  const opening = request.verb === 'hello' ? `poolproof/${protocolVersion}` : token;
  const line = [opening, String(seq), verbOf(request), ...wordsOf(request).map(quoteWord)].join(' ') + '\n';
  if (Buffer.byteLength(line) > maxRequestLineBytes) {
    throw new RangeError(`a request of ${Buffer.byteLength(line)} bytes, ${maxRequestLineBytes} are allowed`);
  }
  return line;
}

/**
 * Ends the subject of the run with that number, as its backstop would; the run's reply comes as always, with
 * `timeout=1 stopped=request`. There is no reply of its own, and outside that run it means nothing.
 */
export function formatStop(token: string, seq: number): string {
  return `${token} ${seq} stop\n`;
}

export type Reply = Readonly<{
  seq: number;
  ok: boolean;
  /** `key=value` words of the closing line, or the error's text under `error`. */
  values: Readonly<Record<string, string>>;
  /** Text files by path, without their last line break. */
  texts: Readonly<Record<string, string>>;
  /** Byte streams by name. */
  data: Readonly<Record<string, Buffer>>;
}>;

/** Assembles replies from bytes. What is not ours (another token, no token) is handed to `onNoise`. */
export class ReplyReader {
  readonly #token: string;
  readonly #onReply: (reply: Reply) => void;
  readonly #onNoise: (line: string) => void;
  #pending: Buffer = Buffer.alloc(0);
  /** Bytes of the reply that has not ended. */
  #bytes = 0;
  #texts: Record<string, string[]> = {};
  #data: Record<string, Buffer[]> = {};
  /** Kind of the lines of an open block. */
  #block: ((line: string) => void) | null = null;

  constructor(token: string, onReply: (reply: Reply) => void, onNoise: (line: string) => void) {
    this.#token = token;
    this.#onReply = onReply;
    this.#onNoise = onNoise;
  }

  /** Text files of a reply that has not ended yet: those sent before a guest died still count. */
  get unfinishedTexts(): Readonly<Record<string, string>> {
    return joinLines(this.#texts);
  }

  /** @throws RangeError for a line longer than {@link maxReplyLineBytes}, a reply longer than {@link maxReplyBytes}. */
  push(chunk: Buffer): void {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    let start = 0;
    for (let end; (end = this.#pending.indexOf(10, start)) !== -1; start = end + 1) {
      this.#bytes += end + 1 - start;
      if (this.#bytes > maxReplyBytes) {
        this.#forget();
        throw new RangeError(`a reply of more than ${maxReplyBytes} bytes`);
      }
      this.#line(this.#pending.toString('utf8', start, end));
    }
    this.#pending = this.#pending.subarray(start);
    if (this.#pending.length > maxReplyLineBytes) {
      this.#pending = Buffer.alloc(0);
      throw new RangeError(`a reply line of more than ${maxReplyLineBytes} bytes`);
    }
  }

  /** Nothing read so far is of use. */
  #forget(): void {
    this.#pending = Buffer.alloc(0);
    this.#data = {};
    this.#texts = {};
    this.#block = null;
    this.#bytes = 0;
  }

  #line(line: string): void {
    const [token, seqText, kind, ...words] = line.split(' ');
    const seq = Number(seqText);
    if (token !== this.#token || !Number.isSafeInteger(seq)) {
      (this.#block ?? this.#onNoise)(line);
      return;
    }
    const rest = words.join(' ');
    this.#block = null;
    if (kind === 'text') {
      this.#text(rest);
    } else if (kind === 'begin') {
      this.#block = this.#begin(words);
    } else if (kind === 'end') {
      // The line that follows is ours again.
    } else if (kind === 'ok' || kind === 'error') {
      this.#finish(seq, kind === 'ok', rest);
    } else {
      this.#onNoise(line);
    }
  }

  /** A process' own files have its number in their path, which becomes `self`. */
  #text(line: string): void {
    const colon = line.indexOf(':');
    const path = line.slice(0, Math.max(colon, 0)).replace(/^\/proc\/\d+\//, '/proc/self/');
    if (colon > 0) (this.#texts[path] ??= []).push(line.slice(colon + 1));
    else this.#onNoise(line);
  }

  #begin([kind, name = '']: readonly string[]): ((line: string) => void) | null {
    if (kind === 'text') return (line) => this.#text(line);
    if (kind !== 'data') return null;
    const chunks = (this.#data[name] ??= []);
    return (line) => void chunks.push(Buffer.from(line, 'base64'));
  }

  #finish(seq: number, ok: boolean, rest: string): void {
    const values: Record<string, string> = ok
      ? Object.fromEntries(
          rest
            .split(' ')
            .filter((word) => word.includes('='))
            .map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]),
        )
      : { error: rest };
    const texts = joinLines(this.#texts);
    const data = Object.fromEntries(
      Object.entries(this.#data).map(([name, chunks]) => [name, Buffer.concat(chunks)]),
    );
    this.#texts = {};
    this.#data = {};
    this.#bytes = 0;
    this.#onReply({ seq, ok, values, texts, data });
  }
}

function joinLines(texts: Readonly<Record<string, readonly string[]>>): Record<string, string> {
  return Object.fromEntries(Object.entries(texts).map(([path, lines]) => [path, lines.join('\n')]));
}
