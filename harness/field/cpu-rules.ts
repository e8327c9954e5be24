/** Rules for the processor: its number, flags and address width. */
import { architectureOf, defaultArchitecture } from '../../images/architectures.ts';
import { findKernelRow } from '../../images/definitions.ts';
import { formatCpu, parseCpu } from '../axes/cpu-kind.ts';
import { cpuFlags, cpuModels } from '../axes/cpu-models.ts';
import { formatSize } from '../axes/size.ts';
import { axisOf, say, type Rule } from './mapping.ts';
import type { FieldReport } from './report.ts';

/** What engines ask a processor for, in QEMU's words. */
const askedFlags = [
  'sse3',
  'ssse3',
  'sse4.1',
  'sse4.2',
  'popcnt',
  'abm',
  'avx',
  'avx2',
  'fma',
  'bmi1',
  'bmi2',
  'pku',
];

/** Of those, what a model has under emulation (QEMU 7.2, query-cpu-model-expansion); first match wins. */
const modelRows: readonly Readonly<{ models: RegExp; flags: string }>[] = [
  {
    models: /^(?:Cascadelake|Cooperlake|EPYC-Milan|Icelake|Skylake-Server|max)/,
    flags: askedFlags.join(' '),
  },
  {
    models: /^(?:Broadwell|Haswell|EPYC|Dhyana|KnightsMill|Skylake)/,
    flags: askedFlags.slice(0, -1).join(' '),
  },
  { models: /^(?:Denverton|Snowridge|Nehalem|Westmere)/, flags: 'sse3 ssse3 sse4.1 sse4.2 popcnt' },
  { models: /^(?:SandyBridge|IvyBridge)/, flags: 'sse3 ssse3 sse4.1 sse4.2 popcnt avx' },
  { models: /^Opteron_G5/, flags: 'sse3 ssse3 sse4.1 sse4.2 popcnt abm avx fma' },
  { models: /^Opteron_G4/, flags: 'sse3 ssse3 sse4.1 sse4.2 popcnt abm avx' },
  { models: /^(?:phenom|Opteron_G3)/, flags: 'sse3 popcnt abm' },
  { models: /^Penryn/, flags: 'sse3 ssse3 sse4.1' },
  { models: /^(?:Conroe|core2duo)/, flags: 'sse3 ssse3' },
  { models: /./, flags: 'sse3' },
];

/** Of the flags that engines ask for, those that a model of QEMU has. */
export const flagsOfModel = (model: string): readonly string[] =>
  modelRows.find(({ models }) => models.test(model))?.flags.split(' ') ?? [];

/** QEMU's model of this name in /proc/cpuinfo; several share a name and differ in no asked flag. */
function modelOf(title: string | null): string | null {
  const plain = title?.replace(/\s+/g, ' ').trim();
  return Object.entries(cpuModels).find(([, row]) => row.title === plain)?.[0] ?? null;
}

/**
 * The model to begin with where the name is of a real processor. One without these has none of the later extensions
 * either, and programs that see those use these: on `max` without them Node dies of SIGILL at its start.
 */
const modelFor = (found: readonly string[]): string =>
  found.includes('ssse3') && found.includes('sse4_1') ? 'max' : 'qemu64';

/** The `cpu` with exactly the flags of a report, as far as engines ask for them; null for the guest's own. */
function cpuFor({ processor }: FieldReport, found: readonly string[], ofV8: boolean): string | null {
  const named = modelOf(processor.model);
  const model = named ?? modelFor(found);
  const own = flagsOfModel(model);
  // Only V8 uses protection keys. Of a real processor nothing else depends on them.
  const asked = askedFlags.filter((flag) => flag !== 'pku' || ofV8 || named !== null);
  const flags = Object.fromEntries(
    asked.flatMap((flag) => {
      const on = found.includes(cpuFlags[flag] ?? '');
      return on === own.includes(flag) ? [] : [[flag, on] as const];
    }),
  );
  const text = formatCpu({ model, flags });
  const canonical = parseCpu(text);
  return (model === 'max' && Object.keys(flags).length === 0) || canonical === null
    ? null
    : formatCpu(canonical);
}

/** More processors than this change no tier and cost a guest much. */
const mostCpus = 4;

export const mapProcessor: Rule = (report, so) => {
  const { processor, kernel } = report;
  const cpus = Math.min(processor.count ?? 1, mostCpus);
  const counted = say(
    'processor.count',
    processor.count,
    processor.count === cpus ? 'exact' : 'approximated',
    {
      ...axisOf('cpus', { ...so, cpus }),
      why: processor.count === cpus ? null : processor.count === null ? 'one' : `${mostCpus} stand for more`,
    },
  );
  const found = processor.flags?.split(/\s+/) ?? [];
  const { kernelName } = defaultArchitecture;
  if (kernel.architecture !== kernelName || found.length === 0) {
    const why =
      found.length === 0 || so.arch !== defaultArchitecture.name
        ? 'the guest has a processor with every flag'
        : `the guest is ${so.arch}`;
    return {
      set: { cpus },
      say: [counted, say('processor.flags', null, 'approximated', { ...axisOf('cpu', so), why })],
    };
  }
  const cpu = cpuFor(report, found, so.engine === 'v8');
  const lacking = askedFlags.filter((flag) => !found.includes(cpuFlags[flag] ?? ''));
  const told = lacking.length === 0 ? `${found.length} flags` : `without ${lacking.join(', ')}`;
  return {
    set: { cpus, cpu },
    say: [
      counted,
      say('processor.flags', told, 'exact', {
        ...axisOf('cpu', { ...so, cpu }),
        why: 'those that engines ask for',
        decides: true,
      }),
    ],
  };
};

export const mapWidth: Rule = (report, so) => {
  const bits = report.processor.processBits;
  const guestBits = findKernelRow(so.kernel)?.addressBits ?? architectureOf(so.arch).addressBits;
  if (bits === null || bits >= guestBits) {
    const why = bits === guestBits ? null : `the guest has ${guestBits}`;
    const how = bits === guestBits ? 'exact' : 'approximated';
    return { say: [say('processor.processBits', bits, how, { why, decides: true })] };
  }
  const standIn = {
    why: 'a limit of the same size stands in for the address width',
    standIn: true,
    decides: true,
  };
  const { addressWidths } = architectureOf(so.arch).kernel;
  const isReal = addressWidths[bits] !== undefined;
  // Where there are real widths, `addressBits` has no others.
  if (bits >= 36 && (isReal || Object.keys(addressWidths).length === 0)) {
    const set = { addressBits: bits };
    const met = say('processor.processBits', bits, isReal ? 'exact' : 'approximated', {
      ...axisOf('addressBits', { ...so, ...set }),
      ...(isReal ? { decides: true } : standIn),
    });
    return { set, say: [met] };
  }
  if (bits < 28) {
    const why = 'no Node starts in so small an address space';
    return { say: [say('processor.processBits', bits, 'not reproducible', { why, decides: true })] };
  }
  const addressSpace = Math.min(2 ** bits, so.addressSpace ?? Infinity);
  return {
    set: { addressSpace },
    say: [
      say('processor.processBits', bits, 'approximated', {
        axis: 'addressSpace',
        value: formatSize(addressSpace),
        ...standIn,
      }),
    ],
  };
};
