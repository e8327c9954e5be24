/** The commands of a fleet. */
import { Option } from '@commander-js/extra-typings';
import { cache, count, example, locked, type Registry, size } from './registry.ts';

const address =
  'the Redis of a fleet, e.g. redis://queue.example:6379; its password is $POOLPROOF_FLEET_PASSWORD';

/** Of `run`: where its cells go. */
export const fleetOfRun = new Option('--fleet <address>', `run the cells on workers: ${address}`);

export const publishImages = new Option(
  '--publish-images',
  'with --fleet: put the images into its Redis, for workers that lack them',
);

const fleet = new Option('--fleet <address>', address).env('POOLPROOF_FLEET');

export function defineFleet({ program, run }: Registry): void {
  program
    .command('work')
    .description('take cells of runs with --fleet and run them on this computer, until stopped')
    .addOption(fleet)
    .option('--name <name>', 'what results call this machine (default: a random one)')
    .option('--jobs <n>', 'guests at a time (default: one per core)', count('--jobs'))
    .option(
      '--memory-budget <size>',
      'memory of all guests together, e.g. 4G (default: the free memory)',
      size('--memory-budget'),
    )
    .option('--allow-subjects', "take files of other people's subjects by their path on this computer")
    .addOption(
      new Option(
        '--images-from <url>',
        'folder of archives that `poolproof images export <folder>` wrote, e.g. https://queue.example/images; they are verified',
      ).env('POOLPROOF_IMAGES_FROM'),
    )
    .option('--metrics <address>', 'serve Prometheus metrics there, e.g. 127.0.0.1:9464')
    .addOption(locked)
    .addOption(cache)
    .addHelpText('after', example('poolproof work --fleet redis://queue.example:6379 --name lab-2'))
    .action(run(async () => (await import('./work.ts')).work));

  program
    .command('fleet')
    .description('show the workers of a fleet, what they do, and what waits for them')
    .addOption(fleet)
    .option('--forget <run>', 'remove what Redis has of a run that will not be resumed')
    .option('--json', 'as JSON')
    .addHelpText('after', example('poolproof fleet --fleet redis://queue.example:6379'))
    .action(run(async () => (await import('./fleet.ts')).fleet));
}
