/** Our wasm host as a server that is measured. */
import path from 'node:path';
import type { Tier } from '../../images/allocator/tier.ts';
import { project } from '../../images/paths.ts';
import { hostCommand } from '../../images/wasm-host/launch.ts';
import type { ServerCommand } from './serving-server.ts';

export type HostServer = Readonly<{
  tier: Tier;
  /** Of libwasmtime; null: Node's own engine. */
  library: string | null;
  /** File of a core module. */
  module: string;
  /** As `--limits` takes them. @default none */
  limits?: string;
}>;

/** Modules of our own that it can serve: `hello.wasm`, compiled by the build. */
export const hostModules = path.join(project.compiledFolder, 'wasm-host');

/** The tier is requested by name, and the version is found by the digest of the library. */
export function serveByHost({ tier, library, module, limits }: HostServer): ServerCommand {
  const { command, args } = hostCommand({
    engine: library === null ? 'v8' : 'wasmtime',
    library: library ?? undefined,
    node: process.execPath,
    serve: '127.0.0.1:0',
    digest: library !== null,
    module,
    limits,
  });
  return {
    command,
    // The launcher of the build, also where the sources run as they are.
    args: args.with(0, path.join(hostModules, 'wasm-host.sh')),
    variables: { SPIN_ALLOCATOR: tier },
    child: 'start-worker',
  };
}
