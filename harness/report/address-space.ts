/** The address space of a cell: the mappings of its tiers by the model, and those that were seen. */
import { describeShortfall, poolNames } from '../../images/allocator/explain.ts';
import { type Tier, tiers } from '../../images/allocator/tier.ts';
import { listTierMappings } from '../outcome/predict-cell.ts';
import type { Result } from '../store/result.ts';

export type SpaceBar = Readonly<{
  name: string;
  bytes: number;
  /** Of a mapping that a limit refuses: the bytes that the limit leaves; null where it is mapped. */
  left: number | null;
}>;

/** Mappings that belong together, in the order in which they are made. */
type SpaceGroup = Readonly<{
  title: string;
  /** The limit that stops it, in the model's words; null where none does. */
  refused: string | null;
  bars: readonly SpaceBar[];
}>;

/** The model and what was seen are groups of their own. Empty where neither knows a mapping. */
export function listSpace(result: Result): readonly SpaceGroup[] {
  const shown = tiers.filter((tier) => tier === 'standard' || tier === result.tier);
  const groups = [...shown.map((tier) => listModel(tier, result)), listSeen(result)];
  return groups.filter(({ bars }) => bars.length > 0);
}

/** The limits of the whole process, in the order of their sizes. */
export function listSpaceLimits({ facts }: Result): readonly SpaceBar[] {
  const limits = [
    ['address space', facts?.addressBits == null ? null : 2 ** facts.addressBits],
    ['RLIMIT_AS', facts?.addressSpaceLimit ?? null],
  ] as const;
  return limits.flatMap(([name, bytes]) => (bytes === null ? [] : [{ name, bytes, left: null }]));
}

/** Up to the mapping that does not fit: those behind it are never made. */
function listModel(tier: Tier, { settings, facts, host, predicted }: Result): SpaceGroup {
  const model = predicted?.tiers.find((one) => one.tier === tier);
  const shortfall = model?.fits === false ? model.shortfall : null;
  const mappings = listTierMappings(tier, settings, facts, host?.node).filter(({ bytes }) => bytes > 0);
  const stop = mappings.findIndex(({ pool }) => pool === shortfall?.pool);
  return {
    title: `${tier}, by the model`,
    refused: shortfall === null ? null : describeShortfall(shortfall),
    bars: mappings.slice(0, stop === -1 ? undefined : stop + 1).map(({ pool, bytes, count }, index) => ({
      name: poolNames[pool],
      bytes: bytes * count,
      left: index === stop && shortfall?.unit === 'bytes' ? shortfall.available : null,
    })),
  };
}

/** Of our host after the proof, of another one when it was up. */
function listSeen({ tier, host, subject }: Result): SpaceGroup {
  const up = subject?.process?.up;
  const memory = host?.proof?.kernel?.memory;
  const rows: readonly (readonly [name: string, bytes: number | undefined])[] = [
    [memory?.slots == null ? 'a linear memory' : poolNames.memory, memory?.mappingBytes],
    ['tables and stacks', memory?.writableBytes],
    ...(up?.largest ?? []).map(
      ({ name, protection, bytes }) => [`${name === '' ? 'memory' : name} ${protection}`, bytes] as const,
    ),
    ['the whole process', host?.proof?.virtualBytes ?? up?.virtualBytes],
  ];
  return {
    title: `${tier ?? 'the process'}, as the kernel shows it`,
    refused: null,
    bars: rows.flatMap(([name, bytes = 0]) => (bytes > 0 ? [{ name, bytes, left: null }] : [])),
  };
}
