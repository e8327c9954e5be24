/** Formats shortfalls: `table pool needs 1532 MiB, CommitLimit leaves 172 MiB`. */
import type { LimitName, Pool, Shortfall } from './prediction.ts';
import { formatPair } from './sizes.ts';

const pools: Readonly<Record<Pool, string>> = {
  probe: 'the trial before the pool',
  memory: 'memory pool',
  table: 'table pool',
  stack: 'stack pool',
  'stack-guards': 'guard pages of the stack pool',
  'linear-memory': 'linear memories',
  code: 'engine and its code',
  process: 'the process itself',
};

const limits: Readonly<Record<LimitName, string>> = {
  CommitLimit: 'CommitLimit',
  'overcommit heuristic': 'RAM and swap',
  RLIMIT_AS: 'RLIMIT_AS',
  RLIMIT_DATA: 'RLIMIT_DATA',
  max_map_count: 'vm.max_map_count',
  'address width': 'the address space',
  RLIMIT_NPROC: 'RLIMIT_NPROC',
  'pids.max': 'pids.max',
  'write-execute': 'MemoryDenyWriteExecute',
  memory: 'RAM',
  feature: 'this version or setting',
};

/** `table pool needs 1531 MiB, CommitLimit leaves 172 MiB`. */
export function describeShortfall({ pool, limit, needed, available, unit }: Shortfall): string {
  const subject = pools[pool];
  const verb = pool === 'stack-guards' || pool === 'linear-memory' ? 'need' : 'needs';
  const source = limits[limit];
  if (limit === 'write-execute')
    return `${subject} ${verb} memory both writable and executable, which ${source} forbids`;
  if (limit === 'feature') {
    return needed === 1 && available === 0
      ? `${subject}: not offered by ${source}`
      : `${subject} ${verb} ${needed}, ${source} gives ${available}`;
  }
  if (unit === 'maps') return `${subject} ${verb} ${needed} mappings, ${source} leaves ${available}`;
  if (unit === 'threads') return `${subject} ${verb} ${needed} threads, ${source} leaves ${available}`;
  const [need, left] = formatPair(needed, available);
  return `${subject} ${verb} ${need}, ${source} leaves ${left}`;
}
