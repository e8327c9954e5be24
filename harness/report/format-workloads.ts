/** Names of workloads in a sentence: a kind whose workloads are all meant stands for them. Pure. */
import { workloads } from '../../images/wasm-host/workloads/catalogue.ts';

/** Fewer are named one by one. */
const leastForKind = 3;

/** `bulk-memory, round-robin, life-cycle (all 16)` */
export function tellWorkloads(names: readonly string[]): string {
  const kinds = new Map<string, string[]>();
  for (const { kind, name } of workloads) kinds.set(kind, [...(kinds.get(kind) ?? []), name]);
  const whole = [...kinds].filter(
    ([, all]) => all.length >= leastForKind && all.every((name) => names.includes(name)),
  );
  const covered = new Set(whole.flatMap(([, all]) => all));
  return [
    ...names.filter((name) => !covered.has(name)),
    ...whole.map(([kind, all]) => `${kind} (all ${all.length})`),
  ].join(', ');
}
