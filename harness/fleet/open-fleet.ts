/** A fleet for a run: what `poolproof run --fleet` puts in the place of this computer. */
import type { RunOptions } from '../run/context.ts';
import { openLocalRunner } from '../run/run.ts';
import { readToolVersion } from '../run/tool-version.ts';
import { loadExperience } from '../store/experience-file.ts';
import { publishImages } from './archive-store.ts';
import { loadPeers, openLink, parseAddress } from './connect.ts';
import { FleetRunner } from './fleet-runner.ts';
import { collectSamples } from './lanes.ts';
import { defaultTiming, type Timing } from './timing.ts';

export type FleetOptions = Readonly<{
  /** Puts the images into Redis, for workers that lack them. @default false */
  publishImages?: boolean;
  timing?: Timing;
}>;

/**
 * @param address of Redis, see {@link parseAddress}
 * @returns what `RunOptions.openRunner` takes
 * @throws PoolproofError USAGE, FLEET_NOT_INSTALLED; when the run begins FLEET_UNREACHABLE, FLEET_REFUSED
 */
export function openFleet(
  address: string,
  { publishImages: isPublishing = false, timing = defaultTiming }: FleetOptions = {},
): NonNullable<RunOptions['openRunner']> {
  parseAddress(address);
  // Said before images are built, not after.
  loadPeers();
  return async (prepared, options, uncut) => {
    const onNotice = options.onNotice ?? (() => undefined);
    const link = await openLink({ address, onNotice });
    const samples = collectSamples(uncut.cells());
    return new FleetRunner({
      link,
      prepared,
      tool: await readToolVersion(),
      title: uncut.title,
      samples,
      ...(isPublishing && {
        publishImages: (redis, run) => publishImages({ ...options, redis, run, samples, onNotice }),
      }),
      durations: (await loadExperience(options.cacheDir)).durations,
      timing,
      openLocal: () => openLocalRunner(prepared, options),
    });
  };
}
