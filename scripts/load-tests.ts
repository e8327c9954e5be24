/**
 * How the tests load TypeScript: Node (22.18 or later) strips the types itself, in a tenth of the time that compiling
 * takes. What Node 22 cannot parse, `using` and `await using`, is compiled here. `.taprc` turns tap's own loader off.
 */
import { readFileSync } from 'node:fs';
import { createRequire, registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import { transformSync } from 'esbuild';

// Were it still set when tap starts, tap would put flags into the NODE_OPTIONS of all children, and older Nodes refuse
// those. Tests start children with this process' own arguments: those do without tap's loader.
delete process.env['TAP_TYPE_STRIP_ONLY'];
process.execArgv = process.execArgv.filter((word) => !word.includes('@tapjs/typescript'));

// Tap gives every child a loader that counts covered files, by NODE_OPTIONS and by a listener: half a second and six
// open files each time. Coverage is counted by c8.
delete process.env['NODE_OPTIONS'];
const processOnSpawn = createRequire(import.meta.url)('process-on-spawn') as { removeAllListeners(): void };
processOnSpawn.removeAllListeners();

registerHooks({
  load(url, context, nextLoad) {
    const file = url.startsWith('file:') && url.endsWith('.ts') ? fileURLToPath(url) : null;
    const source = file === null ? '' : readFileSync(file, 'utf8');
    if (file === null || !/\busing \w+ =/.test(source)) return nextLoad(url, context);
    const { code } = transformSync(source, {
      loader: 'ts',
      target: 'node22',
      sourcemap: 'inline',
      sourcefile: file,
    });
    return { format: 'module', source: code, shortCircuit: true };
  },
});
