/**
 * One of the processes of `run-tests.ts`: it imports test files one after another, each into a test of its own, and
 * asks its parent for the next. What a file leaves behind in environment, working folder and exit code is put right.
 */
import { once } from 'node:events';
import { registerHooks } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import t, { type Test } from 'tap';

/** As the `timeout` of `.taprc`. */
const fileTimeoutMs = 600_000;
/** How long the process may stay open after its last test. */
const endTimeoutMs = 3000;

/**
 * A process with more memory than this takes no further file. It starts children by copying its page tables: that takes
 * 4 ms at 50 MB and 31 ms at 650 MB, and V8 hardly gives memory back.
 */
const mostBytes = 400 * 2 ** 20;

/** Of each test file, by the module that it imports as `tap`: the test that all of its tests belong to. */
const testOf = new Map<string, Test>();
const nameModule = (fileUrl: string): string => `tap-of:${fileUrl}`;
const key = 'poolproof: tests of files';
Object.assign(globalThis, { [key]: testOf });

// `import t from 'tap'` gives a file the root of the process. For several files that would be one: what one sets up
// would hold for all, and tap ends a root that has a teardown as soon as it is idle, which it is while a file loads.
// The tests of that file and of all behind it would be refused.
registerHooks({
  resolve(specifier, context, nextResolve) {
    const url = nameModule(context.parentURL ?? '');
    if (specifier !== 'tap' || !testOf.has(url)) return nextResolve(specifier, context);
    return { url, format: 'module', shortCircuit: true };
  },
  load(url, context, nextLoad) {
    if (!testOf.has(url)) return nextLoad(url, context);
    const source = `export default globalThis[${JSON.stringify(key)}].get(${JSON.stringify(url)});`;
    return { format: 'module', source, shortCircuit: true };
  },
});

/** The state of the process that a test file may change; returns how it is put right. */
function keepState(): () => void {
  const [env, cwd] = [{ ...process.env }, process.cwd()];
  return () => {
    process.chdir(cwd);
    for (const name of Object.keys(process.env))
      if (!(name in env)) Reflect.deleteProperty(process.env, name);
    Object.assign(process.env, env);
    process.exitCode = undefined;
  };
}

async function runFile(file: string): Promise<void> {
  const { href } = pathToFileURL(file);
  const putRight = keepState();
  const results = await t.test(file, { timeout: fileTimeoutMs }, async (test) => {
    // A folder per file, as with a process per file: two files may have equal titles.
    test.testdirName = path.resolve('.tap/fixtures', file.replaceAll('/', '-'));
    testOf.set(nameModule(href), test);
    await import(href);
  });
  putRight();
  if (results?.count === 0) t.fail(`${file}: it has no test`);
}

/** Asks for a file; undefined when there is none left. */
async function askForFile(): Promise<string | undefined> {
  // tap lets the process end while it waits for a message.
  process.channel?.ref();
  process.send?.('next');
  const [{ file }] = (await once(process, 'message')) as [{ file?: string }];
  process.channel?.unref();
  return file;
}

t.setTimeout(0);
for (let file = await askForFile(); file !== undefined;) {
  await runFile(file);
  file = process.memoryUsage.rss() > mostBytes ? undefined : await askForFile();
}
process.send?.('done');
process.disconnect();
setTimeout(() => {
  process.stderr.write(`still open after the last test: ${process.getActiveResourcesInfo().join(', ')}\n`);
  process.exit(1);
}, endTimeoutMs).unref();
