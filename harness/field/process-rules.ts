/** Rules for facts of the process: its runtime, its limits, what it was told. */
import { formatSize } from '../matrix/size.ts';
import type { Settings } from '../matrix/cell.ts';
import { say, type FactMapping, type Rule } from './mapping.ts';
import type { FieldLimit, FieldReport } from './report.ts';

const [kib, mib] = [2 ** 10, 2 ** 20];

/** First word of the command that is a program we know, without its folder. */
export function programOf({ command }: FieldReport): string | null {
  const names = (command?.words ?? []).map((word) => word.replace(/^.*\//, ''));
  return names.find((name) => /^(spin|wasmtime|node|nodejs|npm|npx|deno|bun|wasmer)$/.test(name)) ?? null;
}

const versionOf = (program: FieldReport['programs']['node']): string | null =>
  typeof program === 'string' && program !== 'notFound' ? program : null;

export const mapEngine: Rule = (report, _so, known) => {
  const program = programOf(report);
  const { spin, wasmtime } = report.programs;
  const name =
    program ??
    (versionOf(spin) !== null
      ? 'spin'
      : versionOf(wasmtime) !== null
        ? 'wasmtime'
        : versionOf(report.programs.node) !== null
          ? 'node'
          : null);
  const said = (
    value: Partial<Settings>,
    how: FactMapping['how'],
    found: string | null,
    why: string | null,
  ) => ({
    set: value,
    say: [
      say(`programs.${name ?? 'spin'}`, found, how, {
        axis: 'engine',
        value: value.engine ?? null,
        why,
        decides: true,
      }),
    ],
  });
  switch (name) {
    case 'spin':
      return said(
        { engine: 'wasmtime', profile: 'spin' },
        'approximated',
        versionOf(spin),
        "the wasm host with Spin's pool sizes stands for Spin; its engine's version is not in the report",
      );
    case 'wasmtime': {
      const version = versionOf(wasmtime);
      const exact = version !== null && known.engines.includes(version);
      return said(
        { engine: exact ? `wasmtime@${version}` : 'wasmtime', profile: 'wasmtime' },
        exact ? 'exact' : 'approximated',
        version,
        exact ? null : 'the newest pinned libwasmtime stands for it',
      );
    }
    case 'node':
    case 'nodejs':
    case 'npm':
    case 'npx':
      return said({ engine: 'v8' }, 'exact', name, null);
    case null:
      return said(
        { engine: 'wasmtime', profile: 'spin' },
        'approximated',
        null,
        'the report names no runtime; the default subject is run',
      );
    default:
      return {
        say: [
          say(`programs.${name}`, name, 'not reproducible', {
            why: 'there is no subject with this runtime',
            decides: true,
          }),
        ],
      };
  }
};

export const mapNode: Rule = ({ programs: { node } }, so, known) => {
  const row = (how: FactMapping['how'], value: string | null, why: string | null, found: string | null) => ({
    ...(value !== null && { set: { node: value } }),
    say: [
      say('programs.node', found, how, {
        axis: 'node',
        value,
        why,
        decides: so.engine === 'v8' || so.overcommit === 2,
      }),
    ],
  });
  const version = versionOf(node);
  if (version === null) {
    const found =
      node === null ? null : typeof node === 'object' ? `does not start (exit ${node.exit})` : 'not found';
    return row('approximated', so.node, 'the default Node runs the wasm host', found);
  }
  const line = version.split('.')[0] ?? '';
  return known.nodes.includes(line)
    ? row('approximated', line, 'the pinned release of this line', version)
    : row(
        'not reproducible',
        null,
        `there is no image with Node ${line}; known are ${known.nodes.join(', ')}`,
        version,
      );
};

function mapLimit(fact: string, axis: 'addressSpace' | 'dataLimit', soft: FieldLimit): ReturnType<Rule> {
  if (soft === null || soft === 'unlimited') {
    return {
      say: [
        say(fact, soft, soft === null ? 'approximated' : 'exact', {
          axis,
          value: 'unlimited',
          why: soft === null ? 'no limit' : null,
          decides: true,
        }),
      ],
    };
  }
  const value = Math.floor(soft / kib) * kib;
  if (value < 16 * mib)
    return { say: [say(fact, soft, 'not reproducible', { why: 'not even a shell starts', decides: true })] };
  const capped = Math.min(value, 2 ** 50);
  return {
    set: { [axis]: capped },
    say: [
      say(fact, soft, value === soft && capped === value ? 'exact' : 'approximated', {
        axis,
        value: formatSize(capped),
        why: value === soft ? null : 'rounded down to KiB',
        decides: true,
      }),
    ],
  };
}

export const mapLimits: Rule = ({ resourceLimits }) => {
  const [space, data] = [
    mapLimit('resourceLimits.addressSpace', 'addressSpace', resourceLimits.addressSpace.soft),
    mapLimit('resourceLimits.data', 'dataLimit', resourceLimits.data.soft),
  ];
  return { set: { ...space.set, ...data.set }, say: [...space.say, ...data.say] };
};

/** Facts without an axis, which matter when they are there. */
export const mapUnmet: Rule = ({ cgroup, process, surroundings, resourceLimits }) => {
  const caps = (cgroup.levels ?? []).flatMap(({ memoryMax }) =>
    typeof memoryMax === 'number' ? [memoryMax] : [],
  );
  const stack = resourceLimits.stack.soft;
  const denied = process.memoryDenyWriteExecute === 'yes' || process.writableToExecutable === 'no';
  return {
    say: [
      ...(caps.length > 0
        ? [
            say('cgroup.levels.memoryMax', Math.min(...caps), 'not reproducible', {
              why: 'there is no such axis; it ends a process that touches more and refuses no reservation',
            }),
          ]
        : []),
      ...(denied
        ? [
            say('process.writableToExecutable', 'no', 'not reproducible', {
              why: 'there is no such axis, and no engine that compiles starts without',
              decides: true,
            }),
          ]
        : []),
      ...(process.seccomp === 'filter' || process.seccomp === 'strict'
        ? [
            say('process.seccomp', process.seccomp, 'not reproducible', {
              why: 'what the filter refuses is not in the report',
            }),
          ]
        : []),
      ...(surroundings.gvisor === 'sign'
        ? [
            say('surroundings.gvisor', 'sign', 'not reproducible', {
              why: 'gVisor is another kernel',
              decides: true,
            }),
          ]
        : []),
      ...(surroundings.wsl === 'wsl1'
        ? [
            say('surroundings.wsl', 'wsl1', 'not reproducible', {
              why: 'WSL 1 is another kernel',
              decides: true,
            }),
          ]
        : []),
      ...(typeof stack === 'number' && stack !== 8 * mib
        ? [say('resourceLimits.stack', stack, 'not reproducible', { why: 'there is no such axis' })]
        : []),
    ],
  };
};

/** Spin's variables that the command itself sets: `env SPIN_WASMTIME_TOTAL_STACKS=0 spin up`. */
export const mapVariables: Rule = ({ command }) => {
  const pairs = (command?.words ?? []).flatMap((word) => {
    const found = /^(SPIN_(?:WASMTIME_[A-Z_]+|MAX_INSTANCE_COUNT))=(\+?\d{1,20})$/.exec(word);
    return found === null ? [] : [[found[1] ?? '', found[2] ?? ''] as const];
  });
  const env = Object.fromEntries(pairs);
  return pairs.length === 0
    ? { say: [] }
    : {
        set: { env },
        say: pairs.map(([name, value]) =>
          say('command.words', `${name}=${value}`, 'exact', {
            axis: 'env',
            value: `env.${name}=${value}`,
            decides: true,
          }),
        ),
      };
};
