/** A shell in the guest of a cell, with its limits and kernel settings applied: for `shell` and `repro --shell`. */
import { applySettings } from '../guest/observe.ts';
import { buildLimits } from '../axes/guest-settings.ts';
import { openSession } from '../guest/open-session.ts';
import { buildForeignCommand, buildHostCommand } from '../guest/guest-command.ts';
import { startMachine } from '../machine/machine.ts';
import type { Cell } from '../matrix/cell.ts';
import { deadlinesFor } from '../plan/deadlines.ts';
import { buildMachineSpec } from '../plan/machine-spec.ts';
import { prepare } from '../run/prepare.ts';
import { PoolproofError } from '../errors.ts';
import { cacheOption, type Context } from './context.ts';
import { renderImageEvent } from './image-notices.ts';

// Ctrl-] leaves, as in telnet: every other key belongs to the guest.
const leaveKey = 0x1d;

/** A word as one types it into the guest's shell. */
const quote = (word: string): string =>
  /^[\w/.:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

export async function openGuestShell(
  context: Context,
  cell: Cell,
  options: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { settings } = cell;
  const prepared = await prepare([cell], {
    cacheDir: cacheOption(options),
    onImageEvent: (event) => context.err(renderImageEvent(event)),
  });
  const images = prepared.images.get(settings.kernel);
  if (images === undefined)
    throw new PoolproofError('IMAGE_UNKNOWN', `no image for kernel ${settings.kernel}`);
  const { accelerator } = prepared.accelerator;
  const deadlines = deadlinesFor(accelerator);
  const spec = buildMachineSpec(settings, images, { qemu: prepared.qemu.path, accelerator });
  context.err(`booting ${cell.id}\n`);
  await using machine = await startMachine(spec, { kind: 'boot' });
  const session = await openSession(machine, deadlines);
  await applySettings(session, settings, deadlines);
  const folder = images.subjects?.[settings.subject] ?? null;
  const subject =
    cell.subject === undefined
      ? buildHostCommand(settings, deadlines)
      : buildForeignCommand(cell.subject, settings, folder, deadlines);
  await session.request(
    { verb: 'shell', limits: buildLimits(settings), env: { ...subject.env, TERM: 'vt100', PS1: 'guest# ' } },
    deadlines.requestMs,
  );
  const what = cell.subject === undefined ? 'The wasm host' : `The subject ${cell.subject.name}`;
  context.err(
    `settings applied. ${what} of this cell:\n  ${subject.command.map(quote).join(' ')}\nexit or Ctrl-] leaves\n`,
  );

  const { stdin } = process;
  // The terminal is to be put back as it was.
  context.finishOnSignal();
  const left = new Promise<void>((resolve) => {
    const onKey = (chunk: Buffer): void => {
      if (chunk.includes(leaveKey)) resolve();
      else machine.serial.write(chunk);
    };
    stdin.on('data', onKey);
    stdin.once('end', () => machine.serial.write('\x04'));
    machine.serial.on('data', (chunk: Buffer) => context.stdout.write(chunk));
    void session.waitForNote('closed').then(resolve, () => resolve());
    void machine.exited.then(() => resolve());
    context.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  if (stdin.isTTY) stdin.setRawMode(true);
  stdin.resume();
  await left;
  if (stdin.isTTY) stdin.setRawMode(false);
  stdin.pause();
  stdin.removeAllListeners('data');
}
