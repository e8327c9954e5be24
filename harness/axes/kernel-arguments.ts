/** The kind of a kernel's arguments: words of its command line, behind those that every guest has. */
import { z } from 'zod';
import type { AxisKind } from './kinds.ts';

/** A word, and what to write instead of it. */
type Reserved = Readonly<{ word: RegExp; instead: string }>;

const every = 'every guest has it';
const axis = (name: string): string => `use the axis \`${name}\``;

/** What the harness sets itself, or reads back as an axis of its own. */
const reserved: readonly Reserved[] = [
  {
    word: /^(?:console|earlycon|earlyprintk)$/,
    instead: 'the console belongs to the harness: see console.log',
  },
  { word: /^(?:quiet|loglevel)$/, instead: 'the first line of the kernel shows that a guest boots' },
  {
    word: /^(?:root|rootfstype|rootflags|rootwait|ro|rw|init|rdinit|initrd|noinitrd)$/,
    instead: 'a guest runs from its initramfs',
  },
  { word: /^(?:panic|reboot|oops)$/, instead: 'a panic ends the guest' },
  {
    word: /^(?:clocksource|tsc|no_timer_check)$/,
    instead: "the guest's clock is set by its architecture and accelerator",
  },
  { word: /^(?:nokaslr|kaslr)$/, instead: `the kernel is never at a random place: ${every}` },
  { word: /^(?:random\.trust_cpu|printk\.devkmsg|i8042\..*)$/, instead: every },
  { word: /^poolproof\..*$/, instead: 'names with poolproof. belong to the harness' },
  { word: /^(?:mem|memmap)$/, instead: axis('memory') },
  { word: /^(?:maxcpus|nr_cpus|nosmp)$/, instead: axis('cpus') },
  { word: /^transparent_hugepage$/, instead: axis('thp') },
  { word: /^(?:hugepages|hugepagesz|default_hugepagesz)$/, instead: axis('hugepages') },
  { word: /^sysctl\..*$/, instead: 'use the axis of that setting' },
  { word: /^--$/, instead: 'init takes no arguments' },
];

/** `quiet` of `quiet`, `console` of `console=ttyS0`; the kernel takes `-` and `_` for the same. */
const nameOf = (word: string): string =>
  word === '--' ? word : word.replace(/=.*$/, '').replaceAll('-', '_');

const wordPattern = /^[A-Za-z0-9_.:=/@;~,-]+$/;
/** Of all words together; the kernel's own limit is 2048 (x86-64), and the harness needs a part of it. */
const maxLength = 1024;

const findInstead = (word: string): string | null =>
  reserved.find((row) => row.word.test(nameOf(word)))?.instead ?? null;

/** Words as the kernel has them, of those in a cell's id. */
export const spellOut = (text: string): string => text.replaceAll('+', ' ').replaceAll('%2C', ',');

/** None, as a matrix and an id have it. */
const none = 'none';

/**
 * Values are words with a space between them, in their order, which matters to the kernel. A cell's id has plus signs
 * for the spaces and %2C for commas; both are read everywhere.
 */
export const kernelWords = (): AxisKind<string | null> => ({
  expects: `words of a kernel command line, such as no5lvl or "nosmap hpet=disable", or ${none}`,
  // No union with `none`: it would hide the reason of a refusal.
  schema: z
    .string()
    .max(maxLength)
    .nullable()
    .transform((text, context) => {
      if (text === null || text === none) return null;
      const words = spellOut(text).split(/\s+/).filter(Boolean);
      const refuse = (message: string): void => context.addIssue({ code: 'custom', message });
      if (words.length === 0) refuse(`no word: \`${none}\` leaves the command line as it is`);
      for (const word of words) {
        const instead = findInstead(word);
        if (!wordPattern.test(word))
          refuse(`${JSON.stringify(word)} has a character that no cell id can hold`);
        else if (instead !== null) refuse(`${word} cannot be set here: ${instead}`);
      }
      return words.join(' ');
    }),
  stored: z.string().nullable(),
  format: (text) => text?.replaceAll(' ', '+').replaceAll(',', '%2C') ?? none,
  suggest: () => null,
});
