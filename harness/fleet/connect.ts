/**
 * The connection to Redis, and the queue upon it. Both packages are optional: they are loaded here, when somebody asks
 * for a fleet, and nowhere else.
 */
import { createRequire } from 'node:module';
import type * as BullMq from 'bullmq';
import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { PoolproofError } from '../errors.ts';

type Peers = Readonly<{ bullmq: Pick<typeof BullMq, 'Queue' | 'Worker'>; Redis: typeof Redis }>;

/** A connection, and the packages that use it. */
export type Link = Readonly<{
  redis: Redis;
  bullmq: Peers['bullmq'];
  /** As given, without a user: for messages. */
  address: string;
}>;

/** Names of keys beside those of the queues. */
export const keys = {
  /** Set of runs. */
  runs: 'poolproof:runs',
  /** The call of a run, for as long as it may be resumed. */
  call: (run: string): string => `poolproof:run:${run}`,
  /** There while the coordinator lives. */
  alive: (run: string): string => `poolproof:run:${run}:alive`,
  /** Stream of messages to the coordinator. */
  news: (run: string): string => `poolproof:run:${run}:news`,
  /** Part of an archive of images. */
  archive: (run: string, sha256: string, chunk: number): string =>
    `poolproof:run:${run}:archive:${sha256.slice(0, 16)}:${chunk}`,
  /** Set of workers. */
  workers: 'poolproof:workers',
  /** What a worker says of itself, for as long as it lives. */
  worker: (id: string): string => `poolproof:worker:${id}`,
};

/** @throws PoolproofError FLEET_NOT_INSTALLED */
export function loadPeers(): Peers {
  try {
    // Both are CommonJS: `import` reads each of their files once more, for the names that it exports.
    const load = createRequire(import.meta.url);
    const bullmq = load('bullmq') as typeof BullMq;
    const { Redis } = load('ioredis') as Readonly<{ Redis: Peers['Redis'] }>;
    return { bullmq, Redis };
  } catch (cause) {
    throw new PoolproofError('FLEET_NOT_INSTALLED', 'a fleet needs two packages that are not installed', {
      cause,
      hint: 'npm install bullmq@6 ioredis@6',
    });
  }
}

/** @throws PoolproofError USAGE */
export function parseAddress(text: string | undefined): URL {
  if (text === undefined)
    throw new PoolproofError('USAGE', 'no fleet is named', {
      hint: '--fleet redis://queue.example:6379, or that address in the environment, as POOLPROOF_FLEET',
    });
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !['redis:', 'rediss:'].includes(url.protocol) || url.hostname === '')
    throw new PoolproofError('USAGE', 'the address of a fleet is that of its Redis', {
      hint: '--fleet redis://queue.example:6379, or rediss:// for TLS',
    });
  // Everybody on the machine can read the words of a command.
  if (url.password !== '')
    throw new PoolproofError('USAGE', 'a password does not belong in the address of a fleet', {
      hint: 'put it into the environment, as POOLPROOF_FLEET_PASSWORD',
    });
  return url;
}

/** First tries of a connection, ms. */
const connectMs = 10_000;
/** Longest between two tries of one that was lost, ms. */
const retryMs = 1000;

export type LinkOptions = Readonly<{
  /** `redis://[user@]host[:port][/number]`, `rediss://` for TLS; a missing one is an error of usage. */
  address: string | undefined;
  /** @default `$POOLPROOF_FLEET_PASSWORD` */
  password?: string;
  /** Hears that Redis no longer answers, and that it does again. */
  onNotice: (text: string) => void;
}>;

/**
 * Connects. A connection that is lost later is made again for as long as it takes, and what was to be written waits.
 * @throws PoolproofError USAGE, FLEET_NOT_INSTALLED, FLEET_UNREACHABLE, FLEET_REFUSED
 */
export async function openLink({ address, password, onNotice }: LinkOptions): Promise<Link> {
  const url = parseAddress(address);
  const shown = `${url.protocol}//${url.host}`;
  const { bullmq, Redis } = loadPeers();
  const secret = password ?? process.env['POOLPROOF_FLEET_PASSWORD'];
  let isOpen = false;
  const redis = new Redis(url.href, {
    lazyConnect: true,
    connectTimeout: connectMs,
    // As BullMQ demands it: a command waits until Redis answers again.
    maxRetriesPerRequest: null,
    retryStrategy: (times) => (isOpen ? Math.min(retryMs, 50 * times) : null),
    ...(secret !== undefined && secret !== '' && { password: secret }),
  });
  let first: unknown = null;
  redis.on('error', (error: unknown) => (first ??= error));
  try {
    await redis.connect();
    await redis.ping();
  } catch (error) {
    redis.disconnect();
    throw explain(first ?? error, shown);
  }
  isOpen = true;
  let isLost = false;
  redis.on('reconnecting', () => {
    if (!isLost) onNotice(`${shown} does not answer; trying again until it does`);
    isLost = true;
  });
  redis.on('ready', () => {
    if (isLost) onNotice(`${shown} answers again`);
    isLost = false;
  });
  return { redis, bullmq, address: shown };
}

/** Words with which Redis begins an answer that no repetition changes by itself. */
const refusal = /^(?:NOAUTH|WRONGPASS|NOPERM|OOM|READONLY|MISCONF|ERR invalid password|ERR AUTH)\b/;

export const isRefusal = (error: unknown): error is Error =>
  error instanceof Error && refusal.test(wordsOf(error));

/** A refusal inside a script of the queue stands behind the script's name. */
const wordsOf = ({ message }: Error): string =>
  /(?:NOAUTH|WRONGPASS|NOPERM|OOM|READONLY|MISCONF)\b.*/.exec(message)?.[0] ?? message;

type Refusal = Readonly<{
  words: RegExp;
  /** In place of Redis' own words, which of passwords are about its protocol. */
  what?: string;
  hint: string;
}>;

const refusals: readonly Refusal[] = [
  {
    words: /^NOAUTH/,
    what: 'needs a password, and there is none',
    hint: 'put it into the environment, as POOLPROOF_FLEET_PASSWORD',
  },
  {
    words: /^(?:WRONGPASS|ERR)/,
    what: 'does not accept the password',
    hint: 'it is that of POOLPROOF_FLEET_PASSWORD, for the user in the address or the default one',
  },
  { words: /^OOM/, hint: 'raise maxmemory of Redis; poolproof run --resume goes on from what is stored' },
  {
    words: /^READONLY/,
    hint: 'name the Redis that takes writes; poolproof run --resume goes on from what is stored',
  },
  {
    words: /^MISCONF/,
    hint: "make room on Redis' disk; poolproof run --resume goes on from what is stored",
  },
];

/** By the code of an error of the connection. */
const unreachable: Readonly<Record<string, string>> = {
  ENOTFOUND: 'no computer has that name: name another address with --fleet',
  EAI_AGAIN: 'its name cannot be resolved now: try again, or name another address with --fleet',
};

/** An error of Redis or of the connection, as one of poolproof's. Others are returned as they are. */
export function explain(error: unknown, address: string): unknown {
  if (!(error instanceof Error) || error instanceof PoolproofError) return error;
  const words = wordsOf(error);
  if (isRefusal(error)) {
    const { what = `refuses: ${(words.split('\n', 1)[0] ?? '').slice(0, 200)}`, hint } =
      refusals.find((row) => row.words.test(words)) ?? {};
    return new PoolproofError('FLEET_REFUSED', `${address} ${what}`, {
      cause: error,
      ...(hint !== undefined && { hint }),
    });
  }
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined && !/connect|closed|timeout/i.test(words)) return error;
  return new PoolproofError('FLEET_UNREACHABLE', `${address} cannot be reached: ${code ?? words}`, {
    cause: error,
    hint:
      unreachable[code ?? ''] ??
      (address.startsWith('rediss:')
        ? 'start a Redis with TLS there, or write redis:// for one without'
        : 'start Redis there, or name another address with --fleet'),
  });
}

/** A queue upon the link. Its own errors are not heard: every call says by itself what is wrong. */
export function openQueue({ redis, bullmq }: Link, name: string): Queue {
  const queue = new bullmq.Queue(name, { connection: redis });
  queue.on('error', () => undefined);
  return queue;
}
