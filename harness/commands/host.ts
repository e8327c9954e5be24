/** `poolproof host`: the wasm host on this very machine. */
import { existsSync } from 'node:fs';
import { execa } from 'execa';
import { findEngineLibrary } from '../../images/package-files.ts';
import { engines } from '../../images/definitions.ts';
import { hostCommand } from '../../images/wasm-host/launch.ts';
import { axes } from '../axes/table.ts';
import { PoolproofError } from '../errors.ts';
import { readValue } from '../matrix/cell-id.ts';
import { resolveEngine } from '../plan/requirements.ts';
import { cacheOption, notifyOf, type Context } from './context.ts';

/** Words of the launcher, but for `library` and `cache`; whole texts as they are given. */
type Options = Readonly<{
  engine: string;
  library?: string | undefined;
  profile: string;
  node?: string | undefined;
  /** Seconds per attempt at a tier. */
  deadline: string;
  once?: boolean | undefined;
  /** Address and port to serve the module at. */
  serve?: string | undefined;
  limits?: string | undefined;
  cache?: string | undefined;
}>;

export async function host(
  context: Context,
  [module]: readonly (string | undefined)[],
  { engine: requested, library, node = process.execPath, once = false, cache, ...words }: Options,
): Promise<number> {
  const engine = resolveEngine(readValue(axes.engine, requested));
  const given = library ?? process.env['POOLPROOF_LIBWASMTIME'];
  if (given !== undefined && engine.version !== null && !existsSync(given))
    throw new PoolproofError('USAGE', '--library: there is no such file', { file: given });
  if ((words.serve === undefined) !== (module === undefined))
    throw new PoolproofError(
      'USAGE',
      'a module is served at an address: poolproof host --serve 127.0.0.1:8080 app.wasm',
    );
  if (module !== undefined && !existsSync(module))
    throw new PoolproofError('USAGE', 'there is no such module', { file: module });
  const { onImageEvent } = notifyOf(context);
  const { command, args } = hostCommand({
    ...words,
    module,
    // A library of the user's own says its version itself.
    engine: engine.version === null || given !== undefined ? requested : `${engine.kind}@${engine.version}`,
    library:
      engine.version === null
        ? undefined
        : (given ?? (await findEngineLibrary(engine.version, cacheOption({ cache }), onImageEvent))),
    node,
    once,
    // A library fetched by its version is that version, even if its digest is unknown.
    digest: engine.version !== null && (given !== undefined || engines.includes(engine.version)),
  });
  context.finishOnSignal();
  // On SIGTERM the launcher ends its worker itself.
  const result = await execa(command, [...args], {
    stdio: 'inherit',
    // The host ends itself when this process is gone, however it went.
    env: { POOLPROOF_OWNER: String(process.pid) },
    reject: false,
    cancelSignal: context.signal,
    killSignal: 'SIGTERM',
  });
  return result.exitCode ?? 130;
}
