/** The axis table, and what follows from it alone: the type of settings, defaults, names and texts. */
import { engines, kernels, nodes } from '../../images/definitions.ts';
import type { Axis, Values } from './axis.ts';
import * as boot from './boot.ts';
import * as guest from './guest.ts';
import * as host from './host.ts';
import * as pool from './pool.ts';
import * as limits from './process.ts';

/** The contents available for guests: values of `kernel`, `node` and `engine`. */
export type KnownImages = Readonly<{
  /** Names of kernels; the first is the default. */
  kernels: readonly string[];
  /** Release lines of Node, newest first. */
  nodes: readonly string[];
  /** Versions of libwasmtime, newest first. */
  engines: readonly string[];
}>;

export const knownImages: KnownImages = { kernels: kernels.map((row) => row.name), nodes, engines };

type TableOf<Rows extends readonly Axis<unknown>[]> = {
  readonly [Row in Rows[number] as Row['name']]: Row;
};

/**
 * A table of these rows, in this order: that of axes that are not core in cell ids, which stored runs hold.
 * @throws RangeError for two rows with one name.
 */
export function defineTable<const Rows extends readonly Axis<unknown>[]>(rows: Rows): TableOf<Rows> {
  const words = rows.flatMap(({ name, formerly = [] }) => [name, ...formerly]);
  const twice = words.find((word, index) => words.indexOf(word) !== index);
  if (twice !== undefined) throw new RangeError(`two axes are called ${twice}`);
  // Each row stands under its own name; the compiler cannot see it.
  return Object.fromEntries(rows.map((row) => [row.name, row])) as TableOf<Rows>;
}

const listRows = (known: KnownImages) =>
  [
    boot.memory,
    guest.overcommit,
    guest.overcommitRatio,
    guest.thp,
    host.engineAxis(known.engines),
    host.nodeAxis(known.nodes),
    limits.addressSpace,
    limits.dataLimit,
    guest.maxMapCount,
    boot.kernelAxis(known.kernels),
    boot.cpus,
    host.allocator,
    host.profile,
    boot.cpu,
    boot.swap,
    guest.overcommitBytes,
    guest.hugepages,
    limits.stackLimit,
    limits.cgroupMemory,
    limits.mdwe,
    limits.addressBits,
    pool.memories,
    pool.tables,
    pool.tableElements,
    pool.stacks,
    pool.maxMemory,
    pool.reservation,
    pool.guard,
    limits.cgroupHigh,
    limits.pidsMax,
    limits.processes,
    boot.arch,
    boot.kernelArguments,
    host.subject,
    host.env,
  ] as const;

type ShippedAxes = TableOf<ReturnType<typeof listRows>>;

/** Builds the table for these contents; the shipped one is {@link axes}. */
export const defineAxes = (known: KnownImages): ShippedAxes => defineTable(listRows(known));

/** The shipped table. */
export const axes = defineAxes(knownImages);

/** The shipped axes, and any others. */
export type AxisTable = ShippedAxes & Readonly<Record<string, Axis<unknown>>>;

/** Every axis resolved. Sizes in bytes; `null` leaves the guest's own default. */
export type Settings = { readonly [Name in keyof ShippedAxes]: ShippedAxes[Name]['default'] };

export type AxisName = keyof Settings;

export const isAxisName = (word: string): word is AxisName => Object.hasOwn(axes, word);

export const axisNames: readonly AxisName[] = Object.keys(axes).filter(isAxisName);

export const rowsOf = (table: AxisTable): readonly Axis<unknown>[] => Object.values(table);

/** @throws RangeError when the table has no such axis: names are checked where they come in. */
export function rowOf(table: AxisTable, name: string): Axis<unknown> {
  const row = Object.hasOwn(table, name) ? table[name] : undefined;
  if (row === undefined) throw new RangeError(`no axis is called ${name}`);
  return row;
}

const hasEveryAxis = (values: Values): values is Settings =>
  axisNames.every((name) => Object.hasOwn(values, name));

/** Settings with every axis at its default. */
export function defaultSettings(table: AxisTable = axes): Settings {
  const values = Object.fromEntries(rowsOf(table).map((row) => [row.name, row.default]));
  if (!hasEveryAxis(values)) throw new RangeError('the table lacks a shipped axis');
  return values;
}

/** Every word that means an axis, with the axis: for suggestions. */
export function axisWords(table: AxisTable = axes): ReadonlyMap<string, string> {
  return new Map(
    rowsOf(table).flatMap(({ name, alsoCalled, formerly = [] }) =>
      [name, ...formerly, ...alsoCalled].map((word) => [word, name] as const),
    ),
  );
}

const formerOf = new WeakMap<AxisTable, ReadonlyMap<string, string>>();

/** Former names of axes, each with the present one. Made once per table, since every stored line needs them. */
export function formerNames(table: AxisTable = axes): ReadonlyMap<string, string> {
  const known = formerOf.get(table);
  if (known !== undefined) return known;
  const made = new Map(
    rowsOf(table).flatMap(({ name, formerly = [] }) => formerly.map((word) => [word, name] as const)),
  );
  formerOf.set(table, made);
  return made;
}

/** Canonical text of a value, as in ids and messages. */
export const formatValue = (table: AxisTable, axis: string, value: unknown): string =>
  rowOf(table, axis).format(value);
