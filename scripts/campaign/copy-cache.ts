/** Copies a cache that others write to meanwhile: what is whole in it, and nothing that a fault makes again. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, type Dirent } from 'node:fs';
import path from 'node:path';

/** None of them is needed where every image is built and Node runs already. */
const notCopied = new Set(['apt', 'lock', 'templates', 'tmp', 'toolchain']);

/** The name that a file has until it is whole; it is gone a moment later. */
const isHalfWritten = (name: string): boolean => /\.json\.\d+$/.test(name);

/**
 * Copies the files with their times, to the nanosecond, into a folder that exists.
 *
 * @throws Error when a file that is whole cannot be copied
 */
export function copyCache(from: string, to: string): void {
  const listed = (folder: string, recursive: boolean): Dirent[] =>
    readdirSync(folder, { withFileTypes: true, recursive });
  const files = listed(from, false)
    .filter(({ name }) => !notCopied.has(name))
    .flatMap((entry) => (entry.isDirectory() ? listed(path.join(from, entry.name), true) : [entry]))
    .filter((entry) => !entry.isDirectory() && !isHalfWritten(entry.name))
    .map(({ name, parentPath }) => path.relative(from, path.join(parentPath, name)));
  // A record may be replaced at any time, which cp refuses; its own time means nothing. No other file is replaced.
  const records = files.filter((file) => file.endsWith('.json'));
  execFileSync('xargs', ['-0', '--no-run-if-empty', 'cp', '-a', '--parents', '-t', to], {
    cwd: from,
    input: files.filter((file) => !file.endsWith('.json')).join('\0'),
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  for (const file of records) {
    mkdirSync(path.join(to, path.dirname(file)), { recursive: true, mode: 0o700 });
    copyFileSync(path.join(from, file), path.join(to, file));
  }
}
