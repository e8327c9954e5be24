/** The command line of a server: the address, the module, and limits (`threads=2,queue=64`). */
import { ServeError } from './serve-error.ts';

/** Value without a word of the user; null: worked out at start. */
const defaults = {
  /** Threads that run instances, one request each at a time. Never more than the tier has slots. */
  threads: null,
  /** Requests that wait for a thread. */
  queue: 256,
  /** Seconds that an instance may run, and that a request may wait for a thread. */
  seconds: 10,
  /** Seconds within which a client must have sent its request. */
  client: 30,
  /** Seconds that running requests get to finish once the server is told to stop. */
  drain: 10,
  /** Bytes of a request's body. */
  body: 1024 ** 2,
  /** Bytes of an answer, head included. */
  answer: 8 * 1024 ** 2,
} as const;

type LimitName = keyof typeof defaults;

export type ServeLimits = Readonly<
  Record<Exclude<LimitName, 'threads'>, number> & { threads: number | null }
>;

export type ServeAddress = Readonly<{ host: string; port: number }>;

export type ServeOptions = Readonly<{ address: ServeAddress; module: string; limits: ServeLimits }>;

/** Only these may be 0: no queue, and no time to finish. */
const mayBeZero: readonly string[] = ['queue', 'drain'];

/** @throws ServeError BAD_ADDRESS, BAD_MODULE or BAD_LIMIT */
export function parseServeOptions(address: string, module: string, limits: string): ServeOptions {
  if (module === '') throw new ServeError('BAD_MODULE', '--serve needs a module: --module FILE');
  return { address: parseAddress(address), module, limits: parseLimits(limits) };
}

/** `127.0.0.1:8080`, `localhost:0` (a free port) or `[::1]:8080`. @throws ServeError BAD_ADDRESS */
export function parseAddress(text: string): ServeAddress {
  const [, bracketed, plain, digits = ''] =
    /^(?:\[([\da-fA-F:.]+)\]|([^\s:[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || Number(digits) > 65_535) {
    throw new ServeError(
      'BAD_ADDRESS',
      `--serve ${text}: must be an address and a port, as in 127.0.0.1:8080 or [::1]:8080; port 0 takes a free one`,
    );
  }
  return { host, port: Number(digits) };
}

/** @throws ServeError BAD_LIMIT */
export function parseLimits(text: string): ServeLimits {
  const limits: Record<LimitName, number | null> = { ...defaults };
  for (const piece of text.split(',').filter((word) => word !== '')) {
    const [, name = '', value = ''] = /^(\w+)=(\d{1,12})$/.exec(piece) ?? [];
    if (!Object.hasOwn(defaults, name) || (Number(value) === 0 && !mayBeZero.includes(name))) {
      throw new ServeError(
        'BAD_LIMIT',
        `--limits ${piece}: must be one of ${Object.keys(defaults).join(', ')} with a number of units, seconds or bytes`,
      );
    }
    limits[name as LimitName] = Number(value);
  }
  return limits as ServeLimits;
}
