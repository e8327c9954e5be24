/** The kind of a CPU: a model of QEMU with flags turned on or off. */
import { z } from 'zod';
import { outsideRange, type AxisKind } from './kinds.ts';
import { cpuFlags, cpuModels } from './cpu-models.ts';
import { nearest } from './nearest-word.ts';

/** A CPU as QEMU's `-cpu` takes it, taken apart. */
export type Cpu = Readonly<{
  model: string;
  /** By QEMU's name of the flag, in alphabetical order. */
  flags: Readonly<Record<string, boolean>>;
}>;

/** QEMU separates with commas, a cell's id with plus signs; `+avx` and `avx=on` are both QEMU's. */
const separator = /[,+:]+/;
const flagPattern = /[,+:]+(-?)([^,+:]+?)(?:=(on|off))?(?![^,+:])/g;
const pattern = /^[A-Za-z][A-Za-z0-9_-]*(?:[,+:]+-?[A-Za-z0-9._-]+(?:=[a-z]+)?)*$/;

/** `sse4_1` and `sse4-1` for `sse4.1`, and the kernel's own names: people copy them from /proc/cpuinfo. */
function resolveFlag(word: string): string | null {
  if (Object.hasOwn(cpuFlags, word)) return word;
  const plain = word.replaceAll(/[_.]/g, '-');
  const found = Object.entries(cpuFlags).find(
    ([name, kernelName]) => kernelName === word || name.replaceAll('.', '-') === plain,
  );
  return found?.[0] ?? null;
}

/** Null where the model or a flag is none, or a flag stands twice with different switches. */
export function parseCpu(text: string): Cpu | null {
  const [model = ''] = text.split(separator);
  if (!pattern.test(text) || !Object.hasOwn(cpuModels, model)) return null;
  const flags = new Map<string, boolean>();
  for (const [, sign, name = '', value] of text.matchAll(flagPattern)) {
    const flag = resolveFlag(name);
    if (flag === null || (sign !== '' && value !== undefined)) return null;
    const on = value === undefined ? sign === '' : value === 'on';
    if ((flags.get(flag) ?? on) !== on) return null;
    flags.set(flag, on);
  }
  return { model, flags: Object.fromEntries([...flags].sort(([a], [b]) => (a < b ? -1 : 1))) };
}

/** As QEMU takes it: `max,pku=off`. */
export function formatCpu({ model, flags }: Cpu): string {
  return [model, ...Object.entries(flags).map(([flag, on]) => `${flag}=${on ? 'on' : 'off'}`)].join(',');
}

/**
 * Values are QEMU's words (`max,pku=off`) with flags sorted. Where a comma would end the value, as in a cell's
 * id, plus signs stand for commas.
 */
export function cpuModel(): AxisKind<string> {
  return {
    expects: `a 64-bit CPU model of QEMU (${Object.keys(cpuModels).slice(0, 4).join(', ')}, … max, phenom, qemu64), with flags such as max+pku=off`,
    schema: z
      .string()
      .regex(pattern)
      .transform((text, context) => {
        const cpu = parseCpu(text);
        if (cpu !== null) return formatCpu(cpu);
        context.addIssue({ code: 'custom', message: outsideRange });
        return z.NEVER;
      }),
    stored: z.string(),
    format: (value) => value.replaceAll(',', '+'),
    suggest: (input) => {
      const [model = '', ...words] = String(input).trim().split(separator);
      const right = Object.hasOwn(cpuModels, model) ? model : nearest(model, Object.keys(cpuModels));
      if (right === null) return null;
      const flags = words.map((word) => {
        const [, sign = '', name = '', value = ''] = /^(-?)(.*?)(=\w*)?$/.exec(word) ?? [];
        const flag = resolveFlag(name) ?? nearest(name, Object.keys(cpuFlags));
        return `${flag ?? ''}=${value === '=off' || sign === '-' ? 'off' : 'on'}`;
      });
      const text = [right, ...flags].join('+');
      return parseCpu(text) === null || text === input ? null : text;
    },
  };
}
