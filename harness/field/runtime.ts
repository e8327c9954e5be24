/** Finds the program that ran the WebAssembly of a report: from its command, or from the words of the failure. */
import type { Act } from '../../images/allocator/known-messages.ts';
import { defaultSettings } from '../axes/table.ts';
import { findSubject } from '../outcome/predict-cell.ts';
import type { FieldReport } from './report.ts';
import { symptomOfReport, type Symptom } from './symptom.ts';

const subjectPrograms = /^(?:spin|wasmtime|wash|node)$/;
/** Runtimes that no subject stands for. Of Bun there is only the build for old processors. */
const otherPrograms = /^(?:bun|wasmer)$/;
/** In them the words of V8 are those of a web page, never of Node. */
const browsers = /^(?:google-chrome|chrome|chromium|msedge|microsoft-edge|brave|opera|vivaldi)(?:-[\w-]+)?$/;
/** Programs that run as themselves, with what they do there. */
const wholePrograms: Readonly<Record<string, Readonly<{ subject: string; acts: readonly Act[] }>>> = {
  deno: { subject: 'deno', acts: ['start', 'memory', 'instruction'] },
  workerd: { subject: 'workerd', acts: ['start', 'instruction'] },
};
/** Words that start another program, and packages of which a native program does the work. */
const prefixes = /^(?:env|sudo|time|nice|exec|command|stdbuf|timeout|-.*|\d+|[A-Za-z_][A-Za-z0-9_]*=.*)$/;
/** Programs that start the one that matters, somewhere in their words. */
const starters =
  /^(?:(?:ba|da|z|k|a)?sh|su|docker|podman|nerdctl|kubectl|crictl|chroot|unshare|nsenter|systemd-run|strace|gdb|prlimit|nohup|setsid|taskset|numactl|tini|dumb-init)$/;
const launchers = /^(?:npx|npm|pnpm|yarn|corepack)$/;
const nativePackages = /^(?:workerd|wrangler|miniflare|deno|bun|esbuild)$/;
/** What these packages start. */
const startedBy: Readonly<Record<string, string>> = { wrangler: 'workerd', miniflare: 'workerd' };
const nodes = /^nodejs?(?:-?\d+)?$/;
/** Programs in JavaScript that are called by their own name. */
const scripts =
  /^(?:next|nuxt|vite|vitest|astro|tsc|tsx|ts-node|jest|mocha|webpack|rollup|eslint|prettier|ng|nest|gatsby|pm2)$/;

export type Runtime = Readonly<{
  /**
   * `embedder`: another program with libwasmtime in it; `whole`: it is a subject as it is; `other`: no subject stands
   * for it; null: nobody knows.
   */
  kind: 'spin' | 'wasmtime' | 'wash' | 'node' | 'embedder' | 'whole' | 'other' | null;
  /** The program's own name, for people. */
  name: string | null;
  /** Of `whole`. */
  subject?: string;
  /** Only the words of the failure say so. */
  assumed: boolean;
}>;

const isKnown = (word: string): boolean =>
  [subjectPrograms, otherPrograms, launchers, scripts, nativePackages, nodes].some((known) =>
    known.test(word),
  );

/**
 * The program of the command without its folder; a launcher of JavaScript counts as Node unless a native program
 * follows. Of what a shell or a container starts, the first word that is a program's; null where none is.
 */
export const programOf = ({ command }: FieldReport): string | null => findProgram(command?.words ?? []);

function findProgram(given: readonly string[]): string | null {
  const words = given.map((word) => (/\s/.test(word) ? word : word.replace(/^.*\//, '')));
  const at = words.findIndex((word) => !prefixes.test(word));
  const name = words[at];
  if (name === undefined) return null;
  if (starters.test(name)) {
    const inner = words.slice(at + 1).flatMap((word) => word.split(/[\s;&|'"()]+/));
    // An image is called like the program in it: `denoland/deno:2.1.1`.
    const bare = inner.map((word) => word.replace(/^.*\//, '').replace(/:[\w.-]+$/, ''));
    const first = bare.findIndex(isKnown);
    return first < 0 ? null : findProgram(bare.slice(first));
  }
  if (launchers.test(name)) {
    const started = words.slice(at + 1).find((word) => !/^(?:-.*|exec|run|dlx|x|start|test)$/.test(word));
    const bare = started?.replace(/(?!^)@.*$/, '') ?? '';
    return nativePackages.test(bare) ? (startedBy[bare] ?? bare) : 'node';
  }
  if (nodes.test(name) || scripts.test(name)) return 'node';
  return startedBy[name] ?? name;
}

export const versionOf = (program: FieldReport['programs']['node']): string | null =>
  typeof program === 'string' && program !== 'notFound' ? program : null;

/** Whether the release that is pinned for a subject calls itself so. */
export const saysVersion = (subject: string, version: string): boolean =>
  findSubject({ ...defaultSettings(), subject })
    ?.program?.says.split(' ')
    .includes(version) === true;

/** Whether the words come from JavaScript, as in Node and browsers: V8 in another native program says less. */
const isOfNode = ({ class: name }: Symptom, output: string): boolean =>
  name === 'v8-memory' ||
  name === 'unsupported' ||
  /node:|npm ERR|\[node\]|ERR_WORKER_|^FATAL ERROR: .*Allocation failed/m.test(output);

export function findRuntime(report: FieldReport): Runtime {
  const symptom = symptomOfReport(report);
  const name = programOf(report);
  const whole = name === null ? undefined : wholePrograms[name];
  if (name !== null && whole !== undefined) {
    const does = symptom === null || whole.acts.includes(symptom.act);
    return { kind: does ? 'whole' : 'other', name, subject: whole.subject, assumed: false };
  }
  if (name !== null && otherPrograms.test(name)) return { kind: 'other', name, assumed: false };
  if (name !== null && browsers.test(name)) return { kind: 'other', name, assumed: false };
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
