/** The commands of runs in parts: merge, pack and unpack. */
import { example, type Registry, runsIn } from './registry.ts';

export function defineParts({ program, run }: Registry): void {
  program
    .command('merge')
    .description('put the parts of a sharded run together')
    .argument('<run...>', 'runs or bundles')
    .addOption(runsIn)
    .option('--output <dir>', 'folder for the merged run (default: the folder of the runs)')
    .option('--allow-unlike', 'merge even if matrix, images or QEMU differ, with a note')
    .option('--json', 'as JSON')
    .addHelpText('after', example('poolproof merge part-1.tgz part-2.tgz part-3.tgz'))
    .action(run(async () => (await import('./merge.ts')).merge));

  program
    .command('pack')
    .description('pack a run with its evidence as one file')
    .argument('[run]', 'run (default: latest)')
    .addOption(runsIn)
    .option('--failed', 'only cells that are not as expected')
    .option('--output <file>', 'file to write (default: <run>.tgz)')
    .addHelpText('after', example('poolproof pack latest --failed'))
    .action(run(async () => (await import('./pack.ts')).pack));

  program
    .command('unpack')
    .description('take a run out of a bundle; the bundle is not trusted')
    .argument('<bundle>', 'file written by pack')
    .addOption(runsIn)
    .addHelpText('after', example('poolproof unpack 20261123T230311Z-a1b2c3.tgz'))
    .action(run(async () => (await import('./pack.ts')).unpack));
}
