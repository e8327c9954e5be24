/**
 * The operator's part of the start-up log: the reason for the tier, its cost, and the setting that would bring a better
 * one back.
 */
import { describeShortfall } from '../allocator/explain.ts';
import type { Attempt, FailureClass, HostReport, Proof, RunEngine } from '../allocator/host-report.ts';
import type { LimitName } from '../allocator/prediction.ts';
import type { EngineKind, Tier } from '../allocator/tier.ts';

/** Settings that lift a limit. Only where they do: overcommit changes nothing for an address space. */
const cures: Readonly<Record<LimitName, string | null>> = {
  CommitLimit:
    'vm.overcommit_memory=1 (or 0) brings it back; so do a larger vm.overcommit_ratio, more RAM or swap',
  'overcommit heuristic': 'vm.overcommit_memory=1 brings it back; so do more RAM or swap',
  RLIMIT_AS: 'a larger address-space limit brings it back (ulimit -v, LimitAS=)',
  RLIMIT_DATA: 'a larger data limit brings it back (ulimit -d, LimitDATA=)',
  max_map_count: 'a larger vm.max_map_count brings it back',
  'address width': null,
  'free gap': 'a pool with fewer memories fits',
  RLIMIT_NPROC: 'a larger limit on processes brings it back (ulimit -u, LimitNPROC=)',
  'pids.max': 'a larger pids.max of the cgroup brings it back (TasksMax=, --pids-limit)',
  'write-execute': 'MemoryDenyWriteExecute=no brings it back: a compiler in the process needs such memory',
  memory: 'more RAM, or a larger memory.max of the cgroup, brings it back',
  feature: null,
};

const noCure = 'no setting of this machine is known to bring it back';

/** Failures whose cure does not depend on a limit. */
const classCures: Readonly<Partial<Record<FailureClass, string>>> = {
  'guards-disabled':
    'an address-space limit of 16 GiB or more (ulimit -v, LimitAS=) brings the guard regions back',
  thread: 'room for more threads brings it back: ulimit -u, pids.max of the cgroup, kernel.threads-max',
  unsupported: 'a newer Node or wasmtime offers it',
  verification: 'the engine is not what was configured, so no tier of it is believed: replace its library',
  killed: 'more RAM, or a larger memory.max of the cgroup, brings it back',
  timeout: 'a longer --deadline may bring it back',
};

/** The loss of a host, by the tier it came down to. */
const losses: Readonly<Record<EngineKind, Readonly<Record<Tier, string | null>>>> = {
  wasmtime: {
    standard: null,
    conservative: 'fewer instances can live at once',
    'on-demand':
      'each instance costs system calls and page faults for its memory, most of all with several threads at once: a server that makes one per request needs a multiple of the CPU time, unless its requests work long',
  },
  v8: {
    standard: null,
    conservative: 'fewer memories can live at once',
    'on-demand': 'memory accesses are checked by compare instructions, which costs some speed',
  },
};

/** One sentence: why this tier. */
export function explainTier(tier: Tier | null, attempts: readonly Attempt[], forced: boolean): string {
  const failed = attempts.filter(({ ok }) => !ok).map(describeAttempt);
  if (tier === null) return `no tier works: ${failed.join('; ')}`;
  if (forced) return `${tier} was requested and works`;
  return failed.length === 0 ? `${tier} works` : failed.join('; ');
}

/**
 * `standard: table pool needs 1531 MiB, CommitLimit leaves 172 MiB`; the engine's own message where the model expected
 * no failure, or another one.
 */
function describeAttempt({ tier, failure, predicted }: Attempt): string {
  const words = failure?.message ?? tier;
  if (predicted?.fits !== false || predicted.shortfall.limit === 'feature') return words;
  const agreed = failure?.pool == null || predicted.shortfall.pool.startsWith(failure.pool);
  return agreed ? `${tier}: ${describeShortfall(predicted.shortfall)}` : words;
}

/** The line for people: the tier that serves now, and for on-demand the answers to an operator's first questions. */
export function describeStart(report: HostReport): string {
  const { proof, why, attempts } = report;
  const engine = `${describeEngine(report.engine)}, Node ${report.node}`;
  if (proof === null) return `wasm host: no allocator tier works with ${engine} (${why})`;
  const slots = proof.slots === null ? '' : `, ${proof.slots} slots`;
  const form = `${engine}${slots}, ${proof.checks} bounds checks`;
  if (proof.tier !== 'on-demand' || report.choice !== 'auto')
    return `wasm host: ${proof.tier} (${form}; ${why})`;
  const lost = attempts.find(({ tier }) => tier === 'standard');
  return [
    `wasm host: on-demand (${form})`,
    'pooling allocator disabled automatically',
    'this is normal and changes no function',
    `cost: ${losses[report.engine.kind]['on-demand'] ?? ''}`,
    `why: ${why}`,
    `cure: ${(lost === undefined ? null : findCure(lost)) ?? noCure}`,
  ].join('; ');
}

/** With the source of its version, where that is not the digest of a pinned build. */
function describeEngine({ kind, version, library }: RunEngine): string {
  const name = `${kind} ${version}`;
  if (library === undefined) return name;
  if (version !== library.saysVersion)
    return library.sha256 === null ? `${name} (its library says ${library.saysVersion})` : name;
  return version.includes('.') ? name : `${name} (its library says no more of its version)`;
}

/** For standard error: one line per tier lost, with the setting that would bring it back. */
export function listWarnings(
  tier: Tier | null,
  checks: Proof['checks'] | null,
  kind: EngineKind,
  attempts: readonly Attempt[],
): readonly string[] {
  const warnings = attempts
    .filter(({ ok }) => !ok)
    .map((attempt) => {
      const cure = findCure(attempt);
      return `${describeAttempt(attempt)}; ${cure ?? noCure}`;
    });
  const loss = tier === null ? null : losses[kind][tier];
  if (loss !== null && attempts.some(({ ok }) => !ok)) warnings.push(`${tier ?? ''}: ${loss}`);
  if (kind === 'wasmtime' && checks === 'explicit') {
    warnings.push(
      `${tier ?? ''}: memory accesses are checked by compare instructions, which costs some speed`,
    );
  }
  return warnings;
}

function findCure({ failure, predicted }: Attempt): string | null {
  const ofClass = failure === null ? undefined : classCures[failure.class];
  if (ofClass !== undefined) return ofClass;
  return predicted?.fits === false ? cures[predicted.shortfall.limit] : null;
}
