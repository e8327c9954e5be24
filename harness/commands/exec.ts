/** `poolproof exec <cell> -- command`: a command in that cell's guest, with its settings applied. */
import { constants } from 'node:os';
import { posix } from 'node:path';
import { nodePath } from '../../images/definitions.ts';
import { PoolproofError } from '../errors.ts';
import { buildCell } from '../field/results.ts';
import { type Guest, openCell } from '../library/open-guest.ts';
import { parseCellId } from '../matrix/cell-id.ts';
import { cacheOption, notifyOf, type Context } from './context.ts';
import { type DiskOptions, readDiskOption } from './disk-option.ts';
import { type KernelOptions, useKernel } from './kernel-option.ts';

type Options = KernelOptions &
  DiskOptions &
  Readonly<{ cache?: string | undefined; timeout?: number | undefined }>;

/** Longer than anybody waits at a terminal. */
const defaultSeconds = 3600;

/** Of each stream; both fit into the session's own memory in the guest with room to spare. */
const keptBytes = 768 * 1024;

/** Each piece of the input is a request of its own: more would take minutes under emulation. */
const maxInputBytes = 4 * 2 ** 20;

/** As base64 it fits into one request. */
const pieceBytes = 11_400;

/** In the guest: what came over standard input. */
const inputFile = '/tmp/.poolproof-input';

/** Exit codes of a shell: 124 as timeout(1), 128 and the number for a signal. */
const lateCode = 124;
const signalBase = 128;

/** Exit code: the command's own. @throws PoolproofError as `Guest.exec` does */
export async function exec(
  context: Context,
  [id = '', ...command]: readonly string[],
  { timeout: seconds = defaultSeconds, ...options }: Options,
): Promise<number> {
  const cell = buildCell(useKernel(parseCellId(id), options));
  context.err(`booting ${cell.id}\n`);
  const { onImageEvent } = notifyOf(context);
  const disks = readDiskOption(options);
  const opened = openCell(cell, { cacheDir: cacheOption(options), onImageEvent, disks }, context.seams);
  // Read while the guest boots; it ends with the input that goes nowhere when the guest does not come up.
  const input = readInput(context);
  input.catch(() => undefined);
  await using guest = await opened;
  const bytes = await input;
  if (bytes !== null) await sendInput(guest, bytes);
  const run = await guest.exec(
    // The shell looks for the command in PATH, which the session does not.
    ['/bin/sh', '-c', bytes === null ? 'exec "$@"' : 'exec "$@" <"$0"', inputFile, ...command],
    {
      env: { ...guest.subject.env, PATH: withNode(cell.settings.node, guest.subject.env['PATH']) },
      timeoutMs: seconds * 1000,
      keptBytes,
    },
  );
  context.stdout.write(run.output.stdout);
  context.stderr.write(run.output.stderr);
  for (const [name, dropped] of [
    ['output', run.stdoutDropped],
    ['error', run.stderrDropped],
  ] as const)
    if (dropped > 0) context.err(`notice: ${dropped} bytes of standard ${name} were not kept\n`);
  if (run.timedOut) {
    context.err(`notice: ended after ${seconds} s (--timeout)\n`);
    return lateCode;
  }
  const signal = Object.entries(constants.signals).find(([name]) => name === run.signal)?.[1];
  const code = run.exitCode ?? (signal === undefined ? null : signalBase + signal);
  if (code === null || run.helperLost)
    throw new PoolproofError('NO_VERDICT', 'the session in the guest lost sight of the command');
  return code;
}

/** The cell's Node is found by its name. */
const withNode = (node: string, folders = '/bin'): string =>
  [...new Set([...folders.split(':'), posix.dirname(nodePath(node))])].join(':');

/**
 * Piped input, to its end; null at a terminal and where it is empty.
 * @throws PoolproofError USAGE when it is too much
 */
async function readInput({ stdin = process.stdin }: Context): Promise<Buffer | null> {
  if (stdin.isTTY) return null;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stdin) {
    chunks.push(chunk as Buffer);
    size += (chunk as Buffer).length;
    if (size > maxInputBytes)
      throw new PoolproofError('USAGE', `more than ${maxInputBytes / 2 ** 20} MiB of input`, {
        hint: 'make the file part of a subject of a matrix: a disk of the guest',
      });
  }
  return size === 0 ? null : Buffer.concat(chunks);
}

/** Puts the input into a file of the guest. */
async function sendInput(guest: Guest, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    const piece = bytes.toString('base64', at, at + pieceBytes);
    const script = 'printf %s "$1" | base64 -d >>"$0"';
    const { exitCode, stderr } = await guest.exec(['/bin/sh', '-c', script, inputFile, piece]);
    if (exitCode !== 0) throw new PoolproofError('NO_VERDICT', 'the guest cannot take the input', { stderr });
  }
}
