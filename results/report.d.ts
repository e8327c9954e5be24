/** The JSON report. Generated from report.schema.json: change that, not this. */

export interface PoolproofReport {
  poolproof: 'report';
  schema: 1;
  run: Run;
  summary: {
    total: number;
    byOutcome: {
      [k: string]: number;
    };
    byTier: {
      [k: string]: number;
    };
    byVerdict: {
      expected: number;
      unexpected: number;
      undecided: number;
      none: number;
      [k: string]: unknown;
    };
    /**
     * cells whose repetitions differ
     */
    flaky: number;
    /**
     * results in which the model and the guest differ
     */
    findings: number;
    exitCode: 0 | 1 | 2 | 130;
    [k: string]: unknown;
  };
  /**
   * whether every cell of the run is there; absent in older reports
   */
  completeness?: {
    state: 'complete' | 'incomplete' | 'unknown';
    /**
     * the run has ended by itself
     */
    finished: boolean;
    /**
     * cells of the run, repetitions included
     */
    expected: number | null;
    found: number;
    /**
     * the least that must be where the record lists no cells
     */
    missing: number;
    /**
     * the first of them, `id#repetition`
     */
    missingCells: string[];
    /**
     * the counts are of repetitions
     */
    repeated: boolean;
    /**
     * which part of the matrix the run is; null for the whole
     */
    part: {
      only: string[];
      shard: string | null;
      cells: number;
      of: number | null;
      [k: string]: unknown;
    } | null;
    /**
     * null for a complete run
     */
    missingSentence: string | null;
    partSentence: string | null;
    [k: string]: unknown;
  };
  /**
   * axes that vary, with the labels of their values
   */
  axes: {
    name:
      | 'memory'
      | 'overcommit'
      | 'overcommitRatio'
      | 'thp'
      | 'engine'
      | 'node'
      | 'addressSpace'
      | 'dataLimit'
      | 'maxMapCount'
      | 'kernel'
      | 'cpus'
      | 'allocator'
      | 'profile'
      | 'cpu'
      | 'swap'
      | 'overcommitKbytes'
      | 'hugepages'
      | 'stackLimit'
      | 'cgroupMemory'
      | 'mdwe'
      | 'addressBits'
      | 'memories'
      | 'tables'
      | 'tableElements'
      | 'stacks'
      | 'maxMemory'
      | 'reservation'
      | 'guard'
      | 'subject'
      | 'env';
    values: string[];
    ordered: boolean;
    [k: string]: unknown;
  }[];
  reasons: {
    outcome:
      'reached' | 'exhausted' | 'crashed' | 'timeout' | 'guest-died' | 'invalid' | 'broken' | 'skipped';
    tier: ('standard' | 'conservative' | 'on-demand') | null;
    verdict: ('expected' | 'unexpected' | 'undecided') | null;
    where: string;
    reason: string;
    cells: number;
    [k: string]: unknown;
  }[];
  distributions: Distribution[];
  cells: Result[];
  [k: string]: unknown;
}
/**
 * run.json: what the run was made with
 */
export interface Run {
  schema: 1;
  id: string;
  tool: {
    name: string;
    version: string;
    [k: string]: unknown;
  };
  matrix: {
    file: string;
    title: string;
    text: string;
    size: number;
    [k: string]: unknown;
  };
  selection?: {
    of: number;
    repeat: number;
    only: string[];
    shard: {
      index: number;
      count: number;
      of: number;
      plan: string;
      [k: string]: unknown;
    } | null;
    cells: string[] | null;
    [k: string]: unknown;
  };
  digests?: {
    matrix: string;
    subjects: {
      [k: string]: string;
    };
    cases: {
      [k: string]: string;
    };
    [k: string]: unknown;
  };
  startedAt: string;
  finishedAt: string | null;
  resumedAt: string[];
  machine: {
    cpuModel: string | null;
    cores: number;
    memTotal: number;
    kernel: string;
    os: string;
    [k: string]: unknown;
  };
  qemu: {
    path: string;
    version: string;
    [k: string]: unknown;
  };
  accelerator: {
    kind: 'kvm' | 'tcg';
    reason: string;
    [k: string]: unknown;
  };
  kernels: {
    [k: string]: string;
  };
  images: {
    digest: string;
    components: {
      [k: string]: string;
    };
    packages?: {
      [k: string]: string;
    };
    [k: string]: unknown;
  };
  cases?: {
    id: string;
    title: string | null;
    link: string | null;
    cells: {
      id: string;
      role: 'fails' | 'gone';
      [k: string]: unknown;
    }[];
    standIn: string | null;
    contradicts: string | null;
    cannot: string | null;
    [k: string]: unknown;
  }[];
  options: {
    [k: string]: string | number | boolean | null;
  };
  [k: string]: unknown;
}
/**
 * a cell that was run several times
 */
export interface Distribution {
  id: string;
  /**
   * repetitions that say something about the subject
   */
  judged: number;
  /**
   * repetitions that say nothing: broken, invalid, skipped
   */
  silent: number;
  shares: {
    observed:
      | ('standard' | 'conservative' | 'on-demand')
      | ('reached' | 'exhausted' | 'crashed' | 'timeout' | 'guest-died' | 'invalid' | 'broken' | 'skipped');
    count: number;
    /**
     * share of the judged repetitions, Wilson's interval of 95 %
     */
    interval: {
      low: number;
      high: number;
      [k: string]: unknown;
    };
    [k: string]: unknown;
  }[];
  verdict: ('expected' | 'unexpected' | 'undecided' | 'flaky') | null;
  [k: string]: unknown;
}
/**
 * a line of cells.jsonl: one repetition
 */
export interface Result {
  schema: 1;
  id: string;
  repetition: number;
  settings: {
    memory: number;
    overcommit: 0 | 1 | 2;
    overcommitRatio: number;
    thp: 'always' | 'madvise' | 'never';
    engine: string;
    node: string;
    addressSpace: number | null;
    dataLimit: number | null;
    maxMapCount: number | null;
    kernel: string;
    cpus: number;
    cpu?: string | null;
    swap?: number | null;
    overcommitKbytes?: number | null;
    hugepages?: number;
    stackLimit?: (number | 'unlimited') | null;
    cgroupMemory?: number | null;
    mdwe?: 'off' | 'prctl' | 'seccomp';
    addressBits?: number | null;
    memories?: number | null;
    tables?: number | null;
    tableElements?: number | null;
    stacks?: number | null;
    maxMemory?: number | null;
    reservation?: number | null;
    guard?: number | null;
    subject?: string;
    allocator: 'auto' | 'standard' | 'conservative' | 'on-demand';
    profile: 'spin' | 'wasmtime';
    env: {
      [k: string]: string;
    };
    [k: string]: unknown;
  };
  outcome: 'reached' | 'exhausted' | 'crashed' | 'timeout' | 'guest-died' | 'invalid' | 'broken' | 'skipped';
  reason: string;
  tier: ('standard' | 'conservative' | 'on-demand') | null;
  form: {
    checks: 'elided' | 'explicit';
    slots: number | null;
    reservedBytes: number;
    chargedBytes: number;
    [k: string]: unknown;
  } | null;
  predicted: {
    outcome: 'reached' | 'exhausted' | 'crashed';
    tier: ('standard' | 'conservative' | 'on-demand') | null;
    checks: ('elided' | 'explicit') | null;
    tiers: (
      | {
          tier: 'standard' | 'conservative' | 'on-demand';
          fits: true;
          checks: 'elided' | 'explicit';
          slots: number | null;
          tightest: {
            pool: 'memory' | 'table' | 'stack' | 'stack-guards' | 'linear-memory' | 'code' | 'process';
            limit:
              | 'CommitLimit'
              | 'overcommit heuristic'
              | 'RLIMIT_AS'
              | 'RLIMIT_DATA'
              | 'max_map_count'
              | 'address width'
              | 'write-execute'
              | 'memory'
              | 'feature';
            needed: number;
            available: number;
            unit: 'bytes' | 'maps';
            [k: string]: unknown;
          } | null;
          [k: string]: unknown;
        }
      | {
          tier: 'standard' | 'conservative' | 'on-demand';
          fits: false;
          shortfall: {
            pool: 'memory' | 'table' | 'stack' | 'stack-guards' | 'linear-memory' | 'code' | 'process';
            limit:
              | 'CommitLimit'
              | 'overcommit heuristic'
              | 'RLIMIT_AS'
              | 'RLIMIT_DATA'
              | 'max_map_count'
              | 'address width'
              | 'write-execute'
              | 'memory'
              | 'feature';
            needed: number;
            available: number;
            unit: 'bytes' | 'maps';
            [k: string]: unknown;
          };
          [k: string]: unknown;
        }
    )[];
    startup: {
      pool: 'memory' | 'table' | 'stack' | 'stack-guards' | 'linear-memory' | 'code' | 'process';
      limit:
        | 'CommitLimit'
        | 'overcommit heuristic'
        | 'RLIMIT_AS'
        | 'RLIMIT_DATA'
        | 'max_map_count'
        | 'address width'
        | 'write-execute'
        | 'memory'
        | 'feature';
      needed: number;
      available: number;
      unit: 'bytes' | 'maps';
      [k: string]: unknown;
    } | null;
    [k: string]: unknown;
  } | null;
  expected: {
    source: 'matrix' | 'prediction';
    text: string;
    expectation: {
      tier?: 'standard' | 'conservative' | 'on-demand';
      atLeast?: 'standard' | 'conservative' | 'on-demand';
      outcome?: 'reached' | 'exhausted' | 'crashed' | 'timeout' | 'guest-died';
      error?: string;
      overhead?: number;
      because: string | null;
      link: string | null;
      [k: string]: unknown;
    } | null;
    [k: string]: unknown;
  } | null;
  verdict: ('expected' | 'unexpected' | 'undecided') | null;
  finding: string | null;
  tiers: {
    tier: 'standard' | 'conservative' | 'on-demand';
    ok: boolean;
    class: string | null;
    message: string | null;
    pool: string | null;
    bytes: number | null;
    [k: string]: unknown;
  }[];
  attempts: {
    start: 'boot' | 'clone';
    outcome:
      'reached' | 'exhausted' | 'crashed' | 'timeout' | 'guest-died' | 'invalid' | 'broken' | 'skipped';
    detail: string;
    machineEnd: {
      kind:
        | 'clock'
        | 'exited'
        | 'killed'
        | 'no-console'
        | 'not-ready'
        | 'panic'
        | 'reset'
        | 'silent'
        | 'start-failed';
      detail: string;
      [k: string]: unknown;
    } | null;
    [k: string]: unknown;
  }[];
  readBack: {
    axis: string;
    asked: string;
    found: string;
    ok: boolean;
    standIn?: true;
    [k: string]: unknown;
  }[];
  facts: {
    kernelRelease: string | null;
    memTotal: number | null;
    memAvailable: number | null;
    swapTotal: number | null;
    commitLimit: number | null;
    committedAs: number | null;
    overcommitMemory: (0 | 1 | 2) | null;
    overcommitRatio: number | null;
    overcommitKbytes: number | null;
    userReserve: number | null;
    adminReserve: number | null;
    hugePages?: number | null;
    maxMapCount: number | null;
    thp: ('always' | 'madvise' | 'never') | null;
    addressSpaceLimit: number | null;
    dataLimit: number | null;
    stackLimit: number | null;
    cgroupMemoryMax: number | null;
    mdwe?: ('off' | 'prctl' | 'seccomp') | null;
    addressBits: number | null;
    pageSize: number;
    cpus: number | null;
    cpuModel: string | null;
    cpuFlags: string[];
    virtualised: boolean;
    emulated: boolean;
    sysAdmin: boolean | null;
    [k: string]: unknown;
  } | null;
  host: {
    engine: {
      kind: 'wasmtime' | 'v8';
      version: string;
      library?: {
        saysVersion: string;
        sha256: string | null;
        [k: string]: unknown;
      };
      [k: string]: unknown;
    };
    node: string;
    choice: 'auto' | 'standard' | 'conservative' | 'on-demand';
    why: string;
    proof: {
      checks: 'elided' | 'explicit';
      slots: number | null;
      reservedBytes: number;
      chargedBytes: number;
      tier: 'standard' | 'conservative' | 'on-demand';
      instances: number;
      virtualBytes: number;
      residentBytes: number;
      maps: number;
      model?: {
        checks: 'elided' | 'explicit';
        slots: number | null;
        reservedBytes: number;
        chargedBytes: number;
        [k: string]: unknown;
      };
      kernel?: {
        committedBefore: number | null;
        committedAfter: number | null;
        /**
         * @maxItems 16
         */
        mappings:
          | []
          | [
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              }
            ]
          | [
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              }
            ]
          | [
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              }
            ]
          | [
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              }
            ]
          | [
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              }
            ]
          | [
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              }
            ]
          | [
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              }
            ]
          | [
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              }
            ]
          | [
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              }
            ]
          | [
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              }
            ]
          | [
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              }
            ]
          | [
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              }
            ]
          | [
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              }
            ]
          | [
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              }
            ]
          | [
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              }
            ]
          | [
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              },
              {
                protection: string;
                bytes: number;
                count: number;
                [k: string]: unknown;
              }
            ];
        /**
         * @maxItems 8
         */
        steps?:
          | []
          | [
              {
                step: 'before' | 'engine' | 'canary';
                virtualBytes: number;
                writableBytes: number;
                maps: number;
                [k: string]: unknown;
              }
            ]
          | [
              {
                step: 'before' | 'engine' | 'canary';
                virtualBytes: number;
                writableBytes: number;
                maps: number;
                [k: string]: unknown;
              },
              {
                step: 'before' | 'engine' | 'canary';
                virtualBytes: number;
                writableBytes: number;
                maps: number;
                [k: string]: unknown;
              }
            ]
          | [
              {
                step: 'before' | 'engine' | 'canary';
                virtualBytes: number;
                writableBytes: number;
                maps: number;
                [k: string]: unknown;
              },
              {
                step: 'before' | 'engine' | 'canary';
                virtualBytes: number;
                writableBytes: number;
                maps: number;
                [k: string]: unknown;
              },
              {
                step: 'before' | 'engine' | 'canary';
                virtualBytes: number;
                writableBytes: number;
                maps: number;
                [k: string]: unknown;
              }
            ]
          | [
              {
                step: 'before' | 'engine' | 'canary';
                virtualBytes: number;
                writableBytes: number;
                maps: number;
                [k: string]: unknown;
              },
              {
                step: 'before' | 'engine' | 'canary';
                virtualBytes: number;
                writableBytes: number;
                maps: number;
                [k: string]: unknown;
              },
              {
                step: 'before' | 'engine' | 'canary';
                virtualBytes: number;
                writableBytes: number;
                maps: number;
                [k: string]: unknown;
              },
              {
                step: 'before' | 'engine' | 'canary';
                virtualBytes: number;
                writableBytes: number;
                maps: number;
                [k: string]: unknown;
              }
            ]
          | [
              {
                step: 'before' | 'engine' | 'canary';
                virtualBytes: number;
                writableBytes: number;
                maps: number;
                [k: string]: unknown;
              },
              {
                step: 'before' | 'engine' | 'canary';
                virtualBytes: number;
                writableBytes: number;
                maps: number;
                [k: string]: unknown;
              },
              {
                step: 'before' | 'engine' | 'canary';
                virtualBytes: number;
                writableBytes: number;
                maps: number;
                [k: string]: unknown;
              },
              {
                step: 'before' | 'engine' | 'canary';
                virtualBytes: number;
                writableBytes: number;
                maps: number;
                [k: string]: unknown;
              },
              {
                step: 'before' | 'engine' | 'canary';
                virtualBytes: number;
                writableBytes: number;
                maps: number;
                [k: string]: unknown;
              }
            ]
          | [
              {
                step: 'before' | 'engine' | 'canary';
                virtualBytes: number;
                writableBytes: number;
                maps: number;
                [k: string]: unknown;
              },
              {
                step: 'before' | 'engine' | 'canary';
                virtualBytes: number;
                writableBytes: number;
                maps: number;
                [k: string]: unknown;
              },
              {
                step: 'before' | 'engine' | 'canary';
                virtualBytes: number;
                writableBytes: number;
                maps: number;
                [k: string]: unknown;
              },
              {
                step: 'before' | 'engine' | 'canary';
                virtualBytes: number;
                writableBytes: number;
                maps: number;
                [k: string]: unknown;
              },
              {
                step: 'before' | 'engine' | 'canary';
                virtualBytes: number;
                writableBytes: number;
                maps: number;
                [k: string]: unknown;
              },
              {
                step: 'before' | 'engine' | 'canary';
                virtualBytes: number;
                writableBytes: number;
                maps: number;
                [k: string]: unknown;
              }
            ]
          | [
              {
                step: 'before' | 'engine' | 'canary';
                virtualBytes: number;
                writableBytes: number;
                maps: number;
                [k: string]: unknown;
              },
              {
                step: 'before' | 'engine' | 'canary';
                virtualBytes: number;
                writableBytes: number;
                maps: number;
                [k: string]: unknown;
              },
              {
                step: 'before' | 'engine' | 'canary';
                virtualBytes: number;
                writableBytes: number;
                maps: number;
                [k: string]: unknown;
              },
              {
                step: 'before' | 'engine' | 'canary';
                virtualBytes: number;
                writableBytes: number;
                maps: number;
                [k: string]: unknown;
              },
              {
                step: 'before' | 'engine' | 'canary';
                virtualBytes: number;
                writableBytes: number;
                maps: number;
                [k: string]: unknown;
              },
              {
                step: 'before' | 'engine' | 'canary';
                virtualBytes: number;
                writableBytes: number;
                maps: number;
                [k: string]: unknown;
              },
              {
                step: 'before' | 'engine' | 'canary';
                virtualBytes: number;
                writableBytes: number;
                maps: number;
                [k: string]: unknown;
              }
            ]
          | [
              {
                step: 'before' | 'engine' | 'canary';
                virtualBytes: number;
                writableBytes: number;
                maps: number;
                [k: string]: unknown;
              },
              {
                step: 'before' | 'engine' | 'canary';
                virtualBytes: number;
                writableBytes: number;
                maps: number;
                [k: string]: unknown;
              },
              {
                step: 'before' | 'engine' | 'canary';
                virtualBytes: number;
                writableBytes: number;
                maps: number;
                [k: string]: unknown;
              },
              {
                step: 'before' | 'engine' | 'canary';
                virtualBytes: number;
                writableBytes: number;
                maps: number;
                [k: string]: unknown;
              },
              {
                step: 'before' | 'engine' | 'canary';
                virtualBytes: number;
                writableBytes: number;
                maps: number;
                [k: string]: unknown;
              },
              {
                step: 'before' | 'engine' | 'canary';
                virtualBytes: number;
                writableBytes: number;
                maps: number;
                [k: string]: unknown;
              },
              {
                step: 'before' | 'engine' | 'canary';
                virtualBytes: number;
                writableBytes: number;
                maps: number;
                [k: string]: unknown;
              },
              {
                step: 'before' | 'engine' | 'canary';
                virtualBytes: number;
                writableBytes: number;
                maps: number;
                [k: string]: unknown;
              }
            ];
        memory?: {
          mappingBytes: number;
          strideBytes: number | null;
          slots: number | null;
          guardBeforeBytes: number;
          behindBytes: number;
          writableBytes: number;
          [k: string]: unknown;
        };
        [k: string]: unknown;
      };
      [k: string]: unknown;
    } | null;
    warnings: string[];
    [k: string]: unknown;
  } | null;
  subject?: {
    name: string;
    ready: boolean;
    failure: string | null;
    line: string | null;
    exitCode: number | null;
    signal: string | null;
    [k: string]: unknown;
  };
  timings: {
    [k: string]: number;
  };
  imageDigest: string | null;
  startedAt: string;
  evidence: string | null;
  distribution?: {
    verdict: ('expected' | 'unexpected' | 'undecided' | 'flaky') | null;
    judged: number;
    silent: number;
    shares: {
      observed:
        | ('standard' | 'conservative' | 'on-demand')
        | ('reached' | 'exhausted' | 'crashed' | 'timeout' | 'guest-died' | 'invalid' | 'broken' | 'skipped');
      count: number;
      low: number;
      high: number;
      [k: string]: unknown;
    }[];
    [k: string]: unknown;
  };
  overhead?: {
    workload: string;
    engine: 'wasmtime' | 'v8';
    tier: 'standard' | 'conservative' | 'on-demand';
    form: 'elided' | 'explicit';
    clock: 'time' | 'instructions';
    cpuModel: string | null;
    baseline: string;
    ratio: number;
    low: number;
    high: number;
    pairs: number;
    processes: number;
    sameCode: boolean;
    stable: boolean;
    [k: string]: unknown;
  }[];
  overheadSource?: {
    kind: 'baseline' | 'measured' | 'not-measured';
    measuredIn: string | null;
    notMeasured: {
      workload: string | null;
      reason: string;
      [k: string]: unknown;
    }[];
    baselineNote: string | null;
    resources: {
      tier: 'standard' | 'conservative' | 'on-demand';
      form: 'elided' | 'explicit';
      startToFirstCall:
        | {
            clock: 'time';
            ms: number;
            [k: string]: unknown;
          }
        | {
            clock: 'instructions';
            count: number;
            [k: string]: unknown;
          };
      residentBytes: number;
      committedBytes: number;
      reservedBytes: number;
      [k: string]: unknown;
    }[];
    wallMs: number;
    [k: string]: unknown;
  };
  [k: string]: unknown;
}
