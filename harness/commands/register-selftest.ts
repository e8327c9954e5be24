/** The selftest, as the command line knows it. */
import { Option } from '@commander-js/extra-typings';
import { architectureNames } from '../../images/architectures.ts';
import { cache, example, type Registry, several } from './registry.ts';

export function defineSelftest({ program, run }: Registry): void {
  program
    .command('selftest')
    .description('prove on this computer, in some minutes, what poolproof relies on; prints a page of facts')
    .option('--qemu <file>', 'another QEMU than the one in PATH')
    .addOption(
      new Option('--arch <name>', "architecture of the guests (default: this computer's)").choices(
        architectureNames,
      ),
    )
    .option('--quick', 'with 4 boots and 10 clones instead of 20 and 50')
    .option('--only <check>', 'only these checks, e.g. clock-rate,entropy', several)
    .option('--results <dir>', 'the page is kept there, in selftest/', 'results')
    .option('--json', 'print the facts as JSON')
    .addOption(cache)
    .addHelpText(
      'after',
      example('poolproof selftest > facts.md\npoolproof selftest --qemu ./qemu-system-x86_64'),
    )
    .action(run(async () => (await import('./selftest.ts')).selftest));
}
