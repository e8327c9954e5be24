/** A subject that is a real host of the model's table: its version, and its command line for a cell. */
import { AllocatorError } from '../../images/allocator/allocator-error.ts';
import { hosts, type HostName, type HostRow, type Program } from '../../images/allocator/hosts.ts';
import { parametersOf } from '../axes/guest-settings.ts';
import type { Settings } from '../axes/table.ts';
import { optionsWord, packagePattern, type Subject } from '../matrix/subject.ts';
import { estimateFacts } from './estimate-facts.ts';

/** Its version as its package has it; the newest that is known for a program without one. */
export function versionOfHost(host: HostName, { files }: Pick<Subject, 'files'>): string {
  const row: HostRow = hosts[host];
  for (const { from } of files) {
    const [, , name = '', version] = packagePattern.exec(from) ?? [];
    if (version !== undefined && row.packages.includes(name)) return version;
  }
  return row.newest;
}

/**
 * The words of `run`, with the options of the cell's pool where they belong. Paths in the guest are not filled in.
 * @throws AllocatorError for a variable that the host would refuse
 */
export function listWords(subject: Subject, settings: Settings): readonly string[] {
  const { host, run } = subject;
  if (host === undefined || !run.includes(optionsWord)) return run;
  const row: HostRow = hosts[host];
  const { allocator: choice, env } = settings;
  const request = { choice, env, parameters: parametersOf(settings), facts: estimateFacts(settings) };
  const options = row.options(request, versionOfHost(host, subject));
  return run.flatMap((word) => (word === optionsWord ? options : [word]));
}

/** Why no option list can be made of a cell's variables, as a sentence; null where it can. */
export function findRefusedOptions(subject: Subject, settings: Settings): string | null {
  try {
    listWords(subject, settings);
    return null;
  } catch (error) {
    if (error instanceof AllocatorError) return `no options of ${subject.name} say this: ${error.message}`;
    throw error;
  }
}

/** How the host is started in a cell; null for a subject that is none of the table. Throws AllocatorError. */
export function resolveProgram(
  subject: Subject,
  settings: Settings,
): (Program & Readonly<{ host: HostName }>) | null {
  const { host } = subject;
  if (host === undefined) return null;
  return {
    host,
    version: versionOfHost(host, subject),
    words: listWords(subject, settings),
    env: settings.env,
  };
}
