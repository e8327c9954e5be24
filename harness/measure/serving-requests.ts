/** Requests to a server, one at a time on each connection, and their answers. The generator is autocannon. */
import autocannon, { type Result } from 'autocannon';
import { quantile } from 'simple-statistics';
import { PoolproofError } from '../errors.ts';

export type Answers = Readonly<{
  /** Milliseconds from each request to its answer. */
  times: readonly number[];
  /** From the first request to the last answer. */
  wallMs: number;
  /** Answers other than 2xx, by status. */
  refused: ReadonlyMap<number, number>;
  /** Requests whose connection broke, or that waited for 30 s. */
  unanswered: number;
}>;

export type SendOptions = Readonly<{
  url: string;
  connections: number;
  /** The end: so many answers, or so many seconds. */
  end: Readonly<{ amount: number } | { duration: number }>;
  signal: AbortSignal;
  /** Told at each answer how many there are. */
  onAnswer?: (count: number) => void;
}>;

function checkSignal(signal: AbortSignal): void {
  if (signal.aborted) throw new PoolproofError('INTERRUPTED', 'measuring was interrupted');
}

/** @throws PoolproofError INTERRUPTED */
export async function sendRequests({
  url,
  connections,
  end,
  signal,
  onAnswer,
}: SendOptions): Promise<Answers> {
  checkSignal(signal);
  const times: number[] = [];
  const refused = new Map<number, number>();
  const start = performance.now();
  let last = start;
  const { errors, timeouts } = await new Promise<Result>((resolve, reject) => {
    // Its own histogram counts whole milliseconds, and it looks for the end once a second unless told otherwise.
    const options = { url, connections, ...end, sampleInt: 20, timeout: 30 };
    const run = autocannon(options, (error: unknown, result) =>
      error instanceof Error ? reject(error) : resolve(result),
    );
    const onAbort = (): void => run.stop();
    signal.addEventListener('abort', onAbort, { once: true });
    run.on('done', () => signal.removeEventListener('abort', onAbort));
    run.on('response', (_client, status, _bytes, ms) => {
      last = performance.now();
      times.push(ms);
      if (status < 200 || status > 299) refused.set(status, (refused.get(status) ?? 0) + 1);
      onAnswer?.(times.length);
    });
  });
  checkSignal(signal);
  return { times, wallMs: last - start, refused, unanswered: errors + timeouts };
}

export type Rates = Readonly<{ requestsPerSecond: number; p50Ms: number; p99Ms: number }>;

/** NaN where nothing was answered. */
export function summarizeAnswers({ times, wallMs }: Answers): Rates {
  const all = times.length === 0 ? [NaN] : [...times];
  return {
    requestsPerSecond: (times.length * 1000) / wallMs,
    p50Ms: quantile(all, 0.5),
    p99Ms: quantile(all, 0.99),
  };
}
