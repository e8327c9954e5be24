/** Compiles the worker as one script, in the same way when bytecode is made and when it runs. */
import { readFileSync } from 'node:fs';
import { Script } from 'node:vm';

/** Bytecode of the worker, beside the Node that accepts it. */
export const bytecodeFile = 'worker.bytecode';

/** The arguments that Node gives a CommonJS module. */
export type Main = (
  exports: object,
  require: NodeJS.Require,
  module: object,
  filename: string,
  dirname: string,
) => void;

/**
 * @param file `worker.cjs`
 * @param bytecode from `createCachedData` of the same Node; V8 refuses any other and compiles the source
 */
export function compileWorker(file: string, bytecode?: Buffer): Script {
  // One byte a character: the bundle is ASCII. The name is no path, so that bytecode is the same wherever it is made.
  const source = `(function (exports, require, module, __filename, __dirname) {${readFileSync(file, 'latin1')}\n})`;
  return new Script(source, {
    filename: 'worker.cjs',
    ...(bytecode !== undefined && { cachedData: bytecode }),
  });
}
