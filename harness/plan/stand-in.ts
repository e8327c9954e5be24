/** What stands in for a machine that is not at hand. */
import type { Settings } from '../matrix/cell.ts';

/**
 * RLIMIT_AS of a cell, bytes: its own, or one of the size of a narrower address space, whichever is smaller.
 * It counts what a process has mapped where a narrow machine also needs the room in one piece.
 */
export function limitAddressSpace({ addressSpace, addressBits }: Settings): number | null {
  if (addressBits === null) return addressSpace;
  return Math.min(addressSpace ?? Infinity, 2 ** addressBits);
}
