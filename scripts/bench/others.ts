/** The work of one clone with other tools that a user could pick: start, `uname -r`, its answer, end; in turn. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import { buildCpio } from '../../images/archive/cpio.ts';
import { findExecutable } from '../../harness/plan/computer.ts';
import { spreadOf, time, withFolder, type Spread } from './measure.ts';

/** The kernel of a tool: the same for all that take one. */
export type Question = Readonly<{ qemu: string; kernel: string; release: string }>;

export type Others = Readonly<Record<string, Spread | string>>;

/** A script of ten lines: q35, the kernel, a static busybox as the whole of user space, the serial line. */
async function bootByHand({ qemu, kernel, release }: Question, initramfs: string): Promise<void> {
  const { stdout } = await execa(
    qemu,
    [
      ...[
        '-M',
        'q35',
        '-accel',
        'tcg',
        '-cpu',
        'max',
        '-m',
        '512',
        '-nographic',
        '-no-reboot',
        '-nodefaults',
      ],
      ...['-serial', 'stdio', '-kernel', kernel, '-initrd', initramfs],
      ...['-append', 'console=ttyS0 quiet panic=-1 reboot=t'],
    ],
    { stdin: 'ignore', timeout: 60_000 },
  );
  if (!stdout.includes(release)) throw new Error(`the script's guest answered ${stdout.slice(-200)}`);
}

function buildSmallInitramfs(busybox: string): Buffer {
  const init =
    '#!/bin/busybox sh\n/bin/busybox mount -t proc proc /proc\n/bin/busybox uname -r\n/bin/busybox reboot -f\n';
  const folders = ['bin', 'proc', 'dev'].map((name) => ({
    kind: 'folder' as const,
    path: name,
    mode: 0o755,
  }));
  return buildCpio([
    ...folders,
    { kind: 'file', path: 'bin/busybox', mode: 0o755, data: readFileSync(busybox) },
    { kind: 'file', path: 'init', mode: 0o755, data: Buffer.from(init) },
  ]);
}

/** Each tool that is installed, `n` times, alternating with `clone`; a sentence for one that is not. */
export async function benchOthers(
  n: number,
  question: Question,
  clone: () => Promise<unknown>,
): Promise<Others> {
  return withFolder(async (folder) => {
    const tools: Record<string, () => Promise<unknown>> = { clone };
    const found: Record<string, Spread | string> = {};
    const [busybox, vng] = await Promise.all(['busybox', 'vng'].map(findExecutable));
    if (busybox) {
      const initramfs = path.join(folder, 'initramfs');
      writeFileSync(initramfs, buildSmallInitramfs(busybox));
      tools['q35Script'] = () => bootByHand(question, initramfs);
    } else found['q35Script'] = 'no static busybox here';
    if (vng) {
      tools['virtmeNg'] = () =>
        execa(vng, ['-r', '--', 'uname', '-r'], { stdin: 'ignore', timeout: 180_000 });
    } else found['virtmeNg'] = 'not installed';
    const samples = new Map<string, number[]>();
    for (let round = 0; round < n; round += 1) {
      for (const [name, run] of Object.entries(tools)) {
        samples.set(name, [...(samples.get(name) ?? []), await time(run)]);
      }
    }
    return { ...found, ...Object.fromEntries([...samples].map(([name, list]) => [name, spreadOf(list)])) };
  });
}
