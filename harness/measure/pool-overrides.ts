/** What a cell changes of the settings that its tier has by itself. Pure. */
import type { Facts } from '../../images/allocator/facts.ts';
import { parametersFor, type PoolParameters } from '../../images/allocator/pool-parameters.ts';
import { resolveChoice } from '../../images/allocator/spin-variables.ts';
import type { Settings } from '../axes/table.ts';
import { parametersOf } from '../axes/guest-settings.ts';
import { resolveEngine } from '../plan/requirements.ts';
import type { TierConfiguration } from './configurations.ts';

/** Parameters, and the address space by which the tier took its form before they were applied. */
export type PoolOverrides = Readonly<{
  parameters: PoolParameters;
  room: Pick<Facts, 'addressSpaceLimit' | 'addressBits'>;
}>;

/** Null where the tier that was reached is what it is by itself; V8 has no parameters. */
export function overridesOf(
  settings: Settings,
  { tier }: TierConfiguration,
  facts: PoolOverrides['room'],
): PoolOverrides | null {
  const choice = resolveChoice(settings.allocator, settings.env);
  const parameters = parametersFor(tier, choice, parametersOf(settings));
  if (resolveEngine(settings.engine).kind === 'v8' || Object.keys(parameters).length === 0) return null;
  const { addressSpaceLimit, addressBits } = facts;
  return { parameters, room: { addressSpaceLimit, addressBits } };
}
