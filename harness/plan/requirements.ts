/** The images that the cells of a plan need. */
import { architectureOf, defaultArchitecture } from '../../images/architectures.ts';
import { engines as pinnedEngines, hasNode, type ImageRequest } from '../../images/definitions.ts';
import type { EngineKind } from '../../images/allocator/tier.ts';
import type { Settings } from '../axes/table.ts';
import type { Cell } from '../matrix/cell.ts';

/** An engine as a cell names it, resolved: `wasmtime` means the newest pinned version. */
export type ResolvedEngine = Readonly<{
  kind: EngineKind;
  /** Version of libwasmtime; null for v8. */
  version: string | null;
}>;

export function resolveEngine(engine: string): ResolvedEngine {
  if (engine === 'v8') return { kind: 'v8', version: null };
  const [, version] = engine.split('@');
  return { kind: 'wasmtime', version: version ?? pinnedEngines[0] };
}

/** Name of the images of a kernel: the kernel, with its architecture before it where that is not the default. */
export const imagesOf = ({ kernel, arch }: Pick<Settings, 'kernel' | 'arch'>): string =>
  arch === defaultArchitecture.name ? kernel : `${arch}/${kernel}`;

/**
 * One image request per kernel and architecture, by {@link imagesOf}, with every Node line and engine its cells use:
 * cells that differ only in these then share one machine, and one boot.
 */
export function collectRequirements(
  cells: Iterable<Pick<Cell, 'settings' | 'kernelFile'>>,
): ReadonlyMap<string, ImageRequest> {
  type Entry = Pick<Settings, 'kernel' | 'arch'> & { nodes: Set<string>; engines: Set<string> };
  const byName = new Map<string, Entry>();
  for (const { settings, kernelFile } of cells) {
    const { arch, kernel } = settings;
    const name = imagesOf(settings);
    const entry = byName.get(name) ?? {
      kernel: kernelFile ?? kernel,
      arch,
      nodes: new Set(),
      engines: new Set(),
    };
    byName.set(name, entry);
    // What there is no build of is skipped: applicable.ts.
    const architecture = architectureOf(arch);
    if (hasNode(settings.node, architecture)) entry.nodes.add(settings.node);
    const { version } = resolveEngine(settings.engine);
    if (version !== null && architecture.wheel !== null) entry.engines.add(version);
  }
  return new Map(
    [...byName].map(([name, { kernel, arch, nodes, engines }]) => [
      name,
      {
        ...(arch !== defaultArchitecture.name && { architecture: arch }),
        kernel,
        nodes: [...nodes].sort(),
        engines: [...engines].sort(),
      },
    ]),
  );
}
