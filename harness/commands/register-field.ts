/** The commands about failures of other people's machines, as the command line knows them. */
import { Option } from '@commander-js/extra-typings';
import { cache, count, duration, example, type Registry } from './registry.ts';

const keep = new Option(
  '--results <dir>',
  'store the runs of the guests that are booted in this folder, and look for stored results there',
);
const tier = new Option('--tier <tier>', 'the wanted tier (default: standard; of a real host, any pool)');

export function defineReproduction({ program, run }: Registry): void {
  program
    .command('capture')
    .description(
      'print the script that captures a field report on a machine without poolproof, or run it here',
    )
    .argument('[command...]', 'with --run: the command that fails')
    .option('--run', 'run it here instead of printing it')
    .addHelpText(
      'after',
      example('poolproof capture > capture.sh\npoolproof capture --run -- spin up > report.yaml'),
    )
    .action(run(async () => (await import('./capture.ts')).capture));

  program
    .command('repro')
    .description('reproduce a failure from the field, or of a stored cell, in a guest')
    .argument('<what>', 'field report, id of a known case, cell id, cell id@run, or bundle')
    .option('--shell', 'open a shell in the guest at the point of failure')
    .option('--save <file>', 'write a matrix with the case and its observed outcome')
    .option('--cases <file>', 'file of known cases', 'matrices/field.yaml')
    .option('--json', 'print mapping, result and conclusion as JSON')
    .addOption(keep)
    .addOption(cache)
    .addHelpText(
      'after',
      `${example(
        'poolproof repro report.yaml\npoolproof repro nodejs/node#56596 --shell\npoolproof repro memory=1G,overcommit=2@latest',
      )}
Exit codes: 0 reproduced, or by stand-in; 1 not reproduced; 2 no verdict: nothing to reproduce, cannot tell, cannot be
reproduced here. The line before the last is for programs: summary: end=… exit=… act=… engine=… class=… cell=…\n`,
    )
    .action(run(async () => (await import('./repro.ts')).repro));
}

export function defineSearches({ program, run }: Registry): void {
  program
    .command('explain')
    .description('explain a cell in ten lines for a ticket: mappings, the limit that stops them, facts')
    .argument('<what>', 'cell id, cell id@run, or field report')
    .addOption(keep)
    .addOption(cache)
    .addHelpText('after', example('poolproof explain memory=4G,overcommit=2'))
    .action(run(async () => (await import('./explain.ts')).explain));

  program
    .command('fix')
    .description('find the least invasive change that restores a tier, proven in a guest')
    .argument('<what>', 'cell id or field report')
    .addOption(tier)
    .addOption(keep)
    .addOption(cache)
    .addHelpText('after', example('poolproof fix memory=4G,overcommit=2'))
    .action(run(async () => (await import('./fix.ts')).fix));

  program
    .command('bisect')
    .description('find the value of an axis from which a tier is reached')
    .requiredOption('--axis <axis>', 'axis to search')
    .addOption(tier)
    .option('--where <cell>', 'the other axes, as in a cell id')
    .option('--from <value>', 'first value of the search')
    .option('--to <value>', 'last value of the search')
    .addOption(keep)
    .addOption(cache)
    .addHelpText('after', example('poolproof bisect --axis memory --tier standard --where overcommit=2'))
    .action(run(async () => (await import('./bisect.ts')).bisect));

  program
    .command('minimize')
    .description('find the fewest settings away from the defaults that still show a failure')
    .argument('<cell>', 'cell id')
    .addOption(keep)
    .addOption(cache)
    .addHelpText('after', example('poolproof minimize memory=512M,overcommit=2,thp=never,node=24'))
    .action(run(async () => (await import('./minimize.ts')).minimize));
}

export function defineExploration({ program, run }: Registry): void {
  program
    .command('explore')
    .description('search for cells in which model and guest differ, at random over all axes')
    .addOption(
      new Option('--budget <time>', 'end after this time, e.g. 90s, 30m, 2h')
        .argParser(duration('--budget'))
        .default(30 * 60_000, '30m'),
    )
    .addOption(new Option('--seed <n>', 'which cells are drawn').argParser(count('--seed')).default(1))
    .option('--axes <list>', 'axes that vary, e.g. memory,overcommit,addressSpace (default: all)')
    .addOption(new Option('--cells <n>', 'cells of a round').argParser(count('--cells')).default(40))
    .addOption(
      new Option('--jobs <n>', 'guests at a time (default: one per core)').argParser(count('--jobs')),
    )
    .option('--cold', 'boot every cell instead of cloning a machine for it')
    .option(
      '--results <dir>',
      'folder of the runs; those of a seed are in explore-<seed> below it',
      'results',
    )
    .addOption(cache)
    .addHelpText(
      'after',
      `${example('poolproof explore --budget 30m\npoolproof explore --seed 7 --axes memory,overcommit,addressSpace')}
Half of the cells stand next to a threshold of the model. A difference is shrunk to the fewest settings that show it and
saved as a matrix. The same command again goes on where the last one ended.
Exit codes: 0 model and guests agree; 1 they differ; 2 a cell had no verdict, or none ran; 130 interrupted, results
kept.\n`,
    )
    .action(run(async () => (await import('./explore.ts')).explore));
}

export function defineAdvice({ program, run }: Registry): void {
  program
    .command('advise')
    .description('find the settings with which a host gets the largest pool on this machine, and prove them')
    .argument('[report]', 'field report of another machine (default: this machine)')
    .option('--host <host>', 'node, spin, wasmtime-serve or wash, with @VERSION if you like', 'node')
    .option('--program <file>', 'the host to prove it with (default: the one on the PATH)')
    .option('--library <file>', 'libwasmtime to prove node with (default: the pinned one)')
    .option('--no-proof', 'predict only')
    .option('--json', 'print the advice as JSON')
    .addOption(cache)
    .addHelpText(
      'after',
      `${example('poolproof advise --host spin\npoolproof advise --host wasmtime-serve@49.0.3 report.yaml')}
Exit codes: 0 the whole pool fits; 1 a smaller one, or none; 2 cannot tell: facts are missing, or the proof refutes the
prediction.\n`,
    )
    .action(run(async () => (await import('./advise.ts')).advise));
}
