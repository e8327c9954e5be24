/** Decides whether a cell applies to its guest's images, or is `skipped`. */
import { parseVersion } from '../../images/allocator/engines.ts';
import { architectureOf } from '../../images/architectures.ts';
import { findKernelRow, hasNode, nodesOf } from '../../images/definitions.ts';
import type { BuiltImages } from '../../images/build.ts';
import type { Settings } from '../axes/table.ts';
import { hostSubject } from '../axes/host.ts';
import type { Subject } from '../matrix/subject.ts';
import { findRefusedOptions } from './subject-host.ts';

/** The worker is built for it, and koffi needs it. */
const oldestHostNode = 18;

/** First kernel with PR_SET_MDWE. */
const mdweSince = [6, 3] as const;

/** What a cell is asked of. */
type Guest = Readonly<{
  /** Release of its kernel; null where it is not known yet. */
  release: string | null;
  /** Whole versions of release lines of Node. */
  nodes: BuiltImages['nodes'];
}>;

/** Why a cell does not apply, as a sentence; null when it does. */
export const findInapplicable = (
  settings: Settings,
  { kernel, nodes }: Pick<BuiltImages, 'kernel' | 'nodes'>,
  definition: Subject | null = null,
): string | null => find(settings, { release: kernel.release, nodes }, definition);

/** The same before there are images: the kernel's row knows its series, a file's release is in the file. */
export const foreseeInapplicable = (settings: Settings, definition: Subject | null = null): string | null =>
  find(settings, { release: findKernelRow(settings.kernel)?.series ?? null, nodes: {} }, definition);

function find(settings: Settings, { release, nodes }: Guest, definition: Subject | null): string | null {
  const refused = definition === null ? null : findRefusedOptions(definition, settings);
  if (refused !== null) return refused;
  const { node, mdwe, subject, arch, engine } = settings;
  const architecture = architectureOf(arch);
  if (!hasNode(node, architecture))
    return `there is no Node ${node} for ${arch}: Debian has ${nodesOf(architecture).join(', ')}`;
  if (subject === hostSubject && architecture.wheel === null && engine !== 'v8')
    return `there is no build of libwasmtime for ${arch}: name the engine v8`;
  const version = nodes[node] ?? node;
  if (subject === hostSubject && parseVersion(version)[0] < oldestHostNode) {
    return `the wasm host runs on Node ${oldestHostNode} and later, not on ${version}: name another subject`;
  }
  if (release === null || mdwe !== 'prctl') return null;
  const [major, minor] = parseVersion(release);
  const [sinceMajor, sinceMinor] = mdweSince;
  return major < sinceMajor || (major === sinceMajor && minor < sinceMinor)
    ? `PR_SET_MDWE came with Linux ${mdweSince.join('.')}, the guest has ${release}: mdwe=seccomp forbids the same`
    : null;
}
