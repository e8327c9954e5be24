/** A fleet for a run: what `poolproof run --fleet` puts in the place of this computer. */
import type { RunOptions } from '../run/context.ts';
import { openLocalRunner } from '../run/run.ts';
import { readToolVersion } from '../run/tool-version.ts';
import { loadExperience } from '../store/experience-file.ts';
import { loadPeers, openLink, parseAddress } from './connect.ts';
import { FleetRunner } from './fleet-runner.ts';
import { collectSamples } from './lanes.ts';
import { defaultTiming, type Timing } from './timing.ts';

/**
 * @param address of Redis, see {@link parseAddress}
 * @returns what `RunOptions.openRunner` takes
 * @throws PoolproofError USAGE, FLEET_NOT_INSTALLED; when the run begins FLEET_UNREACHABLE, FLEET_REFUSED
 */
export async function openFleet(
  address: string,
  timing: Timing = defaultTiming,
): Promise<NonNullable<RunOptions['openRunner']>> {
  parseAddress(address);
  // Said before images are built, not after.
  await loadPeers();
  return async (prepared, options, uncut) => {
    const onNotice = options.onNotice ?? (() => undefined);
    const link = await openLink({ address, onNotice });
    return new FleetRunner({
      link,
      prepared,
      tool: await readToolVersion(),
      title: uncut.title,
      samples: collectSamples(uncut.cells()),
      durations: (await loadExperience(options.cacheDir)).durations,
      timing,
      openLocal: () => openLocalRunner(prepared, options),
    });
  };
}
