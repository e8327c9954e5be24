/** Rules for the process: its runtime, and what surrounds it. */
import { architectureOf } from '../../images/architectures.ts';
import { lockNames, lockNamesOf, withoutRevision } from '../../images/definitions.ts';
import { axes } from '../axes/table.ts';
import type { Settings } from '../axes/table.ts';
import { startsGuarded } from '../../images/allocator/v8-rules.ts';
import { factOf } from './captured-rules.ts';
import { hostSubject } from '../axes/host.ts';
import { oldestEngine } from '../axes/version-kinds.ts';
import { findRuntime, saysVersion, versionOf } from './runtime.ts';
import { describeAct, symptomOfReport } from './symptom.ts';
import { boundsThreads } from './thread-rules.ts';
import { axisOf, say, type FactMapping, type FieldImages, type Rule } from './mapping.ts';
import type { FieldReport } from './report.ts';

/** The engine's own release, or what stands for it and why. */
function engineFor(
  version: string | null,
  { engines, substitutes }: FieldImages,
): Readonly<{ engine: string; why: string | null }> {
  const newest = `libwasmtime ${engines[0] ?? ''}, the newest that is pinned, stands for it`;
  if (version === null) return { engine: 'wasmtime', why: newest };
  const nearest = substitutes?.get(version);
  const found = axes.engine.schema.safeParse(`wasmtime@${nearest ?? version}`);
  if (!found.success)
    return {
      engine: 'wasmtime',
      why: `${newest}: of ${version} the pools cannot be configured, which ${oldestEngine} was the first to offer`,
    };
  const why =
    nearest === undefined ? null : `libwasmtime ${version} was never published, ${nearest} is the nearest`;
  return { engine: found.data, why };
}

/** Another program with the engine in it: its pool sizes are derived from the numbers of the failure. */
const embedded = (name: string | null): string =>
  `the wasm host with Wasmtime's own pool sizes stands for ${name ?? 'a program that the report does not name'}`;

/** A program that runs as itself, in the release of the report where that is pinned. */
function mapWhole(report: FieldReport, so: Settings): ReturnType<Rule> {
  const { name, subject = hostSubject } = findRuntime(report);
  const version = name === 'deno' ? versionOf(report.programs.deno) : null;
  const names = [subject, ...(version === null ? [] : [`${subject}@${version}`])];
  const exact = names.find((one) => version !== null && saysVersion(one, version));
  const set = { subject: exact ?? subject };
  const why = exact === undefined ? 'the pinned release stands for it' : null;
  const found = version === null ? name : `${name} ${version}`;
  const met = say('command.words', found, why === null ? 'exact' : 'approximated', {
    ...axisOf('subject', { ...so, ...set }),
    why,
    standIn: why !== null,
    decides: true,
  });
  return { set, say: [met] };
}

function mapOther(report: FieldReport): ReturnType<Rule> {
  const { name, subject } = findRuntime(report);
  const symptom = symptomOfReport(report);
  const inside = symptom?.engine === 'v8' ? 'V8 in another program: ' : '';
  const who = name ?? 'this runtime';
  const why =
    subject === undefined || symptom === null
      ? `${inside}there is no subject with ${who}`
      : `no subject does this with ${who}: ${describeAct(symptom.act)}`;
  return { say: [say('command.words', name, 'not reproducible', { why, decides: true })] };
}

export const mapEngine: Rule = (report, so, known) => {
  const { kind, name, assumed } = findRuntime(report);
  const { spin, wasmtime } = report.programs;
  const row = (
    set: Partial<Settings>,
    found: string | null,
    why: string | null,
    more: Partial<FactMapping> = {},
  ) => ({
    set,
    say: [
      say(more.fact ?? `programs.${kind ?? 'spin'}`, found, why === null ? 'exact' : 'approximated', {
        ...axisOf('engine', { ...so, ...set }),
        why,
        decides: true,
        ...more,
      }),
    ],
  });
  switch (kind) {
    case 'spin':
      return row(
        { engine: 'wasmtime', profile: 'spin' },
        versionOf(spin),
        "the wasm host with Spin's pool sizes stands for Spin; its engine's version is not in the report",
      );
    case 'wasmtime': {
      const { engine, why } = engineFor(versionOf(wasmtime), known);
      return row({ engine, profile: 'wasmtime' }, versionOf(wasmtime), why, { standIn: why !== null });
    }
    case 'wash':
    case 'embedder':
      return row({ engine: 'wasmtime', profile: 'wasmtime' }, name, embedded(name), {
        fact: 'command.words',
        standIn: true,
      });
    case 'node': {
      const words = "the words of the failure are V8's, so Node is assumed";
      return assumed
        ? row({ engine: 'v8' }, name, words, { fact: 'command.words' })
        : row({ engine: 'v8' }, 'node', null);
    }
    case 'whole':
      return mapWhole(report, so);
    case 'other':
      return mapOther(report);
    case null:
      return row(
        { engine: 'wasmtime', profile: 'wasmtime' },
        null,
        "the report names no runtime; the wasm host with Wasmtime's own pool sizes is run",
      );
  }
};

/** Release line whose pinned version is this one: images of it are there already. */
const lineOf = ({ nodes, versions }: FieldImages, version: string): string | undefined =>
  nodes.find((line) => versions.get(lockNames.node(line)) === version);

/** Texts that V8 no longer has, with the newest Node that has them. */
const formerWords: readonly Readonly<{ words: RegExp; node: string }>[] = [
  { words: /^webassembly\.\w+\(\): out of memory: wasm memory/, node: '16.20.2' },
];

/** The newest Node that could have said it: one whose V8 has the words, and that has guards under this limit. */
function assumeNode(report: FieldReport, { nodes }: FieldImages): string | null {
  const symptom = symptomOfReport(report);
  const former = formerWords.find(({ words }) => words.test(symptom?.words ?? ''));
  if (former !== undefined) return former.node;
  if (symptom?.class !== 'v8-memory') return nodes[0] ?? null;
  const limit = factOf(report, 'resourceLimits.addressSpace');
  const bytes = typeof limit === 'number' ? limit : null;
  return nodes.find((line) => startsGuarded(line, bytes)) ?? null;
}

export const mapNode: Rule = (report, so, known) => {
  const { node } = report.programs;
  const { kind, assumed } = findRuntime(report);
  // There is none in its guest.
  if (kind === 'whole') return { say: [] };
  const decides = so.engine === 'v8' || so.overcommit === 2;
  const row = (how: FactMapping['how'], value: string | null, why: string | null, found: string | null) => ({
    ...(value !== null && { set: { node: value } }),
    say: [
      say('programs.node', found, how, {
        ...(value !== null && axisOf('node', { ...so, node: value })),
        why,
        decides: decides && (how === 'not reproducible' || kind === 'node' || kind === null),
      }),
    ],
  });
  const version = versionOf(node);
  const missing =
    node === null ? null : typeof node === 'object' ? `does not start (exit ${node.exit})` : 'not found';
  if (kind !== 'node' && kind !== null) {
    // No Node is in theirs, so the one that takes least stands beside the engine.
    return row(
      'approximated',
      so.node,
      `the wasm host runs on Node; ${so.node} needs the least memory`,
      version ?? missing,
    );
  }
  const architecture = architectureOf(so.arch);
  if (architecture.npm === null) {
    const pinned = known.versions.get(lockNamesOf(architecture).node(so.node));
    const isSame = version !== null && withoutRevision(pinned ?? '') === version;
    const why = isSame ? null : `Debian has this Node alone for ${so.arch}`;
    return row(isSame ? 'exact' : 'approximated', so.node, why, version ?? missing);
  }
  if (version === null) {
    const guess = (assumed || node === 'notFound') && kind === 'node' ? assumeNode(report, known) : null;
    return guess === null
      ? row('approximated', so.node, 'the default Node runs the wasm host', missing)
      : row('approximated', guess, 'assumed: the newest Node that could have said it', missing);
  }
  const line = lineOf(known, version);
  if (line !== undefined) return row('exact', line, null, version);
  const whole = axes.node.schema.safeParse(version);
  if (whole.success) return row('exact', whole.data, null, version);
  const major = version.split('.')[0] ?? '';
  if (known.nodes.includes(major))
    return row('approximated', major, 'the pinned release of this line', version);
  return row('not reproducible', null, `\`node\` is ${axes.node.expects}`, version);
};

/** Facts without an axis, which matter when they are there. */
export const mapUnmet: Rule = (report, so) => {
  const { process, surroundings, cutOffIn } = report;
  const missing = (fact: string, found: string, why: string, decides: boolean): FactMapping =>
    say(fact, found, 'not reproducible', { why, decides });
  // There it is the group's limit that refuses a thread, as on Linux.
  const isThread = symptomOfReport(report)?.act === 'thread' && boundsThreads(so);
  const gvisor = isThread
    ? say('surroundings.gvisor', 'sign', 'approximated', {
        why: "Linux's own limit stands for gVisor's",
        standIn: true,
        decides: true,
      })
    : missing('surroundings.gvisor', 'sign', 'gVisor is another kernel', true);
  return {
    say: [
      ...(cutOffIn === null
        ? []
        : [say('report', `cut off in ${cutOffIn}`, 'approximated', { why: 'what is missing is unknown' })]),
      ...((process.seccomp === 'filter' && so.mdwe === 'off') || process.seccomp === 'strict'
        ? [missing('process.seccomp', process.seccomp, 'what the filter refuses is not in the report', false)]
        : []),
      ...(surroundings.gvisor === 'sign' ? [gvisor] : []),
      ...(surroundings.wsl === 'wsl1'
        ? [missing('surroundings.wsl', 'wsl1', 'WSL 1 is another kernel', true)]
        : []),
    ],
  };
};
