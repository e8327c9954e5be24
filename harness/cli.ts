#!/usr/bin/env node
/**
 * The process of a command. It begins with what happens to errors that nobody catches: they say nothing about a cell,
 * so they end with exit code 2 or 3 and a sentence. Nothing is imported before that, as loading may fail too.
 */
let render = (error: unknown): string => {
  const message = error instanceof Error ? error.message : String(error);
  const [code, hint] = message.startsWith('EMFILE')
    ? ['TOO_MANY_FILES', 'raise the limit, for example with: ulimit -n 1024']
    : ['UNEXPECTED', 'is this installation whole?'];
  return `${code}: poolproof cannot be loaded: ${message}\n  ${hint}`;
};

/** What cannot even be loaded is a computer that is not set up. */
let exitCodeOf = (_error: unknown): number => 3;

/** QEMU and the tools end with this process. */
const stop = (error: unknown): never => {
  process.stderr.write(`${render(error)}\n`);
  process.exit(exitCodeOf(error));
};
process.on('uncaughtException', stop);
process.on('unhandledRejection', stop);

const leastNode = 22;
if (Number.parseInt(process.versions.node) < leastNode) {
  process.stderr.write(
    `NODE_TOO_OLD: poolproof needs Node ${leastNode} or later; this is ${process.versions.node}\n` +
      '  in a checkout, ./scripts/poolproof brings one and runs it\n',
  );
  process.exit(3);
}

try {
  const { exitCodeOfError, renderError } = await import('./errors.ts');
  render = renderError;
  exitCodeOf = exitCodeOfError;
  const { main, wantsTrace } = await import('./program.ts');
  const { openContext } = await import('./commands/context.ts');
  const { showable } = await import('./plain-text.ts');
  const argv = process.argv.slice(2);
  render = (error) => showable(renderError(error, { verbose: wantsTrace(argv) }), false);
  const context = await openContext(argv);
  process.exitCode = await main(argv, context);
  context.close();
} catch (error) {
  stop(error);
}
