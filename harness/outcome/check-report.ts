/**
 * Checks a wasm host's report against itself and the request. A report comes from the subject and is believed only if
 * all its parts agree. Each function returns the contradictions it found, as phrases.
 */
import type { HostReport } from '../../images/allocator/host-report.ts';
import { formatParameters } from '../../images/allocator/pool-parameters.ts';
import { tiers } from '../../images/allocator/tier.ts';
import { findProofContradictions } from './check-proof.ts';

/** The cell's request, with versions resolved. */
export type Asked = Readonly<{
  engine: Readonly<{
    kind: 'wasmtime' | 'v8';
    /** `50.0.1`; null where Node decides the version (v8). */
    version: string | null;
  }>;
  /** Release line (`22`) or a whole version (`22.23.3`). */
  node: string;
  /** Instances the canary must prove at the same time in the requested tier; lower tiers have room for two. */
  instances: number;
  /** Changes to the requested tier, in canonical form. */
  parameters: string;
}>;

/** Two, because a limit that leaves room for a single memory shows only with the second. */
export const provenInstances = 2;

type Rule = (report: HostReport, asked: Asked) => string | false;

const reachedRules: readonly Rule[] = [
  (r) => r.tier === null && 'it names no tier',
  (r) => r.proof === null && 'it carries no proof',
  (r) => r.proof !== null && r.proof.tier !== r.tier && `its proof is of ${r.proof.tier}`,
  ({ proof, choice }, asked) => {
    const target = choice === 'auto' ? 'standard' : choice;
    const needed = proof?.tier === target ? asked.instances : provenInstances;
    return (
      proof !== null && proof.instances < needed && `its proof has ${proof.instances} of ${needed} instances`
    );
  },
  (r) => {
    const last = r.attempts.at(-1);
    return !(last?.ok === true && last.tier === r.tier) && 'its last attempt is not a success at that tier';
  },
  (r) => r.attempts.slice(0, -1).some((attempt) => attempt.ok) && 'an earlier attempt succeeded too',
  ({ engine }) => engine.kind === 'wasmtime' && engine.library === undefined && 'its engine says no version',
];

const exhaustedRules: readonly Rule[] = [
  (r) => r.tier !== null && `it names the tier ${r.tier}`,
  (r) => r.proof !== null && 'it carries a proof',
  (r) => r.attempts.length === 0 && 'it tried no tier',
  (r) => r.attempts.some((attempt) => attempt.ok) && 'one of its attempts succeeded',
];

const commonRules: readonly Rule[] = [
  ({ engine: { library, version } }) =>
    library !== undefined &&
    version !== library.saysVersion &&
    !version.startsWith(`${library.saysVersion}.`) &&
    `its engine ${version} says that it is ${library.saysVersion}`,
  // An engine that behaves differently from its configuration proves nothing about the environment.
  ({ attempts }) => {
    const found = attempts.map(({ failure }) => failure).find((failure) => failure?.class === 'verification');
    return found != null && `a tier is no proof: ${found.message}`;
  },
  (r) => r.attempts.some((a) => a.ok && a.failure !== null) && 'an attempt succeeded and failed',
  (r) => r.attempts.some((a) => !a.ok && a.failure === null) && 'a failed attempt has no failure',
  (r) =>
    r.attempts.some((a) => a.predicted !== null && a.predicted.tier !== a.tier) && 'a model of another tier',
  (r) =>
    r.attempts.some((a, index) => rank(a.tier) < rank(r.attempts[index - 1]?.tier ?? 'standard')) &&
    'its attempts go from a lower tier to a higher',
  (r) =>
    r.choice !== 'auto' &&
    r.attempts.some((attempt) => attempt.tier !== r.choice) &&
    `its choice was ${r.choice} and it tried another tier`,
];

const rank = (tier: HostReport['attempts'][number]['tier']) => tiers.indexOf(tier);

/** Empty when the report is consistent with itself. */
export function findContradictions(report: HostReport, asked: Asked): readonly string[] {
  const rules = report.outcome === 'reached' ? reachedRules : exhaustedRules;
  const found = [...rules, ...commonRules]
    .map((rule) => rule(report, asked))
    .filter((said) => said !== false);
  return report.proof === null ? found : [...found, ...findProofContradictions(report, report.proof)];
}

/** Empty when the engine and Node that ran are the requested ones. */
export function findWrongVersions(report: HostReport, asked: Asked): readonly string[] {
  const { kind, version } = asked.engine;
  return [
    report.engine.kind !== kind && `engine ${kind} was requested, ${report.engine.kind} ran`,
    report.engine.kind === kind &&
      version !== null &&
      report.engine.version !== version &&
      `${kind} ${version} was requested, ${report.engine.version} ran`,
    formatParameters(report.parameters) !== asked.parameters &&
      `parameters ${asked.parameters} were requested, ${formatParameters(report.parameters)} were used`,
    report.node !== asked.node &&
      !report.node.startsWith(`${asked.node}.`) &&
      `Node ${asked.node} was requested, ${report.node} ran`,
  ].filter((said) => said !== false);
}
