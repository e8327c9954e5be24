/** A result as ten lines for a ticket: what the tier maps, what stopped it, what was predicted and seen. */
import { describeShortfall } from '../../images/allocator/explain.ts';
import type { TierForm } from '../../images/allocator/host-report.ts';
import type { Mapping } from '../../images/allocator/mappings.ts';
import { formatBytes } from '../../images/allocator/sizes.ts';
import { tiers, type Tier } from '../../images/allocator/tier.ts';
import { plainLine } from '../outcome/plain-text.ts';
import { predictCell } from '../outcome/predict-cell.ts';
import type { Result } from '../store/result.ts';
import { describeHost } from './host-explanation.ts';
import { mappingsOf } from './model.ts';
import { describeMapping, describeStop } from './model-text.ts';
import { judgeSubject, spaceOf } from './subject-model.ts';

/** Longest line; a ticket system wraps what is longer. */
const maxLine = 160;

/** The best tier that was tried and failed; where none failed the one reached. */
export function explainedTier({ tiers: attempts, tier, predicted }: Result): Tier {
  return attempts.find(({ ok }) => !ok)?.tier ?? tier ?? predicted?.tiers[0]?.tier ?? tiers[0];
}

/** The facts that decide; limits only where there are some. */
const limitsOf = ({ facts, settings }: Result): string => {
  if (facts === null) return 'the guest told no facts';
  const size = (bytes: number | null, none: string): string => (bytes === null ? none : formatBytes(bytes));
  const limits = [
    ['RLIMIT_AS', facts.addressSpaceLimit],
    ['RLIMIT_DATA', facts.dataLimit],
    ['memory.max', facts.cgroupMemoryMax],
    ['memory.high', facts.cgroupMemoryHigh],
  ] as const;
  const counts = [
    ['pids.max', facts.pidsMax],
    // The kernel gives each user one by itself.
    ['RLIMIT_NPROC', settings.processes === null ? null : facts.processLimit],
  ] as const;
  return [
    `MemTotal ${size(facts.memTotal, 'unknown')}`,
    `overcommit ${facts.overcommitMemory ?? 'unknown'}`,
    ...(facts.overcommitMemory === 2 ? [`CommitLimit ${size(facts.commitLimit, 'unknown')}`] : []),
    `Committed_AS before ${size(facts.committedAs, 'unknown')}`,
    ...limits.flatMap(([name, bytes]) => (bytes == null ? [] : [`${name} ${formatBytes(bytes)}`])),
    ...counts.flatMap(([name, count]) => (count == null ? [] : [`${name} ${count}`])),
    ...(settings.mdwe === 'off' ? [] : [`mdwe ${settings.mdwe}`]),
    ...(settings.cpu === null ? [] : [`CPU ${settings.cpu}`]),
    `max_map_count ${facts.maxMapCount ?? 'unknown'}`,
    `${facts.addressBits ?? 'unknown'} address bits`,
  ].join(', ');
};

function sumMappings(mappings: readonly Mapping[]): Pick<TierForm, 'reservedBytes' | 'chargedBytes'> {
  const sum = (of: (mapping: Mapping) => number): number =>
    mappings.reduce((bytes, mapping) => bytes + of(mapping) * mapping.count, 0);
  return {
    reservedBytes: sum(({ bytes }) => bytes),
    chargedBytes: sum(({ writableBytes }) => writableBytes),
  };
}

/** What the kernel shows of the worker that proved a tier, beside what the model says of that tier. */
function describeKernel({ host, settings, facts }: Result): string {
  const proof = host?.proof ?? null;
  if (proof === null) return 'kernel: no process proved a tier, so there is none to look at';
  // A stored result has the model of its own day beside it: the form of a tier may have changed since.
  const model = proof.model ?? sumMappings(mappingsOf(proof.tier, settings, facts));
  const said = `the model: ${formatBytes(model.reservedBytes)} mapped by ${proof.tier}, ${formatBytes(model.chargedBytes)} of it writable`;
  const { kernel } = proof;
  if (kernel === undefined)
    return `kernel: ${formatBytes(proof.virtualBytes)} in ${proof.maps} mappings, ${formatBytes(proof.residentBytes)} resident; ${said}`;
  const maps = kernel.mappings
    .slice(0, 3)
    .map(({ protection, bytes, count }) => `${protection} ${formatBytes(bytes)} in ${count}`);
  const committed = [kernel.committedBefore, kernel.committedAfter].map((bytes) =>
    bytes === null ? 'unknown' : formatBytes(bytes),
  );
  const seen = maps.length > 0 ? maps.join(', ') : `${formatBytes(proof.virtualBytes)} in ${proof.maps}`;
  return `kernel: /proc/<pid>/maps ${seen}; Committed_AS ${committed.join(' -> ')}; ${said}`;
}

/** What the model knows of a subject without tiers: what a memory takes in its process, and whether it works. */
function describeSubject({ settings, outcome }: Result): readonly string[] {
  const judged = judgeSubject(settings);
  const said = judged === null ? 'nothing' : judged.limit === null ? 'it works' : 'it fails';
  const predicted = `predicted: ${said}; seen: ${outcome}${judged?.limit == null ? '' : `; limit: ${judged.limit}`}`;
  if (settings.engine !== 'v8') return [predicted];
  const { memory, start, guarded } = spaceOf(settings);
  const form = guarded ? 'with its guard regions' : 'without guard regions';
  return [
    `address space: Node takes ${formatBytes(start)} to start, a memory ${form} ${formatBytes(memory)}`,
    predicted,
  ];
}

const bases = { told: 'told by its output', seen: 'seen in its mappings' } as const;

/** What the kernel showed of a subject's largest process, and how large it ever was. */
function describeProcess({ subject }: Result): readonly string[] {
  const { up = null, end = null } = subject?.process ?? {};
  const faults = (of: Readonly<{ minorFaults: number; majorFaults: number }>): string =>
    `${of.minorFaults} page faults, ${of.majorFaults} of the disk`;
  if (up === null)
    return end === null
      ? []
      : [`process: ended; at most ${formatBytes(end.peakResidentBytes)} resident, ${faults(end)}`];
  const others = up.processes === 1 ? '' : `, the largest of ${up.processes}`;
  const largest = up.largest
    .slice(0, 4)
    .map(
      ({ bytes, protection, name }) => `${protection} ${formatBytes(bytes)}${name === '' ? '' : ` ${name}`}`,
    );
  return [
    `process: ${up.name}${others}: ${formatBytes(up.virtualBytes)} in ${up.maps} mappings, ${formatBytes(up.writableBytes)} of it writable; ${formatBytes(up.residentBytes)} resident, at most ${formatBytes(up.peakResidentBytes)}; ${faults(up)}; Committed_AS ${formatBytes(up.committedBytes)}`,
    `largest mappings: ${largest.join(', ')}`,
  ];
}

function explainSubject(result: Result): readonly string[] {
  const { id, settings, outcome, tier, reason, subject } = result;
  const host = describeHost(result);
  const process = describeProcess(result);
  const said = [subject?.line ?? [], subject?.causes ?? []].flat().join(': ');
  return [
    `cell: ${id}`,
    `seen: ${outcome}${tier === null ? '' : ` ${tier}, ${bases[subject?.basis ?? 'told']}`}; ${settings.subject}, ${subject?.program?.says ?? `${settings.engine}, Node ${settings.node}`}`,
    `why: ${reason}`,
    `machine: ${limitsOf(result)}`,
    ...(host?.maps ?? []),
    `engine said: ${said === '' ? 'nothing that is known' : said}`,
    ...(host === null ? process : [process.join('; ')].filter((line) => line !== '')),
    ...(host === null ? describeSubject(result) : [host.predicted]),
    `run it: poolproof shell ${id}`,
  ];
}

const shorten = (line: string): string =>
  plainLine(line, line.startsWith('cell: ') || line.startsWith('run it: ') ? 1000 : maxLine * 2);

/** At most ten lines, each without control characters and short enough for a ticket. */
export function explainResult(result: Result): readonly string[] {
  if (result.subject !== undefined) return explainSubject(result).map(shorten);
  const tier = explainedTier(result);
  const { settings, facts, host } = result;
  const strict = settings.overcommit === 2;
  const mappings = mappingsOf(tier, settings, facts);
  const prediction = result.predicted ?? predictCell(settings, facts, host?.node);
  const model = prediction?.tiers.find((one) => one.tier === tier);
  const attempt = result.tiers.find((one) => one.tier === tier && !one.ok);
  const stop = prediction?.startup != null ? describeShortfall(prediction.startup) : describeStop(model);
  const engine =
    host === null ? settings.engine : `${host.engine.kind} ${host.engine.version}, Node ${host.node}`;
  return [
    `cell: ${result.id}`,
    `seen: ${result.tier ?? result.outcome}${result.form === null ? '' : ` (${result.form.checks} bounds checks)`}; ${engine}`,
    `why: ${result.reason}`,
    `machine: ${limitsOf(result)}`,
    `${tier} maps: ${mappings.map((mapping) => describeMapping(mapping, strict)).join('; ')}`,
    `limit: ${stop}`,
    `engine said: ${attempt?.message ?? 'nothing: no attempt failed'}`,
    `predicted: ${prediction === null ? 'nothing' : (prediction.tier ?? prediction.outcome)}; seen: ${result.tier ?? result.outcome}${result.finding === null ? '' : ` (${result.finding})`}`,
    describeKernel(result),
    `run it: poolproof shell ${result.id}`,
  ].map(shorten);
}
