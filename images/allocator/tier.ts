/** The three allocator tiers, best first, and the types around them. */

/** Best first: the order in which a wasm host tries them. */
export const tiers = ['standard', 'conservative', 'on-demand'] as const;
export type Tier = (typeof tiers)[number];

/** Bounds checks of memory accesses: elided behind guard regions, or an explicit compare. */
export type Checks = 'elided' | 'explicit';

export type EngineKind = 'wasmtime' | 'v8';
export type EngineId = Readonly<{
  kind: EngineKind;
  /** `50.0.1`; for v8 the V8 version, e.g. `12.4.254.21-node.33`. */ version: string;
}>;

/** Origin of the pool sizes of `standard`. */
export type Profile = 'spin' | 'wasmtime';

/** Values of SPIN_ALLOCATOR; `pooling` is an alias of `standard`. */
export const allocatorChoices = ['auto', 'standard', 'conservative', 'on-demand'] as const;
export type AllocatorChoice = (typeof allocatorChoices)[number];

/** True when `a` is a better (earlier) tier than `b`, or the same. */
export function atLeast(a: Tier, b: Tier): boolean {
  return tiers.indexOf(a) <= tiers.indexOf(b);
}
