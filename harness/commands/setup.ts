/** `poolproof setup`: checks and remembers a Debian mirror for a computer whose own apt has none. */
import { createInterface } from 'node:readline/promises';
import { guestSuite } from '../../images/definitions.ts';
import { resolveSources } from '../../images/source/apt.ts';
import { forgetMirror, recallMirror, rememberMirror } from '../../images/source/debian-mirror.ts';
import { PoolproofError } from '../errors.ts';
import { cacheOption, type Context } from './context.ts';

type Options = Readonly<{
  cache?: string | undefined;
  mirror?: string | undefined;
  security?: string | undefined;
  keyring?: string | undefined;
  forget?: boolean | undefined;
}>;

const origins = {
  setting: 'POOLPROOF_DEBIAN_MIRROR names them',
  remembered: '`poolproof setup` was given them; --forget takes that back',
  machine: "this computer's own apt has them",
} as const;

/** Exit code 0: from now on packages of guests can be fetched. */
export async function setup(context: Context, _args: readonly string[], options: Options): Promise<number> {
  const cacheDir = cacheOption(options);
  if (options.forget) {
    await forgetMirror(cacheDir);
    context.out('the mirror is forgotten\n');
    return 0;
  }
  if (options.mirror === undefined && options.security === undefined) {
    const remembered = await recallMirror(cacheDir);
    const found = await resolveSources(guestSuite, { remembered }).catch((error: unknown) => {
      if (error instanceof PoolproofError && isTerminal(context)) return null;
      throw error;
    });
    if (found !== null) {
      const addresses = [...new Set(found.sources.map(({ uri }) => uri))];
      context.out(`packages of guests come from ${addresses.join(' and ')}: ${origins[found.origin]}\n`);
      return 0;
    }
  }
  const { mirror, security } = await askForRest(context, options);
  context.err('reading the lists of the mirror\n');
  const { file, offers } = await rememberMirror(cacheDir, {
    mirror,
    security,
    ...(options.keyring === undefined ? {} : { keyring: options.keyring }),
  });
  context.out(`${mirror} and ${security} offer ${offers.join(' and ')}; remembered in ${file}\n`);
  return 0;
}

const isTerminal = ({ stdin = process.stdin }: Context): boolean => stdin.isTTY;

/** @throws PoolproofError USAGE where one is missing and there is no terminal */
async function askForRest(
  context: Context,
  { mirror, security }: Options,
): Promise<Readonly<{ mirror: string; security: string }>> {
  if (mirror !== undefined && security !== undefined) return { mirror, security };
  if (!isTerminal(context)) {
    const [given, missing] = mirror === undefined ? ['--security', '--mirror'] : ['--mirror', '--security'];
    throw new PoolproofError('USAGE', `${given} needs ${missing} beside it`, {
      hint:
        'guests are made of packages of both archives: most pinned versions are security updates, which the main ' +
        'archive gets months later',
    });
  }
  const terminal = createInterface({ input: context.stdin ?? process.stdin, output: context.stderr });
  try {
    const signal = context.signal;
    return {
      mirror: mirror ?? (await terminal.question('Address of a Debian mirror: ', { signal })).trim(),
      security:
        security ?? (await terminal.question("Address of Debian's security archive: ", { signal })).trim(),
    };
  } finally {
    terminal.close();
  }
}
