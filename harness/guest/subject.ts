/** The default subject: the wasm host, as it is started inside a guest. */
import { formatParameters } from '../../images/allocator/pool-parameters.ts';
import { enginePath, hostFolder, nodePath } from '../../images/definitions.ts';
import type { Settings } from '../matrix/cell.ts';
import type { Deadlines } from '../plan/deadlines.ts';
import { parametersOf } from '../plan/parameters.ts';
import { resolveEngine } from '../plan/requirements.ts';

export type Subject = Readonly<{
  command: readonly string[];
  env: Readonly<Record<string, string>>;
  /** Seconds the session allows before it ends the subject. */
  deadlineSeconds: number;
}>;

/** Command line and environment of the wasm host for a cell. */
export function buildSubject(settings: Settings, deadlines: Deadlines): Subject {
  const engine = resolveEngine(settings.engine);
  const parameters = formatParameters(parametersOf(settings));
  return {
    command: [
      '/bin/sh',
      `${hostFolder}/wasm-host.sh`,
      // The proof is what a cell asks for; serving afterwards would only hold the machine.
      '--once',
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
    deadlineSeconds: Math.ceil(deadlines.subjectMs / 1000),
  };
}
