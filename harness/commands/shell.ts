/** `poolproof shell <cell>`: a shell inside that cell's guest, with its settings applied. */
import { buildLimits, buildWrites } from '../guest/settings.ts';
import { openSession } from '../guest/open-session.ts';
import { buildSubject } from '../guest/subject.ts';
import { startMachine } from '../machine/machine.ts';
import { formatCellId, parseCellId } from '../matrix/cell-id.ts';
import { deadlinesFor } from '../plan/deadlines.ts';
import { buildMachineSpec } from '../plan/machine-spec.ts';
import { prepare } from '../prepare.ts';
import { PoolproofError } from '../errors.ts';
import { cacheOption, type Context } from './context.ts';
import { renderImageEvent } from './image-notices.ts';

// Ctrl-] leaves, as in telnet: every other key belongs to the guest.
const leaveKey = 0x1d;

export async function shell(
  context: Context,
  args: readonly string[],
  options: Readonly<Record<string, unknown>>,
): Promise<number> {
  const settings = parseCellId(args[0] ?? '');
  const cell = { id: formatCellId(settings), settings, expectation: null, repetition: 1 };
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
  await session.request({ verb: 'apply', settings: buildWrites(settings) }, deadlines.requestMs);
  const subject = buildSubject(settings, deadlines);
  await session.request(
    { verb: 'shell', limits: buildLimits(settings), env: { ...subject.env, TERM: 'vt100', PS1: 'guest# ' } },
    deadlines.requestMs,
  );
  context.err(
    `settings applied. The wasm host of this cell:\n  ${subject.command.join(' ')}\nexit or Ctrl-] leaves\n`,
  );

  const { stdin } = process;
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
  return 0;
}
