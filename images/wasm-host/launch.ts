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
  /** Address and port to serve `module` at: `127.0.0.1:8080`. */
  serve?: string | undefined;
  /** A core module or a WASI command. */
  module?: string | undefined;
  /** Limits of the server: `threads=2,queue=64`. */
  limits?: string | undefined;
}>;

export type HostCommand = Readonly<{ command: string; args: readonly string[] }>;

const valuedOptions = [
  'engine',
  'library',
  'profile',
  'parameters',
  'node',
  'deadline',
  'serve',
  'module',
  'limits',
] as const;

/** The launcher in this folder, run by the machine's own shell. */
export function hostCommand(options: HostOptions): HostCommand {
  const valued = valuedOptions.flatMap((name) => {
    const value = options[name];
    return value === undefined ? [] : [`--${name}`, value];
  });
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
