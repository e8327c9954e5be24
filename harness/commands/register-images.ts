/** The commands about images, as the command line knows them. */
import { cache, example, locked, type Registry, size } from './registry.ts';

const loadImageCommands = async () => import('./images.ts');

export function defineImages({ program, run }: Registry): void {
  const images = program
    .command('images')
    .description('the images of guests: list, build, verify, update, export, import, gc');
  images
    .command('list')
    .description('list the images that can be built, and those in the cache')
    .option('--json', 'as JSON')
    .addOption(cache)
    .action(run(async () => (await loadImageCommands()).list));
  images
    .command('build')
    .description('build the images of a matrix (default: everything pinned)')
    .argument('[matrix]', 'matrix file')
    .addOption(locked)
    .addOption(cache)
    .action(run(async () => (await loadImageCommands()).build));
  images
    .command('verify')
    .description('read every file of the cache and compare it with its checksum')
    .addOption(cache)
    .action(run(async () => (await loadImageCommands()).verify));
  images
    .command('update')
    .description('move every pin of the lock to the newest version')
    .addOption(cache)
    .action(run(async () => (await loadImageCommands()).update));
  images
    .command('export')
    .description('pack built images into an archive for a machine without apt or pip')
    .argument('<file>', 'archive to write; .tgz compresses')
    .argument(
      '[matrix]',
      'matrix whose images are packed (default: everything pinned, with the default kernel)',
    )
    .addOption(cache)
    .addHelpText('after', example('poolproof images export images.tar matrices/default.yaml'))
    .action(run(async () => (await loadImageCommands()).exportTo));
  images
    .command('import')
    .description('take the images of an archive into the cache')
    .argument('<file>', 'archive written by export')
    .addOption(cache)
    .action(run(async () => (await loadImageCommands()).importFrom));
  images
    .command('gc')
    .description('remove files that no image needs, or shrink the cache to a size')
    .option('--keep <size>', 'remove files until the cache takes no more than this', size('--keep'))
    .addOption(cache)
    .action(run(async () => (await loadImageCommands()).gc));
}
