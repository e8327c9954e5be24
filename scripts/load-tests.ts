/**
 * How the tests load TypeScript: Node (22.18 or later) strips the types itself, in a tenth of the time that compiling
 * takes. What Node 22 cannot parse, `using` and `await using`, is compiled here. `.taprc` imports this file into every
 * test before all else.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire, enableCompileCache, registerHooks, setSourceMapsSupport } from 'node:module';
import { join } from 'node:path';
import { pid } from 'node:process';
import { fileURLToPath } from 'node:url';
import type * as esbuild from 'esbuild';

const cache = fileURLToPath(new URL('../.tap/cache', import.meta.url));

// Tests start children with this process' own arguments, and those for any Node with none of these.
process.execArgv = [`--import=${import.meta.url}`];
delete process.env['NODE_OPTIONS'];
delete process.env['NODE_COMPILE_CACHE'];

enableCompileCache(cache);

// Source maps for our files only: to read those of tap takes 0.05 s.
setSourceMapsSupport(true, { nodeModules: false, generatedCode: false });

// The tests need none of tap's loaders: one compiles TypeScript, one replaces modules, one notes which files a process
// loads. They take 0.2 s in each process, and the last puts itself into the NODE_OPTIONS of every child.
const tapsLoader = /\/@tapjs\/(?:mock|processinfo|typescript)\/dist\/esm\/import\.mjs$/;

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

/** The code of a file; esbuild, a process per call, compiles it only where `source` is not what it was last time. */
const compile = (file: string, source: string): string => {
  const cached = join(cache, `${digest(file)}.js`);
  const lastLine = `\n// ${digest(source)}\n`;
  const lastCode = existsSync(cached) ? readFileSync(cached, 'utf8') : '';
  if (lastCode.endsWith(lastLine)) return lastCode;
  const { transformSync } = createRequire(import.meta.url)('esbuild') as typeof esbuild;
  const { code } = transformSync(source, {
    loader: 'ts',
    target: 'node22',
    sourcemap: 'inline',
    sourcefile: file,
  });
  mkdirSync(cache, { recursive: true });
  writeFileSync(`${cached}.${pid}`, code + lastLine);
  renameSync(`${cached}.${pid}`, cached);
  return code;
};

registerHooks({
  load(url, context, nextLoad) {
    if (tapsLoader.test(url)) return { format: 'module', source: '', shortCircuit: true };
    const file = url.startsWith('file:') && url.endsWith('.ts') ? fileURLToPath(url) : null;
    const source = file === null ? '' : readFileSync(file, 'utf8');
    if (file === null || !/\busing \w+ =/.test(source)) return nextLoad(url, context);
    return { format: 'module', source: compile(file, source), shortCircuit: true };
  },
});
