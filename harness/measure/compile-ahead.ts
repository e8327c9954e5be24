/**
 * The workloads' modules as machine code, made once in a guest with the CPU of those that measure: its flags
 * decide the code. Compiling under emulation takes half a minute, so the result is kept as a disk in the cache.
 */
import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { extract } from 'tar';
import { buildErofs } from '../../images/archive/erofs.ts';
import type { EngineKind } from '../../images/allocator/tier.ts';
import { workloadsDisk } from '../../images/definitions.ts';
import { measureCommand } from '../../images/wasm-host/measure-command.ts';
import { compilerFlags } from '../../images/wasm-host/measure-v8.ts';
import { PoolproofError } from '../errors.ts';
import { openSession, stopOnAbort } from '../guest/open-session.ts';
import { readSubjectRun } from '../guest/observe.ts';
import type { Session } from '../guest/session.ts';
import type { StartMachine } from '../machine/machine.ts';
import { deadlinesFor } from '../plan/deadlines.ts';
import type { MachineSpec } from '../plan/machine-spec.ts';
import { formatConfiguration, type TierConfiguration } from './configurations.ts';
import { buildMeasureRequest, guestEnv, type GuestEngine } from './guest-process.ts';
import type { PoolOverrides } from './pool-overrides.ts';

export type Compilation = Readonly<{
  engine: GuestEngine;
  subject: TierConfiguration;
  /** What a cell changes of the tier's own settings. */
  overrides: PoolOverrides | null;
  /** Names of workloads whose modules are needed. */
  workloads: readonly string[];
  /** Of the machine that is to measure: CPU, kernel, disks. */
  spec: MachineSpec;
  cacheDir: string;
  qemuTitle: string;
  startMachine: StartMachine;
  signal: AbortSignal;
}>;

/** Compiling holds an engine, its input and the result: what a guest needs for it, whatever the cell has. */
const memoryMib = 2048;

const compileSeconds = 400;

/** One reply holds this much of a subject's output; a whole number of blocks of 4096. */
const chunkBlocks = 60;
const chunkBytes = chunkBlocks * 4096;

/**
 * Form that stands for all with the same settings for code. Elided checks: the tier makes no difference, and
 * on-demand needs no pool to compile for.
 */
export function representativeOf(
  engine: EngineKind,
  subject: TierConfiguration,
  overrides: PoolOverrides | null,
): TierConfiguration {
  if (subject.checks === 'explicit' || overrides !== null) return subject;
  return engine === 'v8' ? { tier: 'standard', checks: 'elided' } : { tier: 'on-demand', checks: 'elided' };
}

/**
 * Path of the disk with the workloads' modules in the code of a form; built when it is not there.
 *
 * @throws PoolproofError MEASURE_FAILED when compiling fails; those of a machine; DISK_FULL
 */
export async function compileAhead(ahead: Compilation): Promise<string> {
  const form = representativeOf(ahead.engine.kind, ahead.subject, ahead.overrides);
  const folder = path.join(ahead.cacheDir, 'modules');
  const file = path.join(folder, `${digestAhead(ahead, form)}.erofs`);
  if (existsSync(file)) return file;
  await mkdir(folder, { recursive: true });
  const work = await mkdtemp(path.join(folder, '.building-'));
  try {
    const archive = path.join(work, 'modules.tgz');
    await writeFile(archive, await compileInGuest(ahead, form));
    const tree = path.join(work, 'tree');
    await mkdir(tree);
    await extract({ file: archive, cwd: tree, strict: true });
    const disk = path.join(work, `${randomUUID()}.erofs`);
    await buildErofs(tree, disk);
    // Two that build the same at a time make the same: either may win.
    await rename(disk, file);
    return file;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Raised when the same inputs are to give other files. */
const formatVersion = 1;

/**
 * Everything the code depends on: the engine and its settings, the CPU as this QEMU makes it, the modules (a
 * disk is named by its digest). What the measuring program looks for under another name is not found, and the
 * process says so.
 */
function digestAhead(
  { engine, spec, qemuTitle, workloads, overrides }: Compilation,
  form: TierConfiguration,
): string {
  const modules = spec.disks.find(({ name }) => name === workloadsDisk)?.path;
  // V8 is Node's own.
  const version = engine.kind === 'v8' ? engine.nodeVersion : engine.version;
  const settings = engine.kind === 'v8' ? compilerFlags : formatConfiguration(form);
  const parts = [formatVersion, engine.kind, version, form, settings, spec.cpuModel, qemuTitle];
  const content = [...workloads, modules, ...(overrides === null ? [] : [overrides])];
  return createHash('sha256')
    .update(JSON.stringify([parts, content]))
    .digest('hex')
    .slice(0, 32);
}

async function compileInGuest(ahead: Compilation, form: TierConfiguration): Promise<Buffer> {
  const spec: MachineSpec = { ...ahead.spec, memoryMib, cpus: 1, icountShift: null };
  const deadlines = deadlinesFor('tcg');
  await using machine = await ahead.startMachine(spec, { kind: 'boot' });
  using _stop = stopOnAbort(machine, ahead.signal);
  const session = await openSession(machine, deadlines);
  const { command, args } = measureCommand({
    ...buildMeasureRequest(ahead.engine, '/tmp/modules'),
    ...ahead.overrides,
    subjects: [form],
    workloads: ahead.workloads,
    samples: 0,
  });
  await run(session, [command, ...args], 'compiling the workloads');
  await run(session, ['/bin/tar', '-czf', '/tmp/modules.tgz', '-C', '/tmp/modules', '.'], 'packing modules');
  return await fetchFile(session, '/tmp/modules.tgz');
}

async function run(session: Session, command: readonly string[], doing: string): Promise<Buffer> {
  const reply = await session.run(
    { limits: {}, factPaths: [], env: guestEnv, command },
    { ms: compileSeconds * 1000, replyMs: deadlinesFor('tcg').requestMs },
  );
  const { exitCode, stderr } = readSubjectRun(reply);
  if (exitCode !== 0) throw new PoolproofError('MEASURE_FAILED', `${doing} in a guest failed`, { stderr });
  return reply.data['out'] ?? Buffer.alloc(0);
}

/** A file of the guest, piece by piece, with the guest's own checksum over the whole. */
async function fetchFile(session: Session, file: string): Promise<Buffer> {
  const told = (await run(session, ['/bin/sha256sum', file], 'adding up')).toString('latin1').slice(0, 64);
  const pieces: Buffer[] = [];
  for (;;) {
    const from = ['bs=4096', `skip=${pieces.length * chunkBlocks}`, `count=${chunkBlocks}`];
    const piece = await run(session, ['/bin/dd', `if=${file}`, ...from], 'fetching modules');
    pieces.push(piece);
    if (piece.length < chunkBytes) break;
  }
  const whole = Buffer.concat(pieces);
  const found = createHash('sha256').update(whole).digest('hex');
  if (found !== told)
    throw new PoolproofError('MEASURE_FAILED', 'modules were damaged on their way from a guest');
  return whole;
}
