/** The parameters of a cell's tier, as the wasm host takes them. */
import { poolParameters, type PoolParameters } from '../../images/allocator/pool-parameters.ts';
import type { Settings } from '../axes/table.ts';

export function parametersOf(settings: Settings): PoolParameters {
  return Object.fromEntries(
    poolParameters.flatMap((name) => (settings[name] === null ? [] : [[name, settings[name]]])),
  );
}
