/** The place of the cache: `POOLPROOF_CACHE`, else the XDG cache folder. */
import os from 'node:os';
import path from 'node:path';

/** POOLPROOF_CACHE, else the XDG cache folder. */
export function resolveCacheFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const own = environment['POOLPROOF_CACHE'];
  if (own !== undefined && own !== '') return path.resolve(own);
  const xdg = environment['XDG_CACHE_HOME'];
  // The XDG specification: a relative path is invalid and ignored.
  const base = xdg !== undefined && path.isAbsolute(xdg) ? xdg : path.join(os.homedir(), '.cache');
  return path.join(base, 'poolproof');
}
