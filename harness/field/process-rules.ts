/** Rules for the process: its runtime, and what surrounds it. */
import { lockNames } from '../../images/definitions.ts';
import { axes } from '../axes/table.ts';
import type { Settings } from '../axes/table.ts';
import { factOf } from './captured-rules.ts';
import { axisOf, say, type FactMapping, type FieldImages, type Rule } from './mapping.ts';
import type { FieldReport } from './report.ts';

/** First word of the command that is a program we know, without its folder; Node by one name. */
export function programOf({ command }: FieldReport): string | null {
  const names = (command?.words ?? []).map((word) => word.replace(/^.*\//, ''));
  const found = names.find((name) => /^(spin|wasmtime|node|nodejs|npm|npx|deno|bun|wasmer)$/.test(name));
  return found === undefined ? null : /^(nodejs|npm|npx)$/.test(found) ? 'node' : found;
}

export const versionOf = (program: FieldReport['programs']['node']): string | null =>
  typeof program === 'string' && program !== 'notFound' ? program : null;

/** What the command runs; without a command, what is there. */
function runtimeOf(report: FieldReport): 'spin' | 'wasmtime' | 'node' | 'other' | null {
  const program = programOf(report);
  if (program === 'spin' || program === 'wasmtime' || program === 'node') return program;
  if (program !== null) return 'other';
  const { programs } = report;
  return (['spin', 'wasmtime', 'node'] as const).find((name) => versionOf(programs[name]) !== null) ?? null;
}

/** The engine's own release, or the newest that is pinned. */
function engineFor(version: string | null): Readonly<{ engine: string; exact: boolean }> {
  const found = axes.engine.schema.safeParse(`wasmtime@${version ?? ''}`);
  return found.success ? { engine: found.data, exact: true } : { engine: 'wasmtime', exact: false };
}

export const mapEngine: Rule = (report, so) => {
  const runtime = runtimeOf(report);
  const { spin, wasmtime } = report.programs;
  const row = (set: Partial<Settings>, found: string | null, why: string | null) => ({
    set,
    say: [
      say(`programs.${runtime ?? 'spin'}`, found, why === null ? 'exact' : 'approximated', {
        ...axisOf('engine', { ...so, ...set }),
        why,
        decides: true,
      }),
    ],
  });
  switch (runtime) {
    case 'spin':
      return row(
        { engine: 'wasmtime', profile: 'spin' },
        versionOf(spin),
        "the wasm host with Spin's pool sizes stands for Spin; its engine's version is not in the report",
      );
    case 'wasmtime': {
      const { engine, exact } = engineFor(versionOf(wasmtime));
      return row(
        { engine, profile: 'wasmtime' },
        versionOf(wasmtime),
        exact ? null : 'the newest pinned libwasmtime stands for it',
      );
    }
    case 'node':
      return row({ engine: 'v8' }, 'node', null);
    case 'other': {
      const name = programOf(report) ?? '';
      const why = 'there is no subject with this runtime';
      return { say: [say(`programs.${name}`, name, 'not reproducible', { why, decides: true })] };
    }
    case null:
      return row(
        { engine: 'wasmtime', profile: 'spin' },
        null,
        'the report names no runtime; the default subject is run',
      );
  }
};

/** Release line whose pinned version is this one: images of it are there already. */
const lineOf = ({ nodes, versions }: FieldImages, version: string): string | undefined =>
  nodes.find((line) => versions.get(lockNames.node(line)) === version);

export const mapNode: Rule = (report, so, known) => {
  const { node } = report.programs;
  const runtime = runtimeOf(report);
  const decides = so.engine === 'v8' || so.overcommit === 2;
  const row = (how: FactMapping['how'], value: string | null, why: string | null, found: string | null) => ({
    ...(value !== null && { set: { node: value } }),
    say: [
      say('programs.node', found, how, {
        ...(value !== null && axisOf('node', { ...so, node: value })),
        why,
        decides: decides && (how === 'not reproducible' || runtime === 'node' || runtime === null),
      }),
    ],
  });
  const version = versionOf(node);
  const missing =
    node === null ? null : typeof node === 'object' ? `does not start (exit ${node.exit})` : 'not found';
  if (runtime === 'spin' || runtime === 'wasmtime') {
    // No Node is in theirs, so the one that takes least stands beside the engine.
    return row(
      'approximated',
      so.node,
      `the wasm host needs one; ${so.node} takes least`,
      version ?? missing,
    );
  }
  if (version === null) return row('approximated', so.node, 'the default Node runs the wasm host', missing);
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
  const { process, surroundings, cutOffIn, cgroup } = report;
  const [throttle, limit] = ['memoryHigh', 'memoryMax'].map((name) =>
    factOf(report, `cgroup.levels.${name}`),
  );
  const missing = (fact: string, found: string, why: string, decides: boolean): FactMapping =>
    say(fact, found, 'not reproducible', { why, decides });
  const throttles = typeof throttle === 'number' && (typeof limit !== 'number' || throttle < limit);
  return {
    say: [
      ...(throttles && cgroup.version === 2
        ? [
            missing(
              'cgroup.levels.memoryHigh',
              String(throttle),
              'there is no such axis; it slows a process down and refuses nothing',
              false,
            ),
          ]
        : []),
      ...(cutOffIn === null
        ? []
        : [say('report', `cut off in ${cutOffIn}`, 'approximated', { why: 'what is missing is unknown' })]),
      ...((process.seccomp === 'filter' && so.mdwe === 'off') || process.seccomp === 'strict'
        ? [missing('process.seccomp', process.seccomp, 'what the filter refuses is not in the report', false)]
        : []),
      ...(surroundings.gvisor === 'sign'
        ? [missing('surroundings.gvisor', 'sign', 'gVisor is another kernel', true)]
        : []),
      ...(surroundings.wsl === 'wsl1'
        ? [missing('surroundings.wsl', 'wsl1', 'WSL 1 is another kernel', true)]
        : []),
    ],
  };
};
