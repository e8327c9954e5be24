/** Boot plans: which cells share a boot, and of which images, as plain data. Pure. */
import type { BuiltImages } from '../../images/build.ts';
import type { Cell } from '../matrix/cell.ts';
import { fitDisks } from '../plan/disks.ts';
import { groupByBoot } from '../plan/order.ts';
import { imagesOf } from '../plan/requirements.ts';

/** Plain data, the same after a way through JSON: another computer can run it. */
export type BootPlan = Readonly<{
  /** They differ in nothing that a boot depends on. At least one. */
  cells: readonly Cell[];
  images: PlannedImages;
  /** Each cell boots: as requested, or because repetitions are evidence only on boots of their own. */
  cold: boolean;
}>;

/** Images as a runner finds them among its own. */
export type PlannedImages = Readonly<{
  /** Value of the axis `kernel`, behind the architecture where that is not x86-64: `imagesOf` the settings. */
  kernel: string;
  /** Of all images of that kernel in this run: cells are run on no others. */
  digest: string;
  /** Names of the disks that the machine has. */
  disks: readonly string[];
}>;

/**
 * @param images by `imagesOf` settings
 * @returns plans in the order in which their first cells appear
 */
export function planBoots(
  cells: Iterable<Cell>,
  images: ReadonlyMap<string, BuiltImages>,
  cold: boolean,
): readonly BootPlan[] {
  return groupByBoot(cells).flatMap((whole) => {
    const kernel = imagesOf(whole.settings);
    const built = images.get(kernel);
    if (built === undefined) throw new RangeError('a group without images');
    return fitDisks(whole, built).map(({ group, images: { digest, disks } }) => ({
      cells: group.cells,
      images: { kernel, digest, disks: disks.map(({ name }) => name) },
      cold,
    }));
  });
}
