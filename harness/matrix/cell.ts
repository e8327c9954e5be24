/** A matrix and its cells: combinations of settings with their expectations. */
import type { Tier } from '../../images/allocator/tier.ts';
import type { Settings } from '../axes/table.ts';
import type { Measure } from './measure.ts';
import type { Place } from './source.ts';
import type { Subject } from './subject.ts';

/**
 * The expectation of a cell. At most one of `tier`, `atLeast`, `outcome` is set; with `overhead` alone the tier is the
 * one the model predicts.
 */
export type Expectation = Readonly<{
  tier?: Tier;
  atLeast?: Tier;
  outcome?: 'reached' | 'exhausted' | 'crashed' | 'timeout' | 'guest-died';
  /** A pattern that some line of the output must match. */
  error?: string;
  /** Most that the tier may cost: 0.2 for 20 %. */
  overhead?: number;
  because: string | null;
  link: string | null;
}>;

export type Cell = Readonly<{
  /**
   * Canonical: equal settings have equal ids in every matrix. The five core axes always, others only
   * when they differ from their default: `memory=512M,overcommit=2,thp=always,engine=wasmtime,node=22`.
   */
  id: string;
  settings: Settings;
  expectation: Expectation | null;
  /** The subject that runs instead of the wasm host; absent for the wasm host. */
  subject?: Subject;
  /** Where the kernel's files are, as a value of the axis `kernel`; absent for the name of a row. */
  kernelFile?: string;
  /** What of it is measured; absent where the matrix requests nothing. */
  measure?: Measure;
  /** 1-based number among repetitions of the same settings; 1 without `repeat`. */
  repetition: number;
}>;

/** A cell before it is numbered among repetitions. */
export type CellOnce = Omit<Cell, 'repetition'>;

/** Cells of a matrix with their repetitions. At a second each they take more than a day. */
export const maxCells = 100_000;

/** A cell of a case: there it fails, or there it is gone. */
export type CaseCell = Readonly<{ id: string; role: 'fails' | 'gone' }>;

/** A known failure, as commands and reports name it. */
export type FieldCase = Readonly<{
  id: string;
  title: string | null;
  link: string | null;
  cells: readonly CaseCell[];
  standIn: string | null;
  contradicts: string | null;
  /** Why it cannot be reproduced here; such a case has no cells. */
  cannot: string | null;
}>;

/** How far the cells stand for every combination of `axes`, where `cover` takes a part of them. */
export type Coverage = Readonly<{
  /** Axes of which every combination of values occurs: 2 for pairs. */
  ways: number;
  /** Combinations of all axes, before `exclude`. */
  of: number;
  cells: number;
  /** Combinations of `ways` values that occur in some cell, of all there are. */
  covered: number;
  tuples: number;
  notCovered: number;
  /** The first of those not covered, in words, and why. */
  leftOut: readonly Readonly<{ values: string; why: string }>[];
}>;

export type Matrix = Readonly<{
  title: string;
  /** Path as given, for messages. */
  file: string;
  /** The text as read, kept in the run's record. */
  text: string;
  /** Number of cells with repetitions. */
  size: number;
  /** The axes in the order they are shown, with the values the matrix varies. */
  axes: readonly Readonly<{ name: string; values: readonly (string | number | null)[] }>[];
  repeat: number;
  /** Null where every combination is a cell. */
  coverage: Coverage | null;
  /** Known failures of the field; empty in most matrices. */
  cases: readonly FieldCase[];
  /** Where the file names a value of an axis, by its canonical text; absent where cells come from no file. */
  placeOf?: (axis: string, text: string) => Place | null;
  /** The cells with their repetitions; as often as one likes. */
  cells(): Iterable<Cell>;
}>;
