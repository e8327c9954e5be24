import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { run } from '../fixtures/fake-commands.ts';
import { plainFacts, type Script } from '../fixtures/fake-machine.ts';

const mib = 2 ** 20;
const stored = await readFile(
  fileURLToPath(new URL('../fixtures/field/version-1.yaml', import.meta.url)),
  'utf8',
);
const [machine = ''] = stored.split('\ncommand:');

/** The machine of the fixture with this limit of its address space, and Node with this output. */
const writeReport = (space: number, node: string, output: string): string =>
  `${machine
    .replace(/addressSpace: .*/, `addressSpace: { soft: ${space}, hard: ${space} }`)
    .replace(/ node: .*/, ` node: "${node}"`)
    .replace(/ flags: .*/, ' flags: unknown')}
command:
  words: ["node", "build.js"]
  output: ["${output}"]
  exit: "none"
  signal: "SIGABRT"
`;

/** A guest with that limit, in which Node ends so. */
const guest = (space: number, stderr: string): Script => ({
  exitCode: 134,
  stderr,
  facts: {
    '/proc/meminfo': plainFacts['/proc/meminfo']!.replace(/MemTotal: +\d+/, 'MemTotal: 980000'),
    '/sys/kernel/mm/transparent_hugepage/enabled': 'always [madvise] never',
    '/proc/self/limits': plainFacts['/proc/self/limits']!.replace(
      /(address space +)unlimited( +)unlimited/,
      `$1${space}$2${space}`,
    ),
  },
});

const codeRange = '# Fatal process out of memory: Failed to reserve virtual memory for CodeRange';
const heapLimit = 'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory';

t.test('no cure of another failure is one of the reported failure', async (t) => {
  for (const [output, seen, space, node] of [
    [heapLimit, codeRange, 512 * mib, '22.13.0'],
    ['FATAL ERROR: Ineffective mark-compacts near heap limit', codeRange, 400 * mib, '20.20.2'],
    ['RangeError: WebAssembly.Memory(): could not allocate memory', codeRange, 600 * mib, '22.13.0'],
  ] as const) {
    const dir = t.testdir({ 'report.yaml': writeReport(space, node, output) });
    const file = path.join(dir, 'report.yaml');
    for (const command of ['fix', 'repro'])
      t.match(await run(t, [command, file], [guest(space, seen)]), {
        code: 1,
        out: /another act: [^]* was reported, the start of the runtime failed here[^]*\nnot reproduced\n$/,
      });
    const { out } = await run(t, ['fix', file], [guest(space, seen)]);
    t.notMatch(out, /fix:|proven|nothing to fix/);
    t.match(await run(t, ['explain', file], [guest(space, seen)]), {
      code: 0,
      out: /\nreported: .*\nexplained: not that, not reproduced in a guest: .*another act/,
    });
  }
  const dir = t.testdir({ 'report.yaml': writeReport(512 * mib, '22.13.0', codeRange) });
  const file = path.join(dir, 'report.yaml');
  const dies = guest(512 * mib, codeRange);
  t.match(await run(t, ['explain', file], [dies]), {
    code: 0,
    out: /\nreported: the start of the runtime: .*CodeRange\nexplained: the same, reproduced in a guest\n/,
  });
  // Once cured, popular recommendations follow, whose guests no script plays here.
  const cured: Script = { ...guest(768 * mib, ''), exitCode: 0 };
  t.match(await run(t, ['fix', file], [dies, cured]), {
    out: /\nfix: ulimit -v 786432\n[^]*proven: reached/,
  });
});
