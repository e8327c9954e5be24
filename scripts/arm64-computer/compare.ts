/** Two runs of the same cells on two computers: where they differ in anything that decides a tier */
import { isDeepStrictEqual } from 'node:util';
import type { Facts } from '../../images/allocator/facts.ts';
import type { Result } from '../../harness/store/result.ts';

/** The rest is of the computer, or of the moment. */
const deciding = [
  ...(['architecture', 'kernelRelease', 'pageSize', 'addressBits', 'cpus', 'overcommitMemory'] as const),
  ...(['overcommitRatio', 'overcommitKbytes', 'maxMapCount', 'thp', 'hugePages', 'swapTotal'] as const),
  ...(['addressSpaceLimit', 'dataLimit', 'stackLimit', 'cgroupMemoryMax', 'mdwe', 'sysAdmin'] as const),
] satisfies readonly (keyof Facts)[];

/** Another QEMU's machine takes some pages more or less: an interrupt controller's tables, a longer device tree. */
const memoryTolerance = 1 / 256;

/** Differences in words; empty where the cells ended alike. */
export function compareResults(here: readonly Result[], there: readonly Result[]): readonly string[] {
  const byId = new Map(there.map((result) => [result.id, result]));
  const more = there
    .filter(({ id }) => !here.some((own) => own.id === id))
    .map(({ id }) => `${id}: only there`);
  return [
    ...more,
    ...here.flatMap((own) => {
      const other = byId.get(own.id);
      const found = other === undefined ? ['only here'] : compareCell(own, other);
      return found.map((text) => `${own.id}: ${text}`);
    }),
  ];
}

function compareCell(own: Result, other: Result): readonly string[] {
  const values = ({ outcome, tier, form, verdict, finding, predicted, tiers, readBack }: Result) => ({
    ...{ outcome, tier, form, verdict, finding },
    predicted: predicted?.tier ?? predicted?.outcome ?? null,
    tiers: tiers.map(({ tier: name, ok, pool, bytes }) => ({ name, ok, pool, bytes })),
    applied: readBack.map(({ axis, ok }) => ({ axis, ok })),
  });
  return [
    ...differences(values(own), values(other)),
    ...(own.facts === null || other.facts === null
      ? ['there are no facts of the guest']
      : compareFacts(own.facts, other.facts)),
  ];
}

function compareFacts(own: Facts, other: Facts): readonly string[] {
  const pick = (facts: Facts): Record<string, unknown> =>
    Object.fromEntries(deciding.map((name) => [name, facts[name]]));
  const sizes = (['memTotal', 'commitLimit'] as const).flatMap((name) => {
    const [a, b] = [own[name] ?? NaN, other[name] ?? NaN];
    return Math.abs(a - b) <= memoryTolerance * a ? [] : [`${name} is ${a} here and ${b} there`];
  });
  return [...differences(pick(own), pick(other)), ...sizes];
}

const differences = (own: Readonly<Record<string, unknown>>, other: Readonly<Record<string, unknown>>) =>
  Object.keys(own)
    .filter((name) => !isDeepStrictEqual(own[name], other[name]))
    .map((name) => `${name} is ${JSON.stringify(own[name])} here and ${JSON.stringify(other[name])} there`);
