/** What a row of the axis table says. */
import type { Facts } from '../../images/allocator/facts.ts';
import type { AxisKind } from '../axes/kinds.ts';
import type { AxisName } from './cell.ts';

export type Axis<V> = AxisKind<V> &
  Readonly<{
    name: AxisName;
    /** One line, for help texts and editors. */
    description: string;
    unit: string | null;
    /** Values as one writes them. */
    examples: readonly string[];
    /** `boot`: another machine; `guest`: a sysctl or sysfs file; `process`: a property of the wasm host's process. */
    applies: 'boot' | 'guest' | 'process';
    default: V;
    /** Always part of a cell's id. The others are part of it when they differ from their default. */
    core: boolean;
    /** Facts, read back in the guest, that prove the value; empty where the wasm host's own report proves it. */
    provenBy: readonly (keyof Facts)[];
    /** Other names people use for it; only to suggest the right one. */
    alsoCalled: readonly string[];
  }>;
