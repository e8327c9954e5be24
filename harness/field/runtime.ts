/**
 * Which program ran the WebAssembly of a report: its command, or, where that says nothing, the words of the failure.
 */
import type { FieldReport } from './report.ts';
import { symptomOfReport, type Symptom } from './symptom.ts';

const subjectPrograms = /^(?:spin|wasmtime|wash|node)$/;
/** Runtimes that no subject stands for. */
const otherPrograms = /^(?:deno|bun|wasmer)$/;
/** Words that start another program, and packages of which a native program does the work. */
const prefixes = /^(?:env|sudo|time|nice|exec|command|stdbuf|timeout|-.*|\d+|[A-Za-z_][A-Za-z0-9_]*=.*)$/;
const launchers = /^(?:npx|npm|pnpm|yarn|corepack)$/;
const nativePackages = /^(?:workerd|wrangler|miniflare|deno|bun|esbuild)$/;

export type Runtime = Readonly<{
  /** `embedder`: another program with libwasmtime in it; `other`: no subject stands for it; null: nobody knows. */
  kind: 'spin' | 'wasmtime' | 'wash' | 'node' | 'embedder' | 'other' | null;
  /** The program's own name, for people. */
  name: string | null;
  /** Only the words of the failure say so. */
  assumed: boolean;
}>;

/**
 * The program of the command without its folder; a launcher of JavaScript counts as Node unless a native program
 * follows.
 */
export function programOf({ command }: FieldReport): string | null {
  const words = (command?.words ?? []).map((word) => word.replace(/^.*\//, ''));
  const at = words.findIndex((word) => !prefixes.test(word));
  const name = words[at];
  if (name === undefined) return null;
  if (launchers.test(name)) {
    const started = words.slice(at + 1).find((word) => !/^(?:-.*|exec|run|dlx|x|start|test)$/.test(word));
    const bare = started?.replace(/(?!^)@.*$/, '') ?? '';
    return nativePackages.test(bare) ? bare : 'node';
  }
  return /^nodejs?(?:-?\d+)?$/.test(name) ? 'node' : name;
}

export const versionOf = (program: FieldReport['programs']['node']): string | null =>
  typeof program === 'string' && program !== 'notFound' ? program : null;

/** Whether JavaScript said it, as only Node and browsers let it: V8 in another native program says less. */
const isOfNode = ({ class: name }: Symptom, output: string): boolean =>
  name === 'v8-memory' || name === 'unsupported' || /node:|npm ERR|\[node\]/.test(output);

export function findRuntime(report: FieldReport): Runtime {
  const symptom = symptomOfReport(report);
  const name = programOf(report);
  if (name !== null && otherPrograms.test(name)) return { kind: 'other', name, assumed: false };
  const isOthers = symptom?.engine != null && (symptom.engine === 'v8') !== (name === 'node');
  if (name !== null && subjectPrograms.test(name) && !isOthers)
    return { kind: name as 'spin' | 'wasmtime' | 'wash' | 'node', name, assumed: false };
  if (symptom?.engine === 'v8') {
    const output = (report.command?.output ?? []).join('\n');
    if (name === null || isOfNode(symptom, output)) return { kind: 'node', name, assumed: true };
    return { kind: 'other', name, assumed: false };
  }
  if (symptom?.engine === 'wasmtime') return { kind: 'embedder', name, assumed: name === null };
  if (symptom !== null && name !== null) return { kind: 'other', name, assumed: false };
  const { programs } = report;
  const there = (['spin', 'wasmtime', 'node'] as const).find((one) => versionOf(programs[one]) !== null);
  return { kind: there ?? null, name: null, assumed: false };
}
