/** Fetches packages and their versions with npm. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { PoolproofError } from '../errors.ts';
import { runTool, type ToolOptions } from './run-tool.ts';

const packed = z.array(z.object({ filename: z.string() })).min(1);
const versions = z.union([z.array(z.string()), z.string().transform((one) => [one])]);

/**
 * npm as its user configured it, except that it keeps nothing: its cache would hold every byte a second time.
 */
function options(doing: string, folder: string): ToolOptions {
  return {
    code: 'IMAGE_FETCH',
    doing,
    // Away from any project, whose .npmrc or workspace would apply.
    cwd: folder,
    env: {
      npm_config_cache: path.join(folder, '.npm'),
      npm_config_update_notifier: 'false',
      npm_config_fund: 'false',
      npm_config_ignore_scripts: 'true',
      // By default npm tries a dead network for more than a minute.
      npm_config_fetch_retries: '2',
      npm_config_fetch_retry_mintimeout: '1000',
      npm_config_fetch_retry_maxtimeout: '5000',
    },
    hint: 'check the network and the registry in `npm config get registry`',
  };
}

/** All versions of a package that the registry offers. */
export async function listNpmVersions(name: string, folder: string): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const result = await runTool(
    'npm',
    ['view', name, 'versions', '--json'],
    options(`looking up ${name}`, folder),
  );
  return versions.parse(JSON.parse(result.stdout));
}

/** Downloads one version; npm checks it against the registry's integrity. Undefined when it does not exist. */
export async function downloadNpm(
  name: string,
  version: string,
  folder: string,
): Promise<string | undefined> {
  await mkdir(folder, { recursive: true });
  try {
    const args = ['pack', `${name}@${version}`, '--json', '--pack-destination', folder];
    const result = await runTool('npm', args, options(`fetching ${name} ${version}`, folder));
    const [first] = packed.parse(JSON.parse(result.stdout));
    // npm 11 names the file of a scoped package with its scope flattened; the name is taken, not guessed.
    return first === undefined ? undefined : path.join(folder, path.basename(first.filename));
  } catch (error) {
    if (
      error instanceof PoolproofError &&
      /E404|ETARGET|No matching version/.test(error.details.stderr ?? '')
    ) {
      return undefined;
    }
    throw error;
  }
}

/** Newest release of a line: `22` of 22.9.0 and 22.23.3 gives the latter; pre-releases do not count. */
export function newestOfLine(all: readonly string[], line: string): string | undefined {
  return all
    .filter((version) => version.startsWith(`${line}.`) && /^[\d.]+$/.test(version))
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .at(-1);
}
