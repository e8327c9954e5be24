/** The HTTP side of the server: bounded requests in, instances' answers out, and the host's own two pages. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Outcome } from './serve-instance.ts';
import { parseAnswer, toJob, type Answer } from './serve-message.ts';
import type { Metrics } from './serve-metrics.ts';
import type { Abi } from './serve-module.ts';
import type { ServeLimits } from './serve-options.ts';
import type { Refused, ServePool } from './serve-pool.ts';

export type FrontOptions = Readonly<{
  abi: Abi;
  limits: ServeLimits;
  pool: ServePool;
  metrics: Metrics;
  /** The body of /healthz. */
  health: () => object;
  isStopping: () => boolean;
  log: (text: string) => void;
}>;

/** Statuses that carry no body (RFC 9110). */
const bodyless: readonly number[] = [204, 304];

/** Seconds after which a client that found the queue full may ask again. */
const retryAfter = '1';

export function openFront(options: FrontOptions): Server {
  const { limits, metrics } = options;
  const server = createServer(
    {
      requestTimeout: limits.client * 1000,
      headersTimeout: limits.client * 1000,
      // Timeouts are only looked at this often.
      connectionsCheckingInterval: Math.min(1000, limits.client * 250),
      noDelay: true,
    },
    (request, response) => {
      const started = performance.now();
      // `close` without `finish`: the client left.
      response.once('close', () => {
        const status = response.writableFinished ? response.statusCode : 'closed';
        metrics.count(status, (performance.now() - started) / 1000);
      });
      void serve(options, request, response).catch((error: unknown) => {
        options.log(
          `a defect of the server: ${error instanceof Error ? (error.stack ?? '') : String(error)}`,
        );
        if (!response.headersSent) say(options, response, 500, 'internal error');
      });
    },
  );
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    refuseClient(error, socket, metrics);
  });
  return server;
}

/** A request that node:http could not read, or not in time. */
function refuseClient(error: NodeJS.ErrnoException, socket: Socket, metrics: Metrics): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = { ERR_HTTP_REQUEST_TIMEOUT: 408, HPE_HEADER_OVERFLOW: 431 }[error.code ?? ''] ?? 400;
  metrics.count(status, 0);
  const reason = { 408: 'Request Timeout', 431: 'Request Header Fields Too Large' }[status] ?? 'Bad Request';
  socket.end(`HTTP/1.1 ${status} ${reason}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
  socket.destroySoon();
}

async function serve(
  options: FrontOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { abi, limits, pool, metrics } = options;
  const target = request.url ?? '/';
  if (target === '/healthz') {
    const body = JSON.stringify(options.health());
    write(options, response, {
      status: options.isStopping() ? 503 : 200,
      headers: ['content-type', 'application/json'],
      body: Buffer.from(`${body}\n`),
    });
    return;
  }
  if (target === '/metrics') {
    const body = Buffer.from(await metrics.render());
    write(options, response, { status: 200, headers: ['content-type', metrics.contentType], body });
    return;
  }
  const body = await readBody(request, limits.body);
  if (body === 'too-large') {
    // What is left of the body would be taken for the next request.
    response.shouldKeepAlive = false;
    say(options, response, 413, `a body may have ${limits.body} bytes`);
    request.resume();
    return;
  }
  if (body === 'gone') return;
  const job = toJob(
    abi,
    {
      method: request.method ?? 'GET',
      target,
      rawHeaders: request.rawHeaders,
      remoteAddress: request.socket.remoteAddress ?? '',
      localPort: request.socket.localPort ?? 0,
    },
    body,
  );
  if (job === null) {
    say(options, response, 400, 'the path is none');
    return;
  }
  const outcome = await pool.run(job, () => response.destroyed);
  answer(options, request, response, outcome);
}

/** Whole, since an instance takes it whole. */
async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer | 'too-large' | 'gone'> {
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  if (encoding === undefined && (length === undefined || length === '0')) return Buffer.alloc(0);
  if (Number(length ?? 0) > maxBytes) return 'too-large';
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxBytes) resolve('too-large');
      else chunks.push(chunk);
    });
    request.once('end', () => resolve(Buffer.concat(chunks)));
    request.once('close', () => resolve('gone'));
  });
}

type Refusal = Readonly<{ status: number; text: string; isLogged: boolean }>;

/** What a client gets where there is no answer of an instance: without the reason, which is the operator's. */
const refusals: Readonly<Record<Exclude<(Outcome | Refused)['kind'], 'answer' | 'gone'>, Refusal>> = {
  failed: { status: 500, text: 'the application failed', isLogged: true },
  late: { status: 504, text: 'the application took too long', isLogged: true },
  'no-room': { status: 503, text: 'no room for an instance now', isLogged: true },
  full: { status: 503, text: 'too many requests wait', isLogged: false },
  'waited-too-long': { status: 503, text: 'too many requests wait', isLogged: false },
};

function answer(
  options: FrontOptions,
  request: IncomingMessage,
  response: ServerResponse,
  outcome: Outcome | Refused,
): void {
  if (outcome.kind === 'gone') return;
  if (outcome.kind === 'answer') {
    const parsed = parseAnswer(outcome.bytes);
    if (typeof parsed !== 'string') {
      write(options, response, parsed);
      return;
    }
    answer(options, request, response, { kind: 'failed', reason: parsed });
    return;
  }
  const { status, text, isLogged } = refusals[outcome.kind];
  if (isLogged && 'reason' in outcome)
    options.log(`${status} ${request.method ?? ''} ${request.url ?? ''}: ${outcome.reason}`);
  say(options, response, status, text);
}

function say(options: FrontOptions, response: ServerResponse, status: number, text: string): void {
  const headers = ['content-type', 'text/plain; charset=utf-8'];
  if (status === 503) headers.push('retry-after', retryAfter);
  write(options, response, { status, headers, body: Buffer.from(`${text}\n`) });
}

function write(options: FrontOptions, response: ServerResponse, { status, headers, body }: Answer): void {
  if (response.destroyed) return;
  if (options.isStopping()) response.shouldKeepAlive = false;
  const length = bodyless.includes(status) ? [] : ['content-length', String(body.length)];
  response.writeHead(status, [...headers, ...length]);
  response.end(body);
}

/** The address that is listened at, as an URL. */
export function describeAddress(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}/`;
}
