/**
 * A field report's text → a validated value. A report comes from a stranger: it is damaged, foreign or
 * hostile until proven otherwise. Every refusal names the field and the reason, and nothing of a report is
 * ever more than data: numbers within bounds, words of a closed set, or text that is only compared and shown.
 */
import { z } from 'zod';
import { readBounded } from '../../images/bounded-file.ts';
import { PoolproofError } from '../errors.ts';
import { printable, quote } from '../matrix/problems.ts';
import { parseSource } from '../matrix/source.ts';

/** Version of the format this poolproof reads; capture.sh writes it. */
export const fieldReportSchema = 1;

/** Larger files are refused unread: capture.sh writes some 20 KB at most. */
export const maxReportBytes = 256 * 1024;

/** A fact the script could not read, or the value. */
const known = <V>(schema: z.ZodType<V>): z.ZodType<V | null> =>
  z.union([z.literal('unknown').transform(() => null), schema]);

const maxText = 4096;

/** Text that is shown and compared, never run. Control characters are damage: the script writes none. */
const text = z
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
const words = z.union([z.literal('unknown').transform(() => null), z.array(text).max(256)]);
const program = z.union([
  z.literal('notFound'),
  z.literal('unknown').transform(() => null),
  z.string().regex(/^[0-9][0-9A-Za-z.+_-]{0,63}$/, 'is not a version'),
  z.strictObject({ exit: whole(255) }),
]);

const reportSchema = z.strictObject({
  poolproof: z.literal('field-report', 'is not field-report: this is not a report of capture.sh'),
  schema: z.literal(fieldReportSchema),
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
    levels: known(
      z
        .array(
          z.strictObject({
            memoryMax: limit,
            memoryHigh: limit,
            swapMax: limit.exactOptional(),
            memoryAndSwapMax: limit.exactOptional(),
            memoryCurrent: limit,
            pidsMax: limit.exactOptional(),
            pidsCurrent: limit.exactOptional(),
          }),
        )
        .max(32),
    ),
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

/** Null stands for `unknown`. Units end the names; resource limits are in the kernel's units (bytes, counts). */
export type FieldReport = Readonly<z.infer<typeof reportSchema>>;

/** A report is a stored file like others: damaged or foreign, or of a newer format. */
type RefusalCode = 'FIELD_INVALID' | 'FIELD_SCHEMA';

export type FieldLimit = FieldReport['resourceLimits']['addressSpace']['soft'];

/**
 * Reads a field report; `file` is its name in messages.
 * @throws PoolproofError `FIELD_INVALID` for what is not a whole report of capture.sh, `FIELD_SCHEMA` for one
 *   of a newer format; both name the field, its place and the reason.
 */
export function parseFieldReport(source: string, file: string): FieldReport {
  if (Buffer.byteLength(source) > maxReportBytes) throw tooLarge(file);
  const parsed = parseSource(source);
  const syntax = parsed.problems[0];
  if (syntax !== undefined || parsed.value === undefined) {
    throw new PoolproofError('FIELD_INVALID', syntax?.message.replace('a matrix', 'a report') ?? 'no YAML', {
      file: printable(file),
      line: syntax?.line ?? 1,
      column: syntax?.column ?? 1,
    });
  }
  const fail = (code: RefusalCode, path: readonly PropertyKey[], reason: string): never => {
    const { line, column } = parsed.placeOf(path);
    const field = path.length === 0 ? 'the report' : path.map(String).map(printable).join('.');
    throw new PoolproofError(code, `${field} ${reason}`, {
      file: printable(file),
      line,
      column,
      ...(code === 'FIELD_SCHEMA' && { hint: 'a newer poolproof reads it' }),
    });
  };
  const found = z.object({ poolproof: z.literal('field-report'), schema: z.int() }).safeParse(parsed.value);
  if (found.success && found.data.schema > fieldReportSchema) {
    fail('FIELD_SCHEMA', ['schema'], `is ${found.data.schema}; this poolproof reads ${fieldReportSchema}`);
  }
  const checked = reportSchema.safeParse(parsed.value);
  if (checked.success) return checked.data;
  const issue = deepest(checked.error.issues);
  const value = valueAt(parsed.value, issue.path);
  if (issue.code === 'unrecognized_keys') {
    return fail('FIELD_INVALID', [...issue.path, issue.keys[0] ?? ''], 'is not a field of a report');
  }
  if (value === undefined) return fail('FIELD_INVALID', issue.path, 'is missing');
  return fail('FIELD_INVALID', issue.path, `${reasonOf(issue)}: ${quote(value)}`);
}

/** A union fails with an issue for each of its members: the one that got furthest says what is wrong. */
function deepest(issues: readonly z.core.$ZodIssue[]): z.core.$ZodIssue {
  const [first] = issues;
  if (first === undefined) throw new RangeError('a refusal without an issue');
  if (first.code !== 'invalid_union') return first;
  const inner = first.errors.map((list) => list[0]).filter((issue) => issue !== undefined);
  // The first member is the word `unknown`; the other one says what the value should be.
  const telling = inner.findLast(({ path }) => path.length > 0) ?? inner.at(-1);
  if (telling === undefined) return first;
  const resolved = deepest([telling]);
  return { ...resolved, path: [...first.path, ...resolved.path] };
}

const reasonOf = ({ message }: z.core.$ZodIssue): string =>
  /^(is|holds) /.test(message) ? message : `is not as it should be (${message})`;

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, key) =>
      typeof at === 'object' && at !== null ? (at as Readonly<Record<PropertyKey, unknown>>)[key] : undefined,
    value,
  );
}

const tooLarge = (file: string): PoolproofError =>
  new PoolproofError('FIELD_INVALID', `the report is larger than ${maxReportBytes / 1024} KiB`, {
    file: printable(file),
  });

/**
 * @throws PoolproofError `FIELD_NOT_FOUND` when the file cannot be read, and what {@link parseFieldReport} throws.
 */
export async function loadFieldReport(file: string): Promise<FieldReport> {
  let bytes: Buffer;
  try {
    bytes = await readBounded(file, maxReportBytes);
  } catch (cause) {
    throw new PoolproofError('FIELD_NOT_FOUND', 'cannot read the report', { file: printable(file), cause });
  }
  if (bytes.length > maxReportBytes) throw tooLarge(file);
  try {
    return parseFieldReport(new TextDecoder('utf-8', { fatal: true }).decode(bytes), file);
  } catch (cause) {
    if (cause instanceof PoolproofError) throw cause;
    throw new PoolproofError('FIELD_INVALID', 'the report is not a text in UTF-8', {
      file: printable(file),
      cause,
    });
  }
}
