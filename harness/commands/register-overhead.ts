/** The commands that measure on this computer, as the command line knows them. */
import { workloads } from '../../images/wasm-host/workloads/catalogue.ts';
import { cache, count, engine, example, library, node, type Registry } from './registry.ts';

/** One line per kind: a matrix and `--workloads` accept kinds and names. */
function listWorkloads(): string {
  const kinds = [...new Set(workloads.map(({ kind }) => kind))];
  const lines = kinds.map((kind) => {
    const names = workloads.filter((row) => row.kind === kind).map(({ name }) => name);
    return `  ${kind}: ${names.join(', ')}`;
  });
  return `Workloads by kind:\n${lines.join('\n')}\n`;
}

export function defineOverhead({ program, run }: Registry): void {
  program
    .command('overhead')
    .description('measure the cost of each tier on this very machine, compared with standard')
    .addOption(engine)
    .option('--tier <tier...>', 'only these tiers')
    .option('--workloads <names...>', 'only these workloads, or kinds of them')
    .option('--processes <n>', 'processes to measure in (default: 10)', count('--processes'))
    .option('--fresh', 'a fresh process for every sample, for flags that hold per process')
    .addOption(library)
    .addOption(node)
    .option('--json', 'summaries and raw samples as JSON')
    .addOption(cache)
    .addHelpText(
      'after',
      () => `\n${listWorkloads()}${example('poolproof overhead --engine v8 --processes 8')}`,
    )
    .action(run(async () => (await import('./overhead.ts')).overhead));

  program
    .command('serve-bench')
    .description(
      'measure what a request costs wasmtime serve and our host in each tier, on this very machine',
    )
    .option('--program <file>', 'wasmtime to run (default: the pinned one, fetched once)')
    .option('--modes <names...>', 'only these (harness/measure/README.md); spin is the baseline')
    .option('--work <names...>', 'only these: hello, touch-1, touch-16, touch-256, loop, sleep')
    .option('--connections <n...>', 'open at once, each with one request at a time', ['1', '2', '16'])
    .option('--seconds <n>', 'time for all samples (default: 2700)', count('--seconds'))
    .option('--requests <n>', 'most requests of one sample (default: 20000)', count('--requests'))
    .option('--json', 'as JSON, with the CPU and its load')
    .addOption(cache)
    .addHelpText(
      'after',
      example('poolproof serve-bench --work hello,touch-256 --connections 2 --seconds 60'),
    )
    .action(run(async () => (await import('./serve-bench.ts')).serveBench));
}
