/**
 * Assembles the guest's small programs, `images/guest/programs/<architecture>/*.s`, into the bytes that are built into
 * images; `*.macros` are parts of them, and files beside these folders are parts of every architecture's. The bytes,
 * `images/guest/programs/<architecture>.ts`, are checked in: binutils are only needed to change a program.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa, ExecaError } from 'execa';
import { architectures, type Architecture } from '../images/architectures.ts';
import type { GeneratedFiles } from './generate.ts';

/** The bytes of a program's only section, in base64. @throws Error with the assembler's message. */
async function assemble(
  source: string,
  { toolPrefix, toolPackage, assemblerOptions }: Architecture['program'],
): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'poolproof-assemble-'));
  try {
    const [object, linked] = [path.join(folder, 'object'), path.join(folder, 'linked')];
    const code = path.join(folder, 'code');
    const assembled = execa(`${toolPrefix}as`, [
      ...assemblerOptions,
      ...['-I', path.dirname(source), '-I', path.dirname(path.dirname(source)), '-o', object, source],
    ]);
    await assembled.catch((cause: unknown) => {
      const missing = cause instanceof ExecaError && cause.code === 'ENOENT';
      throw missing ? new Error(`the package ${toolPackage} is not installed`, { cause }) : cause;
    });
    // Addresses are relative ones: only that of riscv64 leaves them to the linker.
    await execa(`${toolPrefix}ld`, ['--no-relax', '-Ttext=0', '-o', linked, object]);
    await execa(`${toolPrefix}objcopy`, ['-O', 'binary', '-j', '.text', linked, code]);
    return (await readFile(code)).toString('base64');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** One generated file per architecture. */
export async function renderGuestPrograms(root: string): Promise<GeneratedFiles> {
  const files: Record<string, string> = {};
  for (const { name: architecture, program } of architectures) {
    const folder = path.join('images/guest/programs', architecture);
    const names = (await readdir(path.join(root, folder))).filter((name) => name.endsWith('.s')).sort();
    const rows = await Promise.all(
      names.map(async (name) => {
        const bytes = await assemble(path.join(root, folder, name), program);
        const key = path.basename(name, '.s');
        return `  ${key.includes('-') ? `'${key}'` : key}: '${bytes}',\n`;
      }),
    );
    files[`${folder}.ts`] =
      `/** Machine code of the guest's small programs, in base64. Generated from ${architecture}/*.s: \`npm run generate\`. */\n` +
      `export const programs = {\n${rows.join('')}} as const;\n`;
  }
  return files;
}
