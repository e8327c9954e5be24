/** Makes V8's bytecode of the wasm host's worker, with the very Node that will run it. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { runProgram } from '../run-program.ts';

/**
 * Equal bytes on every computer: V8 seeds its hashes with chance, and by default compiles a function when it is first
 * called. Both are flags, and bytecode carries a digest of the flags it was made with.
 */
const steadyFlags = ['--hash-seed=1', '--no-lazy'];

/** Place of that digest: `SerializedCodeData::kFlagHashOffset`, V8 9 to 14. */
const flagDigest = { at: 12, bytes: 4 } as const;

/** It compiles one file and writes nothing. */
const bounds = { timeoutMs: 120_000, maxBytes: 2 ** 20 } as const;

/** Its maker and its source, in the compiled project. */
export const bytecodePrograms: readonly string[] = ['wasm-host/worker.cjs', 'wasm-host/keep-bytecode.cjs'];

/**
 * Bytecode that this Node takes when it is started without flags.
 *
 * @param node its program
 * @param hostFolder holds {@link bytecodePrograms}
 * @param workFolder for files on the way
 * @returns null where this computer cannot run that Node, or V8 refuses the bytecode: guests then compile the source
 */
export async function buildBytecode(
  node: string,
  hostFolder: string,
  workFolder: string,
): Promise<Buffer | null> {
  const [worker, keeper] = [path.join(hostFolder, 'worker.cjs'), path.join(hostFolder, 'keep-bytecode.cjs')];
  const run = async (flags: readonly string[], what: 'make' | 'check', file: string): Promise<boolean> => {
    // NODE_OPTIONS are flags too: those of the user do not count.
    const words = ['-i', node, ...flags, keeper, what, worker, file];
    return (await runProgram('env', words, bounds)).ok;
  };
  const [plain, steady] = [path.join(workFolder, 'plain'), path.join(workFolder, 'steady')];
  if (!(await run([], 'make', plain)) || !(await run(steadyFlags, 'make', steady))) return null;
  const bytes = await readFile(steady);
  (await readFile(plain)).copy(bytes, flagDigest.at, flagDigest.at, flagDigest.at + flagDigest.bytes);
  await writeFile(steady, bytes);
  return (await run([], 'check', steady)) ? bytes : null;
}
