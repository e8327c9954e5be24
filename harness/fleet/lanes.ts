/** Lanes of a run: cells that need the same images, and a queue for each. Pure. */
import type { Cell } from '../matrix/cell.ts';
import type { Prepared } from '../run/prepare.ts';
import type { Lane } from './messages.ts';

/** `poolproof-20261123T230311Z-a1b2c3-bookworm-1f2e3d4c`: what a person reads in a dashboard. */
export const queueName = (run: string, kernel: string, digest: string): string =>
  `poolproof-${run}-${kernel.replace(/[^A-Za-z0-9_.-]+/g, '-').slice(0, 40)}-${digest.replace(/^sha256:/, '').slice(0, 8)}`;

/** A cell for each combination of Node, engine and subject, by kernel: their images are those of all cells. */
export function collectSamples(cells: Iterable<Cell>): ReadonlyMap<string, readonly Cell[]> {
  const seen = new Set<string>();
  const samples = new Map<string, Cell[]>();
  for (const cell of cells) {
    const { kernel, node, engine } = cell.settings;
    const key = JSON.stringify([kernel, node, engine, cell.subject?.name]);
    if (seen.has(key)) continue;
    seen.add(key);
    const ofKernel = samples.get(kernel);
    if (ofKernel === undefined) samples.set(kernel, [cell]);
    else ofKernel.push(cell);
  }
  return samples;
}

export function buildLanes(
  run: string,
  { images }: Pick<Prepared, 'images'>,
  samples: ReadonlyMap<string, readonly Cell[]>,
): readonly Lane[] {
  return [...images].flatMap(([kernel, { digest }]) => {
    const cells = samples.get(kernel);
    if (cells === undefined) return [];
    return [{ queue: queueName(run, kernel, digest), kernel, digest, samples: [...cells] }];
  });
}

/** What decides whether a machine may run cells of a run, beside its images. */
export type Offer = Readonly<{ tool: string; qemu: string; accelerator: string }>;

const demands = [
  { what: 'poolproof', of: ({ tool }: Offer) => tool },
  { what: 'QEMU', of: ({ qemu }: Offer) => qemu },
  { what: 'the accelerator', of: ({ accelerator }: Offer) => accelerator },
] as const;

/** Why a machine cannot take jobs of a run; null when it can. One record must be true of all cells of a run. */
export function findUnfit(call: Offer, own: Offer): string | null {
  const differing = demands.find(({ of }) => of(call) !== of(own));
  if (differing === undefined) return null;
  const { what, of } = differing;
  return `it has ${what} ${of(own)}, the run ${of(call)}`;
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
