/** Axes of the subject: the program, its engine and Node, its variables, and its requested tier. */
import { z } from 'zod';
import { allocatorChoices } from '../../images/allocator/tier.ts';
import { type Axis, defineAxis } from './axis.ts';
import { type AxisKind, choice, variables } from './kinds.ts';
import { nearest } from './nearest-word.ts';
import { engineNames, nodeVersions } from './version-kinds.ts';

/** Value of the axis where nothing else is named: the wasm host. */
export const hostSubject = 'wasm-host';

/** A name, and the version of its program where that is not the subject's own. */
export const subjectNamePattern = /^[a-z][a-z0-9-]{0,39}(?:@\d[\w.-]{0,29})?$/;

const byHost = "the wasm host's report";
const byRequest = 'the request of the harness';

/** @param pinned versions of libwasmtime, newest first */
export const engineAxis = (pinned: readonly string[]): Axis<string, 'engine'> =>
  defineAxis({
    name: 'engine',
    description: 'Engine of the wasm host; `wasmtime` is the newest pinned version, `v8` that of Node itself',
    unit: null,
    kind: engineNames(pinned),
    examples: ['wasmtime', 'wasmtime@38.0.0', 'v8'],
    alsoCalled: ['runtime', 'engineVersion'],
    applies: 'process',
    default: 'wasmtime',
    core: true,
    since: 1,
    column: 8,
    provenBy: byHost,
    search: pinned.map((version) => `wasmtime@${version}`).reverse(),
    draw: { values: ['wasmtime', 'v8', ...pinned.slice(1).map((version) => `wasmtime@${version}`)] },
  });

/** @param lines pinned release lines, newest first */
export const nodeAxis = (lines: readonly string[]): Axis<string, 'node'> =>
  defineAxis({
    name: 'node',
    description: 'Node that runs the wasm host: a release line, or a whole version',
    unit: null,
    kind: nodeVersions(lines),
    examples: ['22', '22.13.0'],
    alsoCalled: ['nodejs', 'nodeVersion'],
    applies: 'process',
    default: lines.includes('22') ? '22' : (lines[0] ?? '22'),
    core: true,
    since: 1,
    column: 9,
    provenBy: byHost,
    search: [...lines].reverse(),
    draw: { values: lines },
  });

export const allocator = defineAxis({
  name: 'allocator',
  description: 'SPIN_ALLOCATOR: the tier to force; `auto` takes the best that works',
  unit: null,
  kind: choice(allocatorChoices),
  examples: ['conservative'],
  alsoCalled: ['SPIN_ALLOCATOR', 'tier', 'mode', 'pooling'],
  applies: 'process',
  default: 'auto',
  core: false,
  since: 1,
  column: 12,
  provenBy: byHost,
  draw: { values: ['auto', 'standard', 'conservative', 'on-demand'] },
});

export const profile = defineAxis({
  name: 'profile',
  description: "Whose pool sizes `standard` stands for: Spin's, or the engine's own defaults",
  unit: null,
  kind: choice(['spin', 'wasmtime']),
  examples: ['wasmtime'],
  alsoCalled: ['defaults', 'preset'],
  applies: 'process',
  default: 'spin',
  core: false,
  since: 1,
  column: 13,
  provenBy: byHost,
  search: ['spin', 'wasmtime'],
  draw: { values: ['spin', 'wasmtime'] },
});

const subjectName: AxisKind<string> = {
  expects: `${hostSubject}, or the name of a subject`,
  schema: z.string().regex(subjectNamePattern),
  stored: z.string(),
  format: (value) => value,
  suggest: (input) => nearest(String(input), [hostSubject]),
};

export const subject = defineAxis({
  name: 'subject',
  description: 'What runs: the wasm host, or a subject of the matrix or of matrices/subjects/',
  unit: null,
  kind: subjectName,
  examples: [hostSubject, 'node-fetch', 'wasmtime-serve@48.0.2'],
  alsoCalled: ['program', 'command', 'host', 'workload'],
  applies: 'process',
  default: hostSubject,
  core: false,
  since: 2,
  provenBy: byRequest,
  // The model speaks of the wasm host and of nothing else.
  draw: { values: [hostSubject] },
});

/** Variables the harness sets itself, and what a matrix uses instead. */
function reservedVariable(variable: string): string | null {
  if (variable === 'SPIN_ALLOCATOR') return 'use the axis `allocator`';
  // wasmtime 49 with `ulimit -v 131072`: its error, then no end. The failure would be a `timeout`.
  if (/^RUST_(?:LIB_)?BACKTRACE$/.test(variable))
    return 'hosts short of memory were seen to hang in their backtrace: leave it unset';
  return variable.startsWith('POOLPROOF_') ? 'names with POOLPROOF_ belong to the harness' : null;
}

export const env = defineAxis({
  name: 'env',
  description: "Environment variables of the wasm host, e.g. Spin's own",
  unit: null,
  kind: variables(reservedVariable),
  examples: ['{SPIN_WASMTIME_TOTAL_STACKS: 0}'],
  alsoCalled: ['environment', 'variables', 'envs'],
  applies: 'process',
  default: {},
  core: false,
  since: 1,
  column: 14,
  label: (text) => text.replace(/(^|,)env\./g, '$1') || 'none',
  provenBy: byRequest,
  draw: {
    values: [
      {},
      { SPIN_WASMTIME_TOTAL_STACKS: '0' },
      { SPIN_MAX_INSTANCE_COUNT: '100' },
      { SPIN_WASMTIME_TOTAL_TABLES: '200', SPIN_WASMTIME_INSTANCE_TABLE_ELEMENTS: '10000' },
      { SPIN_WASMTIME_TOTAL_MEMORIES: '20' },
      { SPIN_WASMTIME_POOLING: '0' },
      { SPIN_WASMTIME_POOLING: '1' },
    ],
    share: 0.3,
  },
});
