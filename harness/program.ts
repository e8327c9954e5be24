/** The commands: their names, arguments, options and help. Their actions are in commands/, loaded on demand. */
import { Command, CommanderError, Option } from '@commander-js/extra-typings';
import type { Context } from './commands/context.ts';
import { defineCompletion } from './commands/register-completion.ts';
import { defineFleet, fleetOfRun, publishImages } from './commands/register-fleet.ts';
import { defineImages } from './commands/register-images.ts';
import {
  defineAdvice,
  defineExploration,
  defineReproduction,
  defineSearches,
} from './commands/register-field.ts';
import { defineOverhead } from './commands/register-overhead.ts';
import { defineParts } from './commands/register-parts.ts';
import { defineSelftest } from './commands/register-selftest.ts';
import {
  cache,
  count,
  engine,
  example,
  kernelFile,
  kernelModules,
  library,
  locked,
  node,
  ownDisk,
  type Registry,
  runsIn,
  several,
  size,
} from './commands/registry.ts';
import { withNearFile } from './commands/with-near-file.ts';
import { exitCodeOfError, renderError } from './errors.ts';

// Options of several commands.
const only = new Option(
  '--only <expr>',
  'only these cells, e.g. memory=512M|1G,overcommit=2; several are alternatives',
).argParser(several);
const durations = new Option('--durations <run>', 'balance shards by the durations of this run');

const programHelp = `
Exit codes:
  0    every cell as expected, or the command succeeded
  1    some cell not as expected; other meanings are in the help of each command
  2    no verdict for some cell, or a command line or file that is wrong
  3    this computer lacks something; doctor names it
  130  interrupted

Environment:
  POOLPROOF_CACHE          folder of images and templates; --cache goes before it
  POOLPROOF_QEMU           QEMU to run (default: the one on the PATH)
  POOLPROOF_ACCEL          kvm or tcg, without a trial (default: KVM where a guest boots with it)
  POOLPROOF_LIBWASMTIME    libwasmtime of host, overhead and advise; --library goes before it
  POOLPROOF_DEBIAN_MIRROR  addresses of Debian's archives, before apt's own and those of setup
  NO_COLOR, FORCE_COLOR    no colours, or colours anywhere
`;

/** Builds the whole command line. `exit` hears the code of the command that ran. */
export function buildProgram(context: Context, exit: (code: number) => void): Command {
  const program = new Command('poolproof')
    .description('Proves in which environments a WebAssembly host can still use its pooling allocator.')
    .version(context.version)
    .configureOutput({ writeOut: context.out, writeErr: context.err })
    .showHelpAfterError('(poolproof --help lists the commands)')
    .exitOverride();
  program.option('--verbose', 'show the trace of an error').addHelpText('after', programHelp);
  const shared: Registry = {
    program,
    run:
      (load) =>
      async (...given) => {
        const action = await load();
        const [options, command] = given.slice(-2) as [never, Readonly<{ args: readonly string[] }>];
        exit(await action(context, command.args, options));
      },
  };
  for (const define of [
    defineInit,
    defineRun,
    definePlan,
    defineHost,
    defineImages,
    defineComputer,
    defineSelftest,
    defineReport,
    defineOverhead,
    defineComparison,
    defineParts,
    defineFleet,
    defineReproduction,
    defineSearches,
    defineExploration,
    defineAdvice,
    defineCompletion,
  ])
    define(shared);
  return program;
}

function defineRun({ program, run }: Registry): void {
  program
    .command('run')
    .description('run a matrix: boot its guests, prove a tier in each, store and show the results')
    .argument(
      '[matrix]',
      'matrix file, or the name of one that comes along: default, limits, … (default: "default", or that of a run again)',
    )
    .addOption(runsIn)
    .addOption(only)
    .addOption(kernelFile)
    .addOption(kernelModules)
    .addOption(ownDisk)
    .option('--failed [run]', 'run the unexpected cells of a stored run again (default: the latest)')
    .option('--broken [run]', 'run its cells without a verdict again; both together: either')
    .option('--shard <i/n>', 'one part of the matrix, e.g. 2/3; merge puts the parts together')
    .addOption(durations)
    .option(
      '--resume [run]',
      'finish an interrupted run (default: the latest); it keeps its --only and --shard',
    )
    .option('--tag <tag>', 'name the run: <tag> then means the newest run with it, <tag>~1 the one before')
    .option('--cold', 'boot every cell instead of cloning a template')
    .option('--jobs <n>', 'guests at a time (default: one per core)', count('--jobs'))
    .option(
      '--memory-budget <size>',
      'memory of all guests together, e.g. 4G (default: the free memory)',
      size('--memory-budget'),
    )
    .option(
      '--template-cache <size>',
      'size of the saved templates to keep (default: 4G)',
      size('--template-cache'),
    )
    .option(
      '--reporter <format...>',
      'also write these reports: json csv tap junit md html github annotations; into the run, or format=file, format=- for standard output',
    )
    .addOption(fleetOfRun)
    .addOption(publishImages)
    .option('--details', 'show the overhead of each workload, with intervals and processes')
    .option('--timings', 'show the time of the cells by phase')
    .option(
      '--retries <n>',
      'run an unexpected cell up to n times more, each on a boot of its own',
      count('--retries'),
    )
    .option('--fail-on-flaky', 'exit 1 also when repetitions or retries of a cell differ')
    .option('--strict', 'exit 1 also when the overhead of a cell is undecided')
    .option('--json', 'print the results as JSON instead of a table')
    .addOption(locked)
    .addOption(cache)
    .addHelpText('after', example('poolproof run matrices/limits.yaml --only engine=v8'))
    .action(run(async () => (await import('./commands/run.ts')).run));
}

function definePlan({ program, run }: Registry): void {
  program
    .command('plan')
    .description('show the cells of a matrix, their expected tiers, and the boots they share; boots nothing')
    .argument('[matrix]', 'matrix file, or the name of one that comes along', 'default')
    .addOption(only)
    .option('--commands', 'print the QEMU command of each machine')
    .option('--format <ci>', 'github-matrix or gitlab: the jobs of a sharded run for that CI system')
    .option('--shards <n>', 'number of jobs (default: 4)', count('--shards'))
    .addOption(durations)
    .addOption(runsIn)
    .option('--json', 'print a JSON line per cell')
    .addOption(cache)
    .addHelpText('after', example('poolproof plan --only overcommit=2'))
    .action(run(async () => (await import('./commands/plan.ts')).plan));
}

function defineHost({ program, run }: Registry): void {
  program
    .command('host')
    .description('run the wasm host on this machine: prove a tier, log it, serve until stopped')
    .argument('[module]', 'with --serve: a core module with `handle`, or a WASI command as a CGI program')
    .addOption(engine)
    .addOption(library)
    .option('--profile <profile>', 'pool sizes of standard: those of spin or of wasmtime', 'spin')
    .addOption(node)
    .option('--deadline <seconds>', 'seconds per attempt at a tier', '60')
    .option('--once', 'prove, log and exit')
    .option(
      '--serve <address>',
      'answer HTTP requests, each in a fresh instance of the module: 127.0.0.1:8080',
    )
    .option('--limits <list>', 'threads, queue, seconds, client, drain, body, answer: threads=2,queue=64')
    .addOption(cache)
    .addHelpText('after', example('SPIN_ALLOCATOR=conservative poolproof host --once'))
    .action(run(async () => (await import('./commands/host.ts')).host));
}

function defineInit({ program, run }: Registry): void {
  program
    .command('init')
    .description('write a first matrix, which editors complete by its schema')
    .argument('[file]', 'file to write', 'matrix.yaml')
    .addHelpText('after', example('poolproof init && poolproof run matrix.yaml'))
    .action(run(async () => (await import('./commands/init.ts')).init));
}

function defineComputer({ program, run }: Registry): void {
  program
    .command('doctor')
    .description('check this computer for the requirements, with the command that installs missing ones')
    .addOption(cache)
    .action(run(async () => (await import('./commands/doctor.ts')).doctor));

  program
    .command('exec')
    .description(
      "run a command inside a cell's guest, with its settings applied; its exit code is this one's",
    )
    .argument('<cell>', 'cell id, e.g. memory=512M,overcommit=2')
    .argument('<command...>', 'behind --: the command and its arguments; input that is piped in goes to it')
    .option('--timeout <seconds>', 'end it after so long (default: 3600); exit 124', count('--timeout'))
    .addOption(kernelFile)
    .addOption(kernelModules)
    .addOption(ownDisk)
    .addOption(cache)
    .addHelpText(
      'after',
      example(
        'poolproof exec memory=512M,overcommit=2 -- cat /proc/meminfo\npoolproof exec memory=512M -- sh <script.sh',
      ),
    )
    .action(run(async () => (await import('./commands/exec.ts')).exec));

  program
    .command('setup')
    .description('name a Debian mirror on a computer whose own apt has none; it is checked and remembered')
    .option('--mirror <url>', 'address of a Debian mirror (default: a question on a terminal)')
    .option('--security <url>', "address of Debian's security archive")
    .option('--keyring <file>', "file with Debian's keys (default: that of the distribution's package)")
    .option('--forget', "use this computer's own sources again")
    .addOption(cache)
    .addHelpText('after', example('poolproof setup --mirror "$MIRROR" --security "$MIRROR-security"'))
    .action(run(async () => (await import('./commands/setup.ts')).setup));

  program
    .command('shell')
    .description("open a shell inside a cell's guest, with its settings applied")
    .argument('<cell>', 'cell id, e.g. memory=512M,overcommit=2')
    .addOption(kernelFile)
    .addOption(kernelModules)
    .addOption(ownDisk)
    .addOption(cache)
    .addHelpText(
      'after',
      example('poolproof shell memory=512M,overcommit=2,thp=always,engine=wasmtime,node=22'),
    )
    .action(run(async () => (await import('./commands/shell.ts')).shell));
}

function defineReport({ program, run }: Registry): void {
  program
    .command('report')
    .description(
      'render stored results: html, md, github, annotations, json, csv, tap, junit, overhead or table',
    )
    .argument('[run...]', 'runs: latest, latest~1, a tag, an id or its beginning, or a folder')
    .addOption(runsIn)
    .option('--format <format...>', 'formats', ['table'])
    .option('--details', 'with the table: the overhead of each workload')
    .option('--native <file...>', 'add times of real machines, as poolproof overhead --json wrote them')
    .option('--output <dir>', 'write files there instead of printing')
    .option('--site <dir>', 'add the runs to a static site there: index, a page each, feed and badge')
    .option('--url <address>', 'with --site: where it can be reached, for links with a picture')
    .addHelpText('after', example('poolproof report latest --format junit > report.xml'))
    .action(run(async () => (await import('./commands/report.ts')).report));
}

function defineComparison({ program, run }: Registry): void {
  program
    .command('compare')
    .description('show the changes between two runs; exit 1 on a regression')
    .argument('[old]', 'run, bundle or folder of runs; with --baseline the new one')
    .argument('[new]', 'run (default: latest)')
    .addOption(runsIn)
    .option('--baseline <dir>', 'compare with these results, e.g. results/reference')
    .option('--across <axis...>', 'match cells regardless of these axes, e.g. node')
    .option('--format <format>', 'text, md or json', 'text')
    .option('--json', 'same as --format json')
    .option('--fail-on-flaky', 'a cell with mixed outcomes is a regression')
    .addHelpText('after', example('poolproof compare 20261123T230311Z-a1b2c3 latest'))
    .action(run(async () => (await import('./commands/compare.ts')).compare));

  program
    .command('history')
    .description('show a cell through all runs, and the first bad run')
    .argument('<cells>', 'cell id or expression, e.g. memory=512M,overcommit=2')
    .addOption(runsIn)
    .option('--json', 'as JSON')
    .addHelpText('after', example('poolproof history memory=512M,overcommit=2'))
    .action(run(async () => (await import('./commands/history.ts')).history));
}

/** Also when the command line could not be read. Words behind `--` are another program's. */
export function wantsTrace(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return argv.slice(0, end === -1 ? argv.length : end).includes('--verbose');
}

/** Runs one command line. Returns the exit code; never exits by itself. */
export async function main(argv: readonly string[], context: Context): Promise<number> {
  let code = 0;
  const program = buildProgram(context, (value) => {
    code = value;
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return code;
  } catch (error) {
    // Commander has written its message already; help and version end with 0.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    context.err(`${renderError(await withNearFile(error), { verbose: wantsTrace(argv) })}\n`);
    return context.signal.aborted ? 130 : exitCodeOfError(error);
  }
}
