/** `poolproof pack <run>` and `poolproof unpack <bundle>` */
import { basename } from 'node:path';
import { PoolproofError } from '../errors.ts';
import { unpackBundle } from '../store/bundle-unpack.ts';
import { packRun } from '../store/bundle.ts';
import { findRun } from '../store/find-run.ts';
import { formatCount } from '../report/format-run.ts';
import type { Context } from './context.ts';

type PackOptions = Readonly<{ results?: string; failed?: boolean | undefined; output?: string | undefined }>;

export async function pack(
  context: Context,
  args: readonly string[],
  { results = 'results', failed = false, output }: PackOptions,
): Promise<number> {
  const dir = await findRun(results, args[0]);
  const file = output ?? `${basename(dir)}${failed ? '-failed' : ''}.tgz`;
  const packed = await packRun(dir, file, { failed });
  for (const { code, message, details } of packed.problems) {
    context.err(`${code}: line ${details.line ?? 0}: ${message}\n`);
  }
  const kib = Math.ceil(packed.sizeBytes / 1024);
  context.out(
    `${packed.file}: ${formatCount(packed.cells, 'cell')}, ${formatCount(packed.files, 'file')}, ${kib} KiB\n`,
  );
  return 0;
}

export async function unpack(
  context: Context,
  args: readonly string[],
  { results = 'results' }: Readonly<{ results?: string }>,
): Promise<number> {
  const [file] = args;
  if (file === undefined) throw new PoolproofError('USAGE', 'missing bundle');
  const { dir, cells, selection } = await unpackBundle(file, results);
  context.out(
    `${dir}: ${formatCount(cells, 'cell')}${selection === 'failed' ? ', only those that did not do as expected' : ''}\n`,
  );
  return 0;
}
