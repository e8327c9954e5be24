/**
 * Assembles the guest's small programs, images/guest/programs/<architecture>/*.s, into the bytes that are built into an
 * image: images/guest/programs/<architecture>.ts. The bytes are checked in, so only who changes a program needs binutils.
 * With `--check` it only compares, and ends with 1 when they are out of date.
 * Run from the root of the repository: `node dist/scripts/generate-guest-programs.js [--check]`.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { execa } from 'execa';
import writeFileAtomic from 'write-file-atomic';

/** What the assembler is told for each architecture. */
const assemblerOptions = { 'x86-64': ['--64'] } as const;

/** The bytes of a program's only section, in base64. @throws Error with the assembler's words. */
async function assemble(source: string, options: readonly string[]): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'poolproof-assemble-'));
  try {
    const [object, code] = [path.join(folder, 'object'), path.join(folder, 'code')];
    await execa('as', [...options, '-o', object, source]);
    await execa('objcopy', ['-O', 'binary', '-j', '.text', object, code]);
    return (await readFile(code)).toString('base64');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Path → text, relative to the root of the repository. */
async function renderFiles(): Promise<Readonly<Record<string, string>>> {
  const files: Record<string, string> = {};
  for (const [architecture, options] of Object.entries(assemblerOptions)) {
    const folder = path.join('images/guest/programs', architecture);
    const names = (await readdir(folder)).filter((name) => name.endsWith('.s')).sort();
    const rows = await Promise.all(
      names.map(async (name) => {
        const bytes = await assemble(path.join(folder, name), options);
        return `  ${path.basename(name, '.s')}: '${bytes}',\n`;
      }),
    );
    files[`${folder}.ts`] =
      `/** Machine code of the guest's small programs, in base64. Generated from ${architecture}/*.s: \`npm run generate\`. */\n` +
      `export const programs = {\n${rows.join('')}} as const;\n`;
  }
  return files;
}

const isCheck = process.argv.includes('--check');
if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const [file, after] of Object.entries(await renderFiles())) {
    const before = await readFile(file, 'utf8').catch(() => null);
    if (before === after) continue;
    process.stderr.write(`${file}: ${isCheck ? 'out of date, run: npm run generate' : 'written'}\n`);
    if (isCheck) process.exitCode = 1;
    else await writeFileAtomic(file, after);
  }
}
