/** What runs inside a guest: the wasm host, or a foreign subject. */
import { posix } from 'node:path';
import { formatParameters } from '../../images/allocator/pool-parameters.ts';
import { enginePath, hostFolder, nodePath } from '../../images/definitions.ts';
import type { Until } from '../../images/guest/protocol.ts';
import type { Settings } from '../axes/table.ts';
import type { Ready, Subject } from '../matrix/subject.ts';
import type { Deadlines } from '../plan/deadlines.ts';
import { parametersOf } from '../axes/guest-settings.ts';
import { resolveEngine } from '../plan/requirements.ts';
import { listWords } from '../plan/subject-host.ts';

export type GuestCommand = Readonly<{
  command: readonly string[];
  env: Readonly<Record<string, string>>;
  /** The harness ends it after so many milliseconds in which the guest could run. */
  deadlineMs: number;
  /** It is ended when it is up. */
  until?: Until;
}>;

/** A module that the wasm host serves at this port of 127.0.0.1. */
export type ServedModule = Readonly<{ file: string; port: number }>;

/** Command line and environment of the wasm host for a cell. @param served null: it proves its tier and ends */
export function buildHostCommand(
  settings: Settings,
  deadlines: Deadlines,
  served: ServedModule | null = null,
): GuestCommand {
  const engine = resolveEngine(settings.engine);
  const parameters = formatParameters(parametersOf(settings));
  return {
    command: [
      '/bin/sh',
      `${hostFolder}/wasm-host.sh`,
      // The proof is what a cell asks for; serving afterwards would only hold the machine.
      ...(served === null ? ['--once'] : ['--serve', `127.0.0.1:${served.port}`, '--module', served.file]),
      ...['--node', nodePath(settings.node)],
      ...['--engine', engine.version === null ? engine.kind : `${engine.kind}@${engine.version}`],
      ...(engine.version === null ? [] : ['--library', enginePath(engine.version)]),
      ...['--profile', settings.profile],
      ...(parameters === '' ? [] : ['--parameters', parameters]),
      ...['--deadline', String(Math.ceil(deadlines.attemptMs / 1000))],
    ],
    env: {
      PATH: '/bin',
      HOME: '/tmp',
      TMPDIR: '/tmp',
      ...(settings.allocator === 'auto' ? {} : { SPIN_ALLOCATOR: settings.allocator }),
      ...settings.env,
    },
    deadlineMs: deadlines.subjectMs,
  };
}

/**
 * Command line and environment of a foreign subject. Its words go as they are: nothing of them is read by a shell.
 * @param folder where its files are in the guest; null without any
 */
export function buildForeignCommand(
  definition: Subject,
  settings: Settings,
  folder: string | null,
  deadlines: Deadlines,
): GuestCommand {
  const { version } = resolveEngine(settings.engine);
  const node = nodePath(settings.node);
  const paths: Readonly<Record<string, string>> = {
    '{node}': node,
    '{files}': folder ?? '/',
    '{engine}': version === null ? '' : enginePath(version),
  };
  const words = listWords(definition, settings).map((word) =>
    word.replace(/\{(?:node|files|engine)\}/g, (name) => paths[name] ?? name),
  );
  const { ready, timeoutMs } = definition;
  return {
    // The shell only changes the folder and becomes the program.
    command: ['/bin/sh', '-c', 'cd "$0" && exec "$@"', folder ?? '/', ...words],
    env: {
      PATH: [...(folder === null ? [] : [folder, `${folder}/bin`]), posix.dirname(node), '/bin'].join(':'),
      HOME: '/tmp',
      TMPDIR: '/tmp',
      ...settings.env,
    },
    deadlineMs: timeoutMs ?? deadlines.subjectMs,
    ...(ready.kind !== 'exit' && { until: untilOf(ready) }),
  };
}

export function untilOf(ready: Exclude<Ready, { kind: 'exit' }>): Until {
  switch (ready.kind) {
    case 'line':
      return { kind: 'line', pattern: ready.extended };
    case 'port':
      return { kind: 'port', port: ready.port };
    case 'http':
      return {
        kind: 'http',
        port: ready.port,
        path: ready.path,
        status: ready.status,
        answers: ready.answers,
      };
  }
}

/** Reads a Node into the page cache, for cells whose subject is no wasm host. */
export function buildNodeWarmUp(node: string, deadlines: Deadlines): GuestCommand {
  return {
    command: [nodePath(node), '-e', '0'],
    env: { PATH: '/bin', HOME: '/tmp', TMPDIR: '/tmp' },
    deadlineMs: deadlines.attemptMs,
  };
}
