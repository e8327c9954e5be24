/** Units of sizes, and texts of settings and facts for comparison. */

export const [kib, mib, gib, tib] = [2 ** 10, 2 ** 20, 2 ** 30, 2 ** 40];

/** A limit as it is read back, bytes. */
export const formatLimit = (bytes: number | null): string => (bytes === null ? 'unlimited' : String(bytes));

/** A fact as it is read back. */
export const formatFound = (fact: string | number | null): string =>
  fact === null ? 'unknown' : String(fact);

/** `ulimit` counts address space, data and stack in KiB. */
export const limitKib = (bytes: number | null): string =>
  bytes === null ? 'unlimited' : String(Math.floor(bytes / kib));
