/** The images that the cells of a plan need. */
import { engines as pinnedEngines, type ImageRequest } from '../../images/definitions.ts';
import type { EngineKind } from '../../images/allocator/tier.ts';
import type { Settings } from '../axes/table.ts';

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

/**
 * One image request a kernel, with every Node line and engine its cells use: cells that differ only in these
 * then share one machine, and one boot.
 */
export function collectRequirements(
  cells: Iterable<Readonly<{ settings: Settings }>>,
): ReadonlyMap<string, ImageRequest> {
  const byKernel = new Map<string, { nodes: Set<string>; engines: Set<string> }>();
  for (const { settings } of cells) {
    const entry = byKernel.get(settings.kernel) ?? { nodes: new Set(), engines: new Set() };
    byKernel.set(settings.kernel, entry);
    entry.nodes.add(settings.node);
    const { version } = resolveEngine(settings.engine);
    if (version !== null) entry.engines.add(version);
  }
  return new Map(
    [...byKernel].map(([kernel, { nodes, engines }]) => [
      kernel,
      { kernel, nodes: [...nodes].sort(), engines: [...engines].sort() },
    ]),
  );
}
