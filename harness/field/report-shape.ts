/**
 * The facts of a field report, whatever its version. A report comes from a stranger: it is damaged, foreign or hostile
 * until proven otherwise, so every fact is a number within bounds, a word of a closed set, or text that is only
 * compared and shown. Units end the names; resource limits are in the kernel's units (bytes, seconds, counts).
 */
import { z } from 'zod';

/** A fact, or null where it is unknown; version 1 writes the word. */
const known = <V>(schema: z.ZodType<V>): z.ZodType<V | null> =>
  z.union([z.literal('unknown').transform(() => null), z.null(), schema]);

const maxText = 4096;

/** Text that is shown and compared, never run. Control characters are damage: the script writes none. */
export const text = z
  .string('is not text')
  .max(maxText, `is longer than ${maxText} characters`)
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  .refine((value) => !/[\u0000-\u001f\u007f-\u009f]/.test(value), 'holds a control character');

/** A whole number within what a machine can be; anything else is a damaged or an invented report. */
const whole = (max: number) =>
  z
    .int('is not a whole number')
    .min(0, 'is negative')
    .max(max, `is larger than any machine's (${max} at most)`);

const [pib, countMax] = [2 ** 50, 2 ** 31 - 1];
/** KiB of up to 8 PiB; vmalloc and unlimited values have rules of their own. */
const kib = known(whole((8 * pib) / 1024));
const count = known(whole(countMax));
const bytes = whole(Number.MAX_SAFE_INTEGER);
const yesNo = known(z.enum(['yes', 'no'], 'is neither yes, no nor unknown'));

/** The kernel's `unlimited` is a value of its own: null already means unknown. */
const limit = known(z.union([z.literal('unlimited'), bytes]));
const softHard = z.strictObject({ soft: limit, hard: limit });
const words = known(z.array(text).max(256));
const program = known(
  z.union([
    z.literal('notFound'),
    z.string().regex(/^[0-9][0-9A-Za-z.+_-]{0,63}$/, 'is not a version'),
    z.strictObject({ exit: whole(255) }),
  ]),
);

/** One level of the cgroup tree; version 2 of cgroups has no memoryAndSwapMax, version 1 no swapMax and no pids. */
const level = z.strictObject({
  memoryMax: limit,
  memoryHigh: limit,
  swapMax: limit.exactOptional(),
  memoryAndSwapMax: limit.exactOptional(),
  memoryCurrent: limit,
  pidsMax: limit.exactOptional(),
  pidsCurrent: limit.exactOptional(),
});

export const reportShape = z.strictObject({
  kernel: z.strictObject({
    release: known(text),
    architecture: known(text),
    pageSize: known(z.literal([4096, 8192, 16_384, 65_536], 'is not a page size')),
  }),
  system: z.strictObject({ id: known(text), version: known(text), libc: known(text) }),
  memory: z.strictObject({
    totalKib: kib,
    availableKib: kib,
    swapTotalKib: kib,
    swapFreeKib: kib,
    commitLimitKib: kib,
    committedKib: kib,
    vmallocTotalKib: known(bytes),
    hugePages: count,
    hugePageKib: kib,
  }),
  overcommit: z.strictObject({
    mode: known(z.literal([0, 1, 2], 'is neither 0, 1 nor 2')),
    ratio: known(whole(1_000_000)),
    kib,
    userReserveKib: kib,
    adminReserveKib: kib,
  }),
  transparentHugePages: z.strictObject({
    enabled: known(z.enum(['always', 'madvise', 'never'], 'is neither always, madvise nor never')),
    defrag: known(text),
  }),
  kernelLimits: z.strictObject({ maxMapCount: count, pidMax: count, threadsMax: count }),
  resourceLimits: z.strictObject({
    addressSpace: softHard,
    core: softHard,
    cpu: softHard,
    data: softHard,
    fileLocks: softHard,
    fileSize: softHard,
    lockedMemory: softHard,
    messageQueues: softHard,
    nice: softHard,
    openFiles: softHard,
    pendingSignals: softHard,
    processes: softHard,
    realTimePriority: softHard,
    realTimeTimeout: softHard,
    resident: softHard,
    stack: softHard,
  }),
  cgroup: z.strictObject({
    version: known(z.literal([1, 2], 'is neither 1 nor 2')),
    levels: known(z.array(level).max(32)),
  }),
  processor: z.strictObject({
    count: known(whole(65_536).min(1, 'is zero')),
    model: known(text),
    vendor: known(text),
    flags: known(text),
    physicalBits: known(whole(64)),
    virtualBits: known(whole(64)),
    mmu: known(text),
    processBits: known(whole(64)),
    virtualised: yesNo,
    emulatedModel: yesNo,
    machineVendor: known(text),
    hypervisor: known(text),
  }),
  process: z.strictObject({
    seccomp: known(z.enum(['none', 'strict', 'filter'], 'is neither none, strict nor filter')),
    noNewPrivileges: yesNo,
    sysAdmin: yesNo,
    memoryDenyWriteExecute: yesNo,
    writableToExecutable: yesNo,
  }),
  surroundings: z.strictObject({ container: known(text), wsl: known(text), gvisor: known(text) }),
  programs: z.strictObject({
    node: program,
    spin: program,
    wasmtime: program,
    wasmer: program,
    deno: program,
    bun: program,
  }),
  command: z
    .strictObject({
      words,
      output: words,
      exit: known(z.union([z.literal('none'), whole(255)], 'is neither an exit code nor none')),
      signal: known(z.string().regex(/^(none|SIG[A-Z0-9+]{1,10})$/, 'is not the name of a signal')),
    })
    .exactOptional(),
});

/** The facts without their sources. */
export type ReportFacts = Readonly<z.infer<typeof reportShape>>;

/** The value of a schema where everything is unknown, its optional parts included. */
export function unknownOf(schema: z.core.$ZodType): unknown {
  if (schema instanceof z.ZodExactOptional) return unknownOf(schema.unwrap());
  if (!(schema instanceof z.ZodObject)) return null;
  const fields = Object.entries<z.core.$ZodType>(schema.shape);
  return Object.fromEntries(fields.map(([key, field]) => [key, unknownOf(field)]));
}
