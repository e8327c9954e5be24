/** Formats shortfalls: `table pool needs 1532 MiB, CommitLimit leaves 172 MiB`. */
import type { LimitName, Pool, Shortfall, Splitter } from './prediction.ts';
import { formatPair } from './sizes.ts';

export const poolNames: Readonly<Record<Pool, string>> = {
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
  'free gap': 'the largest gap in the address space',
  RLIMIT_NPROC: 'RLIMIT_NPROC',
  'pids.max': 'pids.max',
  'write-execute': 'MemoryDenyWriteExecute',
  memory: 'RAM',
  feature: 'this version or setting',
};

const splitters: Readonly<Record<Splitter, string>> = {
  'v8-heap': "pages of V8's heap, at random places in the lower 64 TiB, split the rest",
  program: 'the program itself, at two thirds of the addresses, splits the rest',
};

/** What splits the address space, and what that means for other runs. */
const describeGap = ({ chance, splitBy }: Shortfall): string => {
  const splits = splitBy === undefined ? 'other mappings of the process split the rest' : splitters[splitBy];
  return chance === true
    ? `${splits}; decided by where they are placed: it may differ from run to run`
    : splits;
};

/** `table pool needs 1531 MiB, CommitLimit leaves 172 MiB`. */
export function describeShortfall(shortfall: Shortfall): string {
  const { pool, limit, needed, available, unit } = shortfall;
  const subject = poolNames[pool];
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
  if (limit === 'free gap')
    return `${subject} ${verb} ${need} in one piece, ${source} has about ${left}: ${describeGap(shortfall)}`;
  return `${subject} ${verb} ${need}, ${source} leaves ${left}`;
}
