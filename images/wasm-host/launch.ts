/** The command line of the wasm host, for the code that starts it. */
import { fileURLToPath } from 'node:url';

/** Named as the launcher's own options. */
export type HostOptions = Readonly<{
  /** `wasmtime`, `wasmtime@50.0.1` or `v8`. @default 'wasmtime' */
  engine?: string | undefined;
  /** Path of libwasmtime. @default POOLPROOF_LIBWASMTIME of the environment */
  library?: string | undefined;
  /** @default 'spin' */
  profile?: string | undefined;
  /** Node to run the workers with. @default `node` of the PATH */
  node?: string | undefined;
  /** Changes to the requested tier: `memories=100,guard=65536`; sizes in bytes. */
  parameters?: string | undefined;
  /** Seconds per attempt. @default 60 */
  deadline?: string | undefined;
  /** Prove, log and exit instead of serving. */
  once?: boolean | undefined;
  /** Log the library's sha256 in addition to its version. @default false */
  digest?: boolean | undefined;
}>;

export type HostCommand = Readonly<{ command: string; args: readonly string[] }>;

/** The launcher in this folder, run by the machine's own shell. */
export function hostCommand(options: HostOptions): HostCommand {
  const valued = (['engine', 'library', 'profile', 'parameters', 'node', 'deadline'] as const).flatMap(
    (name) => {
      const value = options[name];
      return value === undefined ? [] : [`--${name}`, value];
    },
  );
  return {
    command: '/bin/sh',
    args: [
      fileURLToPath(new URL('wasm-host.sh', import.meta.url)),
      ...valued,
      ...(options.once === true ? ['--once'] : []),
      ...(options.digest === true ? ['--digest'] : []),
    ],
  };
}
