/** Lanes of a run: cells that need the same images, and a queue for each. Pure. */
import type { Cell } from '../matrix/cell.ts';
import { imagesOf } from '../plan/requirements.ts';
import { emulatorOf, type Prepared } from '../run/prepare.ts';
import type { Archive, Lane } from './messages.ts';

/** `poolproof-20261123T230311Z-a1b2c3-bookworm-1f2e3d4c`: what a person reads in a dashboard. */
export const queueName = (run: string, kernel: string, digest: string): string =>
  `poolproof-${run}-${kernel.replace(/[^A-Za-z0-9_.-]+/g, '-').slice(0, 40)}-${digest.replace(/^sha256:/, '').slice(0, 8)}`;

/** A cell per combination of Node, engine and subject, by {@link imagesOf}: their images are those of all cells. */
export function collectSamples(cells: Iterable<Cell>): ReadonlyMap<string, readonly Cell[]> {
  const seen = new Set<string>();
  const samples = new Map<string, Cell[]>();
  for (const cell of cells) {
    const { node, engine } = cell.settings;
    const name = imagesOf(cell.settings);
    const key = JSON.stringify([name, node, engine, cell.subject?.name]);
    if (seen.has(key)) continue;
    seen.add(key);
    const ofKernel = samples.get(name);
    if (ofKernel === undefined) samples.set(name, [cell]);
    else ofKernel.push(cell);
  }
  return samples;
}

export function buildLanes(
  run: string,
  prepared: Prepared,
  samples: ReadonlyMap<string, readonly Cell[]>,
  archives: ReadonlyMap<string, Archive> = new Map(),
): readonly Lane[] {
  return [...prepared.images].flatMap(([kernel, { digest, withoutSubjects = digest }]) => {
    const cells = samples.get(kernel) ?? [];
    const [first] = cells;
    if (first === undefined) return [];
    // Each architecture has a QEMU of its own, and KVM at most one of them.
    const { qemu, accelerator } = emulatorOf(prepared, first.settings);
    const emulator = { qemu: qemu.version, accelerator: accelerator.accelerator };
    const archive = archives.get(kernel);
    return [
      {
        queue: queueName(run, kernel, digest),
        ...{ kernel, digest, withoutSubjects, ...emulator },
        samples: [...cells],
        ...(archive !== undefined && { archive }),
      },
    ];
  });
}

/** What decides whether a machine may run cells of a run, beside its images. */
export type Offer = Readonly<{ tool: string; qemu: string; accelerator: string }>;

const demands = [
  { what: 'poolproof', of: ({ tool }: Offer) => tool },
  { what: 'QEMU', of: ({ qemu }: Offer) => qemu },
  { what: 'the accelerator', of: ({ accelerator }: Offer) => accelerator },
] as const;

/** Why a machine cannot take jobs of a lane; null when it can. One record must be true of all cells of a run. */
export function findUnfit(wanted: Offer, own: Offer): string | null {
  const differing = demands.find(({ of }) => of(wanted) !== of(own));
  if (differing === undefined) return null;
  const { what, of } = differing;
  return `this worker has ${what} ${of(own)}, the run ${of(wanted)}`;
}

/** Why a machine that made its images ready cannot take jobs of a lane; null when it can. */
export function findOtherImages({ kernel, digest }: Lane, prepared: Pick<Prepared, 'images'>): string | null {
  const own = prepared.images.get(kernel)?.digest;
  if (own === digest) return null;
  return `its images of ${kernel} are ${own ?? 'missing'}, those of the run ${digest}`;
}

/**
 * A file of a foreign subject that a worker does not take by itself; null where there is none. A path means a file of
 * the worker's own, and a package without a checksum whatever its registry has.
 */
export function findForeignFile({ samples }: Pick<Lane, 'samples'>): string | null {
  const files = samples.flatMap(({ subject }) => subject?.files ?? []);
  const open = files.find(({ from, sha256 }) => sha256 === undefined || !/^(?:npm|pip):/.test(from));
  return open?.from ?? null;
}
