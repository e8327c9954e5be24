/** Advice as lines for a person. */
import { describeShortfall } from '../../images/allocator/explain.ts';
import { formatBytes } from '../../images/allocator/sizes.ts';
import type { Facts } from '../../images/allocator/facts.ts';
import type { Advice, Reached } from './advice.ts';
import { advisedHosts } from './advised-hosts.ts';
import type { Proof } from './host-proof.ts';

export type AdviceSource = Readonly<{
  facts: Facts;
  /** Deciding facts that nobody knows. */
  unknown: readonly string[];
  isHere: boolean;
  proof: Proof | null;
  /** What would have been run for a proof. */
  program: string | null;
}>;

const forms: Readonly<Record<Advice['fits'], string>> = {
  whole: 'the whole pool fits; nothing has to be set',
  smaller: 'a smaller pool fits',
  none: 'no pool fits',
};

function describeReached({ tier, slots, checks }: Reached): string {
  if (tier === null) return 'it does not come up, or serves nothing';
  const size = slots === null ? 'memories on demand' : `a pool of ${slots} slots`;
  return `${size}, ${checks ?? 'unknown'} bounds checks`;
}

function describeMachine({ facts, isHere }: AdviceSource): string {
  const size = (bytes: number | null, none: string): string => (bytes === null ? none : formatBytes(bytes));
  const { overcommitMemory: mode } = facts;
  return [
    `${isHere ? 'this machine' : 'the reported machine'}: ${size(facts.memTotal, 'unknown')} of RAM`,
    `overcommit ${mode ?? 'unknown'}`,
    ...(mode === 2
      ? [
          `CommitLimit ${size(facts.commitLimit, 'unknown')}, ${size(facts.committedAs, 'unknown')} of it committed`,
        ]
      : []),
    `RLIMIT_AS ${size(facts.addressSpaceLimit, 'unlimited')}`,
    `RLIMIT_DATA ${size(facts.dataLimit, 'unlimited')}`,
    `${facts.maxMapCount ?? 'unknown'} mappings`,
    `${facts.addressBits ?? 'unknown'} address bits`,
  ].join(', ');
}

function describeProof({ reached }: Advice, { proof, isHere, program, unknown }: AdviceSource): string {
  if (unknown.length > 0) return `cannot tell: ${unknown.join(', ')} unknown`;
  if (proof === null && !isHere) return 'predicted, not proven: that is another machine';
  if (proof === null && reached.tier === null) return 'predicted, not proven: there is nothing to start';
  if (proof === null)
    return `predicted, not proven${program === null ? '' : `: --program <file> names ${program}`}`;
  const { agrees, seen } = proof;
  return agrees ? `proven: ${seen}` : `cannot tell: the prediction is refuted by ${proof.program}: ${seen}`;
}

/** A word of a command line, ready to paste. */
const quote = (word: string): string =>
  /^[\w./=,:@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

export function renderAdvice(advice: Advice, source: AdviceSource): readonly string[] {
  const { host, version, byDefault, fits, setup, reached, costs, raises } = advice;
  const words = [...Object.entries(setup.env).map(([name, value]) => `${name}=${value}`), ...setup.options];
  return [
    `${advisedHosts[host].title} ${version}: ${forms[fits]}`,
    describeMachine(source),
    `by default: ${describeReached(byDefault)}; ${byDefault.why}`,
    ...(words.length === 0
      ? []
      : [`set: ${words.map(quote).join(' ')}`, `then: ${describeReached(reached)}`]),
    ...costs.map((cost) => `costs: ${cost}`),
    ...raises.flatMap(({ limit, shortfall, change, also }) => [
      `out of reach: the whole pool: ${describeShortfall(shortfall)}`,
      change === null
        ? `  nothing on this machine lifts it (${limit})`
        : `  raise: ${change}${also === null ? '' : `; ${also}`}`,
    ]),
    describeProof(advice, source),
  ];
}
