/** Prometheus metrics of the server. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { PoolState } from './serve-pool.ts';

export type Metrics = Readonly<{
  /** One request that was answered: its status, or `closed` where the client left before. */
  count: (status: number | 'closed', seconds: number) => void;
  contentType: string;
  render: () => Promise<string>;
}>;

const prefix = 'wasm_host_';

/** Seconds: from a small handler to the default limit. */
const buckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export function openMetrics(
  labels: Readonly<{ tier: string; engine: string; slots: number | null }>,
  pool: () => PoolState,
): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const requests = new Counter({
    name: `${prefix}requests_total`,
    help: 'Requests by status; `closed`: the client left before its answer',
    labelNames: ['status'],
    registers,
  });
  const latency = new Histogram({
    name: `${prefix}request_duration_seconds`,
    help: 'From the head of a request to the end of its answer',
    buckets,
    registers,
  });
  const info = new Gauge({
    name: `${prefix}info`,
    help: 'The tier that serves, and its engine',
    labelNames: ['tier', 'engine'],
    registers,
  });
  info.set({ tier: labels.tier, engine: labels.engine }, 1);
  for (const [name, help, read] of gauges(labels.slots, pool)) {
    new Gauge({
      name: `${prefix}${name}`,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  }
  for (const [name, help, read] of counters) {
    new Counter({
      name: `${prefix}${name}`,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  }
  return {
    count: (status, seconds) => {
      requests.inc({ status: String(status) });
      latency.observe(seconds);
    },
    contentType: registry.contentType,
    render: async () => registry.metrics(),
  };
}

type Row = readonly [name: string, help: string, read: () => number];

const gauges = (slots: number | null, pool: () => PoolState): readonly Row[] => [
  ['slots', 'Instances the tier has room for; 0: not bounded by slots', () => slots ?? 0],
  ['threads', 'Threads that can run an instance', () => pool().threads],
  ['threads_stuck', 'Threads whose instance was given up and still runs', () => pool().stuck],
  ['instances_in_use', 'Instances that run', () => pool().inUse],
  ['instances_in_use_high_water', 'Most instances that ran at a time', () => pool().inUseHighWater],
  ['queue_length', 'Requests that wait for a thread', () => pool().queued],
  ['queue_length_high_water', 'Most requests that waited at a time', () => pool().queuedHighWater],
  ['process_resident_bytes', 'Resident memory of the process', () => process.memoryUsage.rss()],
];

const counters: readonly Row[] = [
  ['process_minor_page_faults_total', 'Without reading', () => process.resourceUsage().minorPageFault],
  ['process_major_page_faults_total', 'With reading', () => process.resourceUsage().majorPageFault],
  ['process_cpu_seconds_total', 'User and system time', () => cpuSeconds()],
];

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
