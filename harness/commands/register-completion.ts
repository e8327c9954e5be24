/** The commands of completion, as the command line knows them. */
import type { Registry } from './registry.ts';

export function defineCompletion({ program, run }: Registry): void {
  const load = async () => import('./completion.ts');
  program
    .command('completion')
    .description('print a shell script that completes commands, options, cells, matrices and runs')
    .argument('<shell>', 'bash, zsh or fish')
    .addHelpText(
      'after',
      `
In the start-up file of the shell:
  bash: eval "$(poolproof completion bash)"
  zsh: eval "$(poolproof completion zsh)", behind compinit
  fish: poolproof completion fish | source\n`,
    )
    .action(run(async () => (await load()).completion));
  // Called by these scripts.
  program
    .command('complete', { hidden: true })
    .argument('<shell>')
    .argument('[words...]')
    .action(
      run(async () => {
        const { complete } = await load();
        return (context, args) => complete(context, args, program);
      }),
    );
}
