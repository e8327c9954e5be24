/** A shell in the guest of a cell, with its limits and kernel settings applied: for `shell` and `repro --shell`. */
import { openCell } from '../library/open-guest.ts';
import type { Cell } from '../matrix/cell.ts';
import { cacheOption, notifyOf, type Context } from './context.ts';
import { type DiskOptions, readDiskOption } from './disk-option.ts';

// Ctrl-] leaves, as in telnet: every other key belongs to the guest.
const leaveKey = 0x1d;

const newline = 0x0a;
const endKey = '\x04';

/** The end of the input is typed until the shell ends: a running command takes one, and a starting shell loses one. */
const endEveryMs = 300;

/** A word as one types it into the guest's shell. */
const quote = (word: string): string =>
  /^[\w/.:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

export async function openGuestShell(
  context: Context,
  cell: Cell,
  options: DiskOptions & Readonly<{ cache?: unknown }>,
): Promise<void> {
  context.err(`booting ${cell.id}\n`);
  const { onImageEvent } = notifyOf(context);
  const guestOptions = { cacheDir: cacheOption(options), onImageEvent, disks: readDiskOption(options) };
  await using guest = await openCell(cell, guestOptions, context.seams);
  const { terminal, closed } = await guest.openShell();
  const what = cell.subject === undefined ? 'The wasm host' : `The subject ${cell.subject.name}`;
  context.err(
    `settings applied. ${what} of this cell:\n  ${guest.subject.command.map(quote).join(' ')}\nexit or Ctrl-] leaves\n`,
  );

  const stdin = context.stdin ?? process.stdin;
  // The terminal is to be put back as it was.
  context.finishOnSignal();
  let ended = true;
  let ending: NodeJS.Timeout | undefined;
  const left = new Promise<void>((resolve) => {
    stdin.on('data', (chunk: Buffer) => {
      if (chunk.includes(leaveKey)) resolve();
      else terminal.write(chunk);
      ended = chunk.at(-1) === newline;
    });
    stdin.once('end', () => {
      if (!ended) terminal.write('\n');
      ending = setInterval(() => terminal.write(endKey), endEveryMs);
    });
    terminal.on('data', (chunk: Buffer) => context.stdout.write(chunk));
    void closed.then(resolve);
    context.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  if (stdin.isTTY) stdin.setRawMode(true);
  stdin.resume();
  await left;
  clearInterval(ending);
  if (stdin.isTTY) stdin.setRawMode(false);
  stdin.pause();
  stdin.removeAllListeners('data');
}
