/** The disks that a machine needs. Most runs attach all; a run with many Nodes and subjects would run out of slots. */
import type { BuiltDisk, BuiltImages } from '../../images/build.ts';
import { engineDisk, mountPoint, nodeDisk } from '../../images/definitions.ts';
import type { Settings } from '../axes/table.ts';
import type { BootGroup } from './order.ts';
import { resolveEngine } from './requirements.ts';

/** The q35 bus has 32 slots, of which QEMU and the other devices take nine. */
export const maxDisks = 20;

/** Names of the disks that belong to one Node, engine or subject. */
function choose(settings: Settings, { subjects = {} }: Pick<BuiltImages, 'subjects'>): readonly string[] {
  const { version } = resolveEngine(settings.engine);
  const folder = subjects[settings.subject];
  return [
    nodeDisk(settings.node),
    ...(version === null ? [] : [engineDisk(version)]),
    ...(folder === undefined ? [] : [folder.slice(mountPoint('').length)]),
  ];
}

const isChosen = ({ name }: BuiltDisk): boolean => /^(?:node|wasmtime|subject)-/.test(name);

/**
 * The same cells in groups whose machines have room for their disks, each with its images. One group, with every
 * disk, wherever there is room: machines that are alike share a boot and a template.
 */
export function fitDisks(
  group: BootGroup,
  images: BuiltImages,
  limit = maxDisks,
): readonly Readonly<{ group: BootGroup; images: BuiltImages }>[] {
  if (images.disks.length <= limit) return [{ group, images }];
  const common = images.disks.filter((disk) => !isChosen(disk)).length;
  const parts: { settings: Settings; cells: BootGroup['cells'][number][]; disks: Set<string> }[] = [];
  for (const cell of group.cells) {
    const wanted = choose(cell.settings, images);
    const room = parts.find(({ disks }) => common + new Set([...disks, ...wanted]).size <= limit);
    const part = room ?? { settings: cell.settings, cells: [], disks: new Set<string>() };
    if (room === undefined) parts.push(part);
    part.cells.push(cell);
    for (const name of wanted) part.disks.add(name);
  }
  return parts.map(({ settings, cells, disks }) => ({
    group: { ...group, settings, cells },
    images: { ...images, disks: images.disks.filter((disk) => !isChosen(disk) || disks.has(disk.name)) },
  }));
}
