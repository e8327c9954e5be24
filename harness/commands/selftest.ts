/** `poolproof selftest`: proves on this computer what poolproof relies on. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { architectureOf, ownArchitecture, type ArchitectureName } from '../../images/architectures.ts';
import { qemuVariable } from '../plan/computer.ts';
import { renderPage } from '../selftest/page.ts';
import { isPassed, runSelftest, selectChecks, type SelftestRecord } from '../selftest/selftest.ts';
import { cacheOption, notifyOf, type Context } from './context.ts';

type Options = Readonly<{
  qemu?: string | undefined;
  arch?: ArchitectureName | undefined;
  quick?: boolean | undefined;
  only?: readonly string[] | undefined;
  results?: string | undefined;
  json?: boolean | undefined;
  cache?: string | undefined;
}>;

/** Fewer machines: as much is tried, and a rare loss is met less often. */
const quickCounts = { boots: 4, clones: 10 };

/** Exit code: 0 every check holds, 1 one fails, 2 and 3 as for runs, 130 interrupted. */
export async function selftest(
  context: Context,
  _args: readonly string[],
  options: Options,
): Promise<number> {
  const only = options.only?.flatMap((text) => text.split(',')) ?? [];
  selectChecks(only);
  const { qemu, arch = ownArchitecture.name } = options;
  // Runs of their own take QEMU from there as well.
  if (qemu !== undefined) process.env[qemuVariable(architectureOf(arch))] = path.resolve(qemu);
  context.finishOnSignal();
  context.err('selftest: looking for QEMU, images and an accelerator\n');
  const { onImageEvent } = notifyOf(context);
  const record = await runSelftest({
    ...{ cacheDir: cacheOption(options), arch, only, signal: context.signal, onImageEvent },
    ...(options.quick === true && quickCounts),
    ...context.seams,
    onCheck: ({ name }, { number, of }) => context.err(`[${number}/${of}] ${name} ...\n`),
    onResult: ({ name, status, found }) => context.err(`  ${name} ${status}: ${found}\n`),
  });
  const page = renderPage(record);
  const file = await keep(options.results ?? 'results', record, page);
  context.out(options.json === true ? `${JSON.stringify(record)}\n` : page);
  context.err(`kept as ${file}.md and .json\n`);
  return isPassed(record) ? 0 : 1;
}

/** @returns the path without its ending */
async function keep(resultsDir: string, record: SelftestRecord, page: string): Promise<string> {
  const folder = path.join(resultsDir, 'selftest');
  await mkdir(folder, { recursive: true });
  const name = record.startedAt.replace(/[-:]|\.\d+/g, '');
  const file = path.join(folder, name);
  await writeFileAtomic(`${file}.json`, `${JSON.stringify(record, null, 1)}\n`);
  await writeFileAtomic(`${file}.md`, page);
  return file;
}
