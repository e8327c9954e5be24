/**
 * A row of the axis table: everything there is to know about one setting that a matrix can vary. The type of
 * settings, the JSON Schemas, cell ids, what is written into a guest and read back from it, estimates, searches,
 * random draws, labels and the reference follow from the rows.
 *
 * How axes to come are rows:
 * - page size: the same, proven by the fact `pageSize`;
 * - another limit of a group: `applies: 'process'`, `limit` gives the file of the group (`{'pids.max': …}`);
 *   `readBack` compares with the fact.
 *
 * A value is never an array, as an array in a matrix is several values: words in order are one text
 * (`kernelArguments`), and an object has a canonical text (`kernel`).
 */
import type { ArchitectureName } from '../../images/architectures.ts';
import type { Facts } from '../../images/allocator/facts.ts';
import type { AxisKind } from './kinds.ts';

/** Value of another axis in the same cell. */
export type Lookup = <W>(axis: Axis<W>) => W;

/** What a guest's machine is made of, as far as settings decide it. */
export type GuestMachine = Readonly<{
  /** Absent: x86-64. */
  architecture?: ArchitectureName;
  memoryMib: number;
  cpus: number;
  /** QEMU CPU model and flags; null for the accelerator's own. */
  cpuModel: string | null;
  /** Swap, on a writable disk that lives as long as the machine. Absent: no such disk. */
  swapMib?: number;
  /** Words behind those of the harness on the kernel's command line. Absent: none. */
  kernelArguments?: string;
  /** A source of entropy: the CPU has none of its own, and without one a clone cannot draw fresh random numbers. */
  entropy?: true;
  /** Words of the kernel's command line that narrow what a machine offers. Absent: none. */
  kernelWords?: readonly string[];
}>;

/** A file of the guest's kernel and the text written into it. */
export type KernelFile = Readonly<{ path: string; value: string }>;

/** How a guest's own facts prove a value. */
export type ReadBackRow<V> = Readonly<{
  /** What the cell has; null when it leaves the guest's own default and there is nothing to compare. */
  asked(value: V, of: Lookup): string | null;
  found(facts: Facts): string;
  /** Where equality of the two texts is not the rule. */
  matches?(value: V, facts: Facts): boolean;
  /** Whether another limit stands in for the value. @default it is the value itself */
  isStandIn?(value: V, facts: Facts): boolean;
}>;

/** Values from `from` to `to`, in the unit of the axis. */
export type Span = Readonly<{ from: number; to: number; step: number }>;

/** How a field report states the value: in one fact, a number in the unit of the axis or a word. */
export type Captured = Readonly<{
  /** Field of the report; the soft limit of a pair, and the smallest of all levels of a tree of groups. */
  fact: string;
  /** The command that prints the fact on any machine. */
  shownBy: string;
  /** What a guest has where the fact is unknown: `no limit`. */
  unknown: string;
  /** The fact that says the same as the default of the axis. */
  plain?: number | 'unlimited';
  /** No guest can have less, and why. */
  least?: Readonly<{ value: number; why: string }>;
  /** More is taken as this, and why that changes nothing. */
  most?: Readonly<{ value: number; why: string }>;
  /** Values are multiples of it. @default 1 */
  step?: number;
  /** It can change what becomes of a wasm host even at its default, or when it is unknown. @default false */
  decides?: true;
}>;

type Row<V, N extends string> = Readonly<{
  /** Key in matrices, settings, results and cell ids. */
  name: N;
  /** One line, for help texts and editors. */
  description: string;
  unit: string | null;
  /** Values as one writes them. */
  examples: readonly string[];
  /** Other names people use for it; only to suggest the right one. */
  alsoCalled: readonly string[];
  /** Names it had before: matrices, cell ids and results with them are still read. */
  formerly?: readonly string[];
  /**
   * `boot`: another machine; `guest`: a sysctl or sysfs file; `process`: a property of the wasm host's process;
   * `pool`: a parameter of the tier.
   */
  applies: 'boot' | 'guest' | 'process' | 'pool';
  default: V;
  /** Always part of a cell's id. The others are part of it when they differ from their default. */
  core: boolean;
  /**
   * Generation of results it came with. 1 is the first, and each of its lines has the value; lines older than a
   * later axis lack it and had its default.
   */
  since: number;
  /** Place among the first columns of a CSV, and in reports. Later axes come after them, in the order of the table. */
  column?: number;
  /** Its values need no name beside them in reports: `512M`. */
  isBare?: true;
  /** How reports show the canonical text of a value. @default as it is */
  label?(text: string): string;
  /** Facts, read back in the guest, that prove the value; or in words what else does. */
  provenBy: readonly (keyof Facts)[] | string;
  /** What the value is to the guest's machine. */
  machine?(value: V, of: Lookup): Partial<GuestMachine>;
  /** Kernel files to write, in order. */
  write?(value: V, of: Lookup): readonly KernelFile[];
  /** Limits of the subject's process: by ulimit letter, file of its cgroup, and `confine` (prctl, seccomp). */
  limit?(value: V, of: Lookup): Readonly<Record<string, string>>;
  /** Written or set before, or after, all others of what it applies to. Else the order of the table. */
  turn?: 'first' | 'last';
  readBack?: ReadBackRow<V>;
  /** What a guest will say about itself, before it has booted; for `plan`, never for a verdict. */
  estimate?(value: V, of: Lookup): Partial<Facts>;
  /**
   * Where a search begins and ends when no bounds are given, in the order in which values give a wasm host more:
   * a range, or texts. Absent: the axis has no order.
   */
  search?: Span | readonly string[];
  /** Absent: no single fact is the value. A rule of harness/field/ maps it then, or nothing does. */
  captured?: Captured;
  /** What random settings are drawn from: values that change something, and the default. */
  draw: Readonly<{
    values: readonly V[];
    /** How often it differs from its default. @default 0.15, or always for core axes */
    share?: number;
  }>;
}>;

/** N: its name, where it is known to the compiler. */
export type Axis<V, N extends string = string> = AxisKind<V> &
  Row<V, N> &
  Readonly<{
    /** Its value in settings. */
    pick(settings: Values): V;
  }>;

/** Settings of any table. */
export type Values = Readonly<Record<string, unknown>>;

/** A row of the axis table. The type of its values is that of `kind`. */
export function defineAxis<const N extends string, V>({
  kind,
  ...row
}: Readonly<{ kind: AxisKind<V> }> & Row<NoInfer<V>, N>): Axis<V, N> {
  // The one place where a value of unknown origin becomes one of this axis: settings come from parsed matrices,
  // ids and results, where `schema` or `stored` has checked them.
  return { ...kind, ...row, pick: (settings) => settings[row.name] as V };
}

/** Values of other axes in these settings. */
export const lookUp =
  (settings: Values): Lookup =>
  (axis) =>
    axis.pick(settings);
