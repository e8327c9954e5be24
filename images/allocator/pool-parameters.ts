/** Parameters that change the requested tier of a wasm host, in addition to Spin's own variables. */
import { AllocatorError } from './allocator-error.ts';
import type { AllocatorChoice, Tier } from './tier.ts';

export const poolParameters = [
  'memories',
  'tables',
  'tableElements',
  'stacks',
  'maxMemory',
  'reservation',
  'guard',
] as const;
export type PoolParameter = (typeof poolParameters)[number];

/** Counts, and sizes in bytes; absent ones keep the tier's own value. */
export type PoolParameters = Readonly<Partial<Record<PoolParameter, number>>>;

/** They change the requested tier, or `standard` without a request; the tiers below it stay as they are. */
export function parametersFor(
  tier: Tier,
  choice: AllocatorChoice,
  parameters: PoolParameters,
): PoolParameters {
  return tier === (choice === 'auto' ? 'standard' : choice) ? parameters : {};
}

const isParameter = (word: string): word is PoolParameter =>
  (poolParameters as readonly string[]).includes(word);

/** `memories=100,guard=65536`, in the order of the list; empty for none. */
export function formatParameters(parameters: PoolParameters): string {
  return poolParameters
    .flatMap((name) => (parameters[name] === undefined ? [] : [`${name}=${parameters[name]}`]))
    .join(',');
}

/** Inverse of {@link formatParameters}. Throws BAD_PARAMETER. */
export function parseParameters(text: string): PoolParameters {
  const parameters: Partial<Record<PoolParameter, number>> = {};
  for (const piece of text.split(',').filter((word) => word !== '')) {
    const [, name = '', value = ''] = /^(\w+)=(\d{1,15})$/.exec(piece) ?? [];
    if (!isParameter(name)) {
      throw new AllocatorError(
        'BAD_PARAMETER',
        `${JSON.stringify(piece)} is not one of ${poolParameters.join(', ')} with a number of units or bytes`,
      );
    }
    parameters[name] = Number(value);
  }
  return parameters;
}
