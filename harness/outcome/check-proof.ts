/**
 * Checks the numbers of a proof against each other: configuration and bytes as the host measured them, the kernel's own
 * figures, and the model's. Each rule returns the contradiction it found.
 *
 * Two differences are allowed, since no other engine would explain them: memory that the process itself takes or gives
 * back while its engine is built, and guard pages of stacks, which the model counts as writable and the kernel does
 * not.
 */
import type {
  HostReport,
  KernelStep,
  KernelView,
  Layout,
  Proof,
  TierForm,
} from '../../images/allocator/host-report.ts';
import { formatBytes, GiB, MiB } from '../../images/allocator/sizes.ts';

/** V8's pages and the arenas of its threads, which come and go independently of the engine. */
const processSlackBytes = 32 * MiB;

/** One guard page of 4 KiB per stack of at least 2 MiB. */
const guardShare = 1 / 513;

/** The canary's memory takes at most 64 pages of 64 KiB of the 4 GiB that an index reaches. */
const guardedBehindBytes = 4 * GiB - 4 * MiB;

type Measured = Readonly<{
  proof: Proof;
  model: TierForm;
  kernel: KernelView;
  memory: Layout;
  steps: Readonly<Record<KernelStep['step'], KernelStep>>;
  report: HostReport;
}>;

type Rule = (measured: Measured) => string | false;

const rules: readonly Rule[] = [
  ({ proof, model }) =>
    proof.checks !== model.checks && `${proof.checks} checks were measured, its model has ${model.checks}`,
  ({ proof, model }) =>
    proof.slots !== model.slots &&
    `${proof.slots ?? 'no'} slots were measured, its model has ${model.slots ?? 'none'}`,
  ({ proof, model }) => differ('reserved', proof.reservedBytes, model.reservedBytes, model),
  ({ proof, model }) => differ('charged', proof.chargedBytes, model.chargedBytes, model),
  ({ proof }) =>
    proof.reservedBytes > proof.virtualBytes &&
    `${formatBytes(proof.reservedBytes)} reserved do not fit in a process of ${formatBytes(proof.virtualBytes)}`,
  ({ proof, steps }) => {
    const grown = steps.canary.virtualBytes - steps.before.virtualBytes;
    return (
      grown < proof.reservedBytes - processSlackBytes &&
      `${formatBytes(proof.reservedBytes)} are reserved, yet the process grew by ${formatBytes(grown)}`
    );
  },
  ({ proof, steps, report }) => {
    if (report.engine.kind !== 'wasmtime' || proof.slots === null) return false;
    const grown = steps.engine.virtualBytes - steps.before.virtualBytes;
    return (
      grown < proof.reservedBytes - processSlackBytes &&
      `a pool of ${formatBytes(proof.reservedBytes)} did not come with the engine: ${formatBytes(grown)} did`
    );
  },
  ({ proof, steps }) => {
    const grown = steps.engine.writableBytes - steps.before.writableBytes;
    return (
      grown < proof.chargedBytes - processSlackBytes &&
      `${formatBytes(proof.chargedBytes)} are charged, yet writable memory grew by ${formatBytes(grown)}`
    );
  },
  ({ proof, memory }) =>
    proof.slots !== memory.slots &&
    `${proof.slots ?? 'no'} slots, but the mapping has ${memory.slots ?? 'none'}`,
  ({ memory: { slots, strideBytes, guardBeforeBytes, mappingBytes } }) =>
    slots !== null &&
    strideBytes !== null &&
    slots * strideBytes + guardBeforeBytes > mappingBytes &&
    `${slots} slots of ${strideBytes} bytes do not fit in a mapping of ${mappingBytes}`,
  ({ proof, memory }) =>
    proof.checks === 'elided' &&
    memory.behindBytes < guardedBehindBytes &&
    `checks are elided with ${formatBytes(memory.behindBytes)} inaccessible behind a memory`,
  ({ report, proof, memory }) =>
    report.engine.kind === 'v8' &&
    proof.checks === 'explicit' &&
    memory.behindBytes >= guardedBehindBytes &&
    'checks are explicit with a guard region behind a memory',
  ({ report, proof, kernel: { committedBefore, committedAfter } }) => {
    if (report.facts?.overcommitMemory !== 2 || committedBefore == null || committedAfter == null)
      return false;
    const grown = committedAfter - committedBefore;
    return (
      grown < proof.chargedBytes - processSlackBytes &&
      `${formatBytes(proof.chargedBytes)} are charged under strict overcommit, yet Committed_AS grew by ${formatBytes(Math.max(0, grown))}`
    );
  },
];

/** Empty when the proof is measured and its numbers agree. */
export function findProofContradictions(report: HostReport, proof: Proof): readonly string[] {
  const { model, kernel } = proof;
  const steps = Object.fromEntries((kernel?.steps ?? []).map((step) => [step.step, step]));
  const { before, engine, canary } = steps as Partial<Measured['steps']>;
  if (model === undefined || kernel?.memory === undefined || !before || !engine || !canary) {
    return ['its proof measured nothing of the kernel'];
  }
  const measured = { proof, model, kernel, memory: kernel.memory, report, steps: { before, engine, canary } };
  return rules.map((rule) => rule(measured)).filter((said) => said !== false);
}

function differ(what: string, found: number, modelled: number, model: TierForm): string | false {
  const allowed = processSlackBytes + model.chargedBytes * guardShare;
  return (
    Math.abs(found - modelled) > allowed &&
    `${formatBytes(found)} ${what} were measured, its model has ${formatBytes(modelled)}`
  );
}
