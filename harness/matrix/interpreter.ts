/** What a program needs of a guest to start: its architecture, and its interpreter or loader. */
import { closeSync, openSync, readSync } from 'node:fs';
import path from 'node:path';
import { architectures, type Architecture } from '../../images/architectures.ts';
import { busyboxApplets } from '../../images/definitions.ts';

/** Programs name their loader within their first page. */
const headBytes = 4096;

/** `{files}/bin/server` → the file of this computer that it will be; null where no local file is. */
export function findProgram({
  run,
  files,
}: Readonly<{
  run: readonly string[];
  files: readonly Readonly<{ to: string; from: string }>[];
}>): string | null {
  const word = (run[0] ?? '').replace(/^\{files\}\//, '');
  for (const name of [word, `bin/${word}`])
    for (const { to, from } of files) {
      if (to === name) return from;
      if (name.startsWith(`${to}/`)) return path.join(from, name.slice(to.length + 1));
    }
  return null;
}

/** Path of the interpreter that a file names; null where it names none or cannot be read. */
export function readInterpreter(file: string): string | null {
  const head = readHead(file);
  const text = head.toString('latin1');
  if (text.startsWith('#!')) return /^#!\s*(\S+)/.exec(text)?.[1] ?? null;
  if (!isElf(head)) return null;
  const [table, entry, count] = [
    Number(head.readBigUInt64LE(32)),
    head.readUInt16LE(54),
    head.readUInt16LE(56),
  ];
  for (let at = table; at < table + count * entry && at + 56 <= head.length; at += entry) {
    if (head.readUInt32LE(at) !== 3) continue; // PT_INTERP
    const from = Number(head.readBigUInt64LE(at + 8));
    const end = text.indexOf('\0', from);
    return end === -1 ? null : text.slice(from, end);
  }
  return null;
}

/** e_machine of an ELF file; null where it is none. */
export function readElfMachine(file: string): number | null {
  const head = readHead(file);
  return isElf(head) ? head.readUInt16LE(18) : null;
}

/** 64 bit, little endian: other programs cannot start in a guest for another reason. */
const isElf = (head: Buffer): boolean =>
  head.length >= 64 && head.subarray(0, 6).toString('latin1') === '\x7fELF\x02\x01';

function readHead(file: string): Buffer {
  const head = Buffer.alloc(headBytes);
  try {
    const open = openSync(file, 'r');
    try {
      return head.subarray(0, readSync(open, head, 0, headBytes, 0));
    } finally {
      closeSync(open);
    }
  } catch {
    return Buffer.alloc(0);
  }
}

/** Where programs of an architecture look for their loader. */
export const loaderPath = ({ debian: { loader, loaderFolder } }: Architecture): string =>
  `/${loaderFolder ?? 'lib'}/${loader}`;

/** Whether guests of any architecture have it. Files below /disks are those of subjects and images. */
export function isInGuest(interpreter: string): boolean {
  if (interpreter.startsWith('/disks/') || architectures.map(loaderPath).includes(interpreter)) return true;
  const [, name = ''] = /^\/bin\/([^/]+)$/.exec(interpreter) ?? [];
  return name === 'busybox' || busyboxApplets.includes(name);
}
