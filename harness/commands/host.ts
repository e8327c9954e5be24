/** `poolproof host`: the wasm host on this very machine. */
import { execa } from 'execa';
import { findEngineLibrary } from '../../images/engine-library.ts';
import { engines } from '../../images/definitions.ts';
import { hostCommand } from '../../images/wasm-host/launch.ts';
import { resolveEngine } from '../plan/requirements.ts';
import { cacheOption, textOption, type Context } from './context.ts';
import { renderImageEvent } from './image-notices.ts';

export async function host(
  context: Context,
  _args: readonly string[],
  options: Readonly<Record<string, unknown>>,
): Promise<number> {
  const asked = textOption(options, 'engine') ?? 'wasmtime';
  const engine = resolveEngine(asked);
  const given = textOption(options, 'library') ?? process.env['POOLPROOF_LIBWASMTIME'];
  const library =
    engine.version === null
      ? undefined
      : (given ??
        (await findEngineLibrary(engine.version, cacheOption(options), (event) =>
          context.err(renderImageEvent(event)),
        )));
  const { command, args } = hostCommand({
    // A library of the user's own says its version itself.
    engine: engine.version === null || given !== undefined ? asked : `${engine.kind}@${engine.version}`,
    library,
    profile: textOption(options, 'profile'),
    node: textOption(options, 'node') ?? process.execPath,
    deadline: textOption(options, 'deadline'),
    once: options['once'] === true,
    // What was fetched by its version is that version, also where its digest is not known.
    digest: engine.version !== null && (given !== undefined || engines.includes(engine.version)),
  });
  context.finishOnSignal();
  // The launcher ends its worker itself when it is told to stop.
  const result = await execa(command, [...args], {
    stdio: 'inherit',
    reject: false,
    cancelSignal: context.signal,
    killSignal: 'SIGTERM',
  });
  return result.exitCode ?? 130;
}
