/** Settings → what makes a guest have them, and whether its facts say that it does. */
import type { Facts } from '../../images/allocator/facts.ts';
import { poolParameters, type PoolParameters } from '../../images/allocator/pool-parameters.ts';
import { type Axis, type GuestMachine, type KernelFile, lookUp, type Values } from './axis.ts';
import { axes, type AxisTable, rowsOf, type Settings } from './table.ts';

/** What a cell has beside what its guest says. */
export type ReadBack = Readonly<{
  axis: string;
  asked: string;
  found: string;
  ok: boolean;
  /** Another limit stands in for the value. */
  standIn?: true;
}>;

const stages: readonly Axis<unknown>['applies'][] = ['boot', 'guest', 'process', 'pool'];
const turns = { first: 0, last: 2 } as const;

const orders = new WeakMap<AxisTable, readonly Axis<unknown>[]>();

/** Rows in the order in which they are applied: from the machine to the process, and by turn. */
function inOrder(table: AxisTable): readonly Axis<unknown>[] {
  const known = orders.get(table);
  if (known !== undefined) return known;
  const place = ({ applies, turn }: Axis<unknown>): number =>
    stages.indexOf(applies) * 3 + (turn === undefined ? 1 : turns[turn]);
  const sorted = [...rowsOf(table)].sort((a, b) => place(a) - place(b));
  orders.set(table, sorted);
  return sorted;
}

/** The machine that settings describe. */
export function buildMachine(settings: Values, table: AxisTable = axes): GuestMachine {
  const of = lookUp(settings);
  return rowsOf(table).reduce<GuestMachine>(
    (machine, row) => ({ ...machine, ...row.machine?.(row.pick(settings), of) }),
    { memoryMib: 0, cpus: 1, cpuModel: null },
  );
}

/** Kernel files to write for a cell, in the order in which they must be written. */
export function buildWrites(settings: Values, table: AxisTable = axes): KernelFile[] {
  const of = lookUp(settings);
  return inOrder(table).flatMap((row) => row.write?.(row.pick(settings), of) ?? []);
}

/** ulimit letters and values of the host process. Core files off: one of a 4 TiB process would be attempted. */
export function buildLimits(settings: Values, table: AxisTable = axes): Record<string, string> {
  const of = lookUp(settings);
  return inOrder(table).reduce<Record<string, string>>(
    (limits, row) => ({ ...limits, ...row.limit?.(row.pick(settings), of) }),
    { c: '0' },
  );
}

/** What each setting is beside what was found, for every axis that a fact can prove. */
export function compareSettings(settings: Values, facts: Facts, table: AxisTable = axes): ReadBack[] {
  const of = lookUp(settings);
  return inOrder(table).flatMap(({ name, readBack, pick }) => {
    const value = pick(settings);
    const asked = readBack?.asked(value, of) ?? null;
    if (readBack === undefined || asked === null) return [];
    const found = readBack.found(facts);
    const ok = readBack.matches?.(value, facts) ?? asked === found;
    const standIn = readBack.isStandIn?.(value, facts) === true && { standIn: true as const };
    return [{ axis: name, asked, found, ok, ...standIn }];
  });
}

/** What a guest with these settings will say, as far as they decide it. */
export function estimateSettings(settings: Values, table: AxisTable = axes): Partial<Facts> {
  const of = lookUp(settings);
  // One object for all rows: `plan` estimates a hundred thousand cells.
  const facts: Partial<Facts> = {};
  for (const row of inOrder(table))
    if (row.estimate) Object.assign(facts, row.estimate(row.pick(settings), of));
  return facts;
}

/** The parameters of a cell's tier, as the wasm host takes them. */
export const parametersOf = (settings: Settings): PoolParameters =>
  Object.fromEntries(
    poolParameters.flatMap((name) => (settings[name] === null ? [] : [[name, settings[name]]])),
  );
