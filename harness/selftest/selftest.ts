/** The selftest: every check in turn, and what was found as one record. */
import { ownArchitecture, type ArchitectureName } from '../../images/architectures.ts';
import { exitCodeOfError, PoolproofError } from '../errors.ts';
import { parseMatrix } from '../matrix/load.ts';
import { nearest } from '../axes/nearest-word.ts';
import type { Seams } from '../run/context.ts';
import { prepare, type PrepareOptions } from '../run/prepare.ts';
import { readToolVersion } from '../run/tool-version.ts';
import { Bench } from './bench.ts';
import type { Check, Finding, Status } from './check.ts';
import { clockChecks } from './clock-checks.ts';
import { describeHardware } from './describe-hardware.ts';
import { guestChecks } from './guest-checks.ts';
import { machineChecks } from './machine-checks.ts';
import { runChecks } from './run-checks.ts';

/** In the order in which they are asked. */
export const checks: readonly Check[] = [...machineChecks, ...clockChecks, ...guestChecks, ...runChecks];

export type CheckResult = Readonly<{
  name: string;
  assumes: string;
  beside: string;
  status: Status;
  found: string;
  /** How long it took. Samples of boots and clones count for the check that asks for them first. */
  seconds: number;
}>;

export type SelftestRecord = Readonly<{
  schema: 1;
  poolproof: string;
  startedAt: string;
  seconds: number;
  computer: Readonly<{
    cpuModel: string;
    cores: number;
    memTotalMib: number;
    kernel: string;
    os: string;
    /** Vendor, and whether this computer is a virtual machine itself. */
    hardware: string;
  }>;
  qemu: string;
  accelerator: Readonly<{ kind: string; reason: string }>;
  guestKernel: string;
  boots: number;
  clones: number;
  checks: readonly CheckResult[];
}>;

export type SelftestOptions = PrepareOptions &
  Readonly<{
    /** Machines that are booted, and cloned. @default 20 and 50 */
    boots?: number;
    clones?: number;
    /** Of the guests. @default this computer's: no other uses KVM */
    arch?: ArchitectureName;
    /** Names of checks. @default all */
    only?: readonly string[];
    signal?: AbortSignal;
    onCheck?: (check: Check, place: Readonly<{ number: number; of: number }>) => void;
    onResult?: (result: CheckResult) => void;
  }> &
  Seams;

/** What all guests of the checks need: both engines, one Node, one kernel. */
const neededImages = (arch: ArchitectureName): string =>
  `axes: { arch: ${arch}, memory: [512M], engine: [wasmtime, v8] }\n`;

/** @throws PoolproofError USAGE for a word that names no check */
export function selectChecks(only: readonly string[]): readonly Check[] {
  const names = checks.map(({ name }) => name);
  for (const word of only) {
    if (names.includes(word)) continue;
    const near = nearest(word, names);
    throw new PoolproofError('USAGE', `there is no check ${word}`, {
      hint: near === null ? `there are ${names.join(', ')}` : `did you mean ${near}?`,
    });
  }
  return only.length === 0 ? checks : checks.filter(({ name }) => only.includes(name));
}

/**
 * Codes of failures that are an answer about QEMU, the guest or a run. Others mean that the selftest itself cannot
 * work, such as a full disk.
 */
const answers = (error: PoolproofError): boolean =>
  error.code === 'QEMU_FAILED' || exitCodeOfError(error) === 2;

async function askOne(check: Check, bench: Bench): Promise<Finding> {
  try {
    return await check.ask(bench);
  } catch (error) {
    if (bench.signal.aborted) throw new PoolproofError('INTERRUPTED', 'the selftest was interrupted');
    if (!(error instanceof PoolproofError) || !answers(error)) throw error;
    return { status: 'fails', found: `${error.code}: ${error.message}` };
  }
}

/**
 * Asks this computer about everything that poolproof relies on.
 * @throws PoolproofError USAGE for an unknown check; QEMU_*, IMAGE_*, TOOL_NOT_FOUND, DISK_FULL for what is needed
 * before; INTERRUPTED when the signal fires
 */
export async function runSelftest(options: SelftestOptions): Promise<SelftestRecord> {
  const { boots = 20, clones = 50, arch = ownArchitecture.name, only = [] } = options;
  const { signal = new AbortController().signal } = options;
  const selected = selectChecks(only);
  const startedAt = new Date();
  const cells = parseMatrix(neededImages(arch), 'selftest').cells();
  const prepared = await (options.prepare ?? prepare)(cells, options);
  const { startMachine, deadlines, cacheDir } = options;
  const results: CheckResult[] = [];
  await using bench = new Bench({
    ...{ prepared, arch, cacheDir, boots, clones, signal },
    ...(startMachine !== undefined && { startMachine }),
    ...(deadlines !== undefined && { deadlines }),
  });
  for (const [index, check] of selected.entries()) {
    options.onCheck?.(check, { number: index + 1, of: selected.length });
    const begun = performance.now();
    const finding = await askOne(check, bench);
    const { name, assumes, beside } = check;
    const result = { name, assumes, beside, ...finding, seconds: secondsSince(begun) };
    results.push(result);
    options.onResult?.(result);
  }
  const { qemu, computer, accelerator } = prepared;
  const { cpuModel, cores, memTotalMib, kernel, os } = computer;
  return {
    schema: 1,
    poolproof: await readToolVersion(),
    startedAt: startedAt.toISOString(),
    seconds: Math.round((Date.now() - startedAt.getTime()) / 1000),
    computer: { cpuModel, cores, memTotalMib, kernel, os, hardware: await describeHardware() },
    qemu: qemu.title,
    accelerator: { kind: accelerator.accelerator, reason: accelerator.reason },
    guestKernel: bench.images.kernel.release,
    ...{ boots, clones, checks: results },
  };
}

const secondsSince = (begun: number): number => Math.round((performance.now() - begun) / 100) / 10;

export const isPassed = ({ checks: found }: SelftestRecord): boolean =>
  found.every(({ status }) => status !== 'fails');
