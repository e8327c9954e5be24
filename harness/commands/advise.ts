/** `poolproof advise [report]`: the settings with which a host gets the best pool that a machine has room for. */
import { execa } from 'execa';
import path from 'node:path';
import { AllocatorError } from '../../images/allocator/allocator-error.ts';
import type { Facts } from '../../images/allocator/facts.ts';
import type { HostReport } from '../../images/allocator/host-report.ts';
import { findEngineLibrary } from '../../images/package-files.ts';
import { hostCommand } from '../../images/wasm-host/launch.ts';
import { readFacts, readUsage } from '../../images/wasm-host/proc.ts';
import { PoolproofError } from '../errors.ts';
import { advise as makeAdvice, type Advice } from '../field/advice.ts';
import { advisedHosts, type AdvisedName } from '../field/advised-hosts.ts';
import { renderAdvice } from '../field/advice-text.ts';
import { plainEnvironment, proveHost, readProgramVersion, type Proof } from '../field/host-proof.ts';
import { factsOf, listUnknown } from '../field/report-facts.ts';
import { loadFieldReport } from '../field/report.ts';
import { plainLine } from '../outcome/plain-text.ts';
import { findExecutable, isExecutable } from '../plan/computer.ts';
import { resolveEngine } from '../plan/requirements.ts';
import { cacheOption, notifyOf, textOption, type Context } from './context.ts';

type Options = Readonly<Record<string, unknown>>;

/** The machine the advice is for. `versions`: what is known of the hosts on it. */
type Subject = Readonly<{
  facts: Facts;
  unknown: readonly string[];
  versions: Readonly<Partial<Record<AdvisedName, string | null>>>;
  isHere: boolean;
}>;

/** Exit code: 0 the whole pool fits, 1 a smaller one or none, 2 cannot tell: facts missing, or the proof differs. */
export async function advise(context: Context, args: readonly string[], options: Options): Promise<number> {
  const [report, ...others] = args;
  if (others.length > 0) throw new PoolproofError('USAGE', 'expected at most one field report');
  const [name, asked] = parseHost(textOption(options, 'host') ?? 'node');
  const subject = report === undefined ? readMachine() : await readReport(report);
  const program = subject.isHere ? await findProgram(name, textOption(options, 'program')) : null;
  const version =
    asked ??
    (program === null ? null : await readProgramVersion(program)) ??
    subject.versions[name] ??
    advisedHosts[name].newest;
  const advice = makeChecked(name, version, subject.facts);
  const wantsProof = subject.isHere && options['proof'] !== false && subject.unknown.length === 0;
  const proof = wantsProof ? await prove(context, advice, program, options) : null;
  const exit = subject.unknown.length > 0 || proof?.agrees === false ? 2 : advice.fits === 'whole' ? 0 : 1;
  if (options['json'] === true) {
    const value = { poolproof: 'advice', schema: 1, ...advice, unknown: subject.unknown, proof, exit };
    context.out(`${JSON.stringify(value)}\n`);
  } else {
    for (const line of renderAdvice(advice, { ...subject, proof, program: advisedHosts[name].program }))
      context.out(`${line}\n`);
  }
  return exit;
}

/** Null where the host is not at hand, and where it would not come up anyway. */
async function prove(
  context: Context,
  advice: Advice,
  program: string | null,
  options: Options,
): Promise<Proof | null> {
  const { host, version, setup, fits, reached } = advice;
  if (reached.tier === null) return null;
  // What is started is ended before this process is.
  context.finishOnSignal();
  if (host === 'node') return proveNode(context, advice, options);
  if (program === null) return null;
  return proveHost(host, { program, version, setup, isPooled: fits !== 'none' }, context.signal);
}

/** `spin`, or `spin@3.4.1`. @throws PoolproofError USAGE */
function parseHost(text: string): readonly [AdvisedName, string | null] {
  const [name = '', version = null] = text.split('@');
  const names = Object.keys(advisedHosts) as readonly AdvisedName[];
  const found = names.find((one) => one === name);
  if (found !== undefined) return [found, version];
  throw new PoolproofError('USAGE', `--host ${plainLine(text, 60)}: there is no such host`, {
    hint: `there are ${names.join(', ')}, each with a version if you like: spin@3.4.1`,
  });
}

/** @throws PoolproofError USAGE for a version that the model does not know */
function makeChecked(name: AdvisedName, version: string, facts: Facts): Advice {
  try {
    return makeAdvice(name, version, facts);
  } catch (cause) {
    if (!(cause instanceof AllocatorError)) throw cause;
    throw new PoolproofError('USAGE', `--host ${name}@${plainLine(version, 60)}: ${cause.message}`, {
      cause,
    });
  }
}

/** This machine without this very process, which will be over when the host starts. */
function readMachine(): Subject {
  const facts = readFacts();
  const { committedAs } = facts;
  const own = readUsage().chargedBytes;
  return {
    facts: { ...facts, committedAs: committedAs === null ? null : Math.max(0, committedAs - own) },
    unknown: facts.overcommitMemory === null ? ['/proc/sys/vm/overcommit_memory'] : [],
    versions: {},
    isHere: true,
  };
}

async function readReport(file: string): Promise<Subject> {
  const report = await loadFieldReport(file);
  const { spin, wasmtime, node } = report.programs;
  const version = (found: typeof spin): string | null =>
    typeof found === 'string' && found !== 'notFound' ? found : null;
  return {
    facts: factsOf(report),
    unknown: listUnknown(report),
    versions: { spin: version(spin), 'wasmtime-serve': version(wasmtime), node: version(node) },
    isHere: false,
  };
}

/** @throws PoolproofError USAGE for a `--program` that is none */
async function findProgram(name: AdvisedName, given: string | undefined): Promise<string | null> {
  const { program } = advisedHosts[name];
  if (given === undefined) return program === null ? null : findExecutable(program);
  if (program === null) throw new PoolproofError('USAGE', '--program: node is proven by poolproof itself');
  if (await isExecutable(given)) return path.resolve(given);
  throw new PoolproofError('USAGE', '--program: there is no such program', { file: given });
}

/** The wasm host itself: it proves its tier in a process of its own, and its report says which. */
async function proveNode(context: Context, { setup, reached }: Advice, options: Options): Promise<Proof> {
  const { kind, version } = resolveEngine('wasmtime');
  const library =
    textOption(options, 'library') ??
    process.env['POOLPROOF_LIBWASMTIME'] ??
    (await findEngineLibrary(version ?? '', cacheOption(options), notifyOf(context).onImageEvent));
  const { command, args } = hostCommand({
    ...{ engine: kind, library, profile: 'spin', node: process.execPath, once: true, digest: false },
    deadline: '60',
  });
  const { stdout, stderr } = await execa(command, [...args], {
    reject: false,
    env: { ...plainEnvironment(), ...setup.env },
    extendEnv: false,
    cancelSignal: context.signal,
  });
  const [said = '', json = ''] = stdout.split('\n');
  if (json === '')
    return { agrees: false, program: library, seen: `it did not come up: ${plainLine(stderr, 200)}` };
  const { tier, proof } = JSON.parse(json) as HostReport;
  return {
    agrees: tier === reached.tier && (proof?.slots ?? null) === reached.slots,
    program: library,
    seen: plainLine(said, 200),
  };
}
