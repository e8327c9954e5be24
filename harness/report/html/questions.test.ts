/** What a newcomer asks, answered by the pages of the stored reference runs alone. */
import t from 'tap';
import { collectResults, readRun } from '../../store/read-run.ts';
import { renderHtml } from '../format/html.ts';
import { buildRunView } from '../run-view.ts';

/** Rows of tables, items and paragraphs, each as the text that a reader sees. */
async function readTexts(names: string): Promise<readonly string[]> {
  const views = names.split(' ').map(async (name) => {
    const run = await readRun(`results/reference/${name}`);
    return buildRunView({ record: run.record, results: await collectResults(run.results()) });
  });
  return renderHtml(await Promise.all(views))
    .replace(/<(style|script)[^>]*>.*?<\/\1>/gs, '')
    .split(/<(?:tr|li|p|dt|summary|h\d|pre)\b[^>]*>/)
    .map((part) =>
      part
        .replace(/<[^>]*>/g, ' ')
        .replaceAll('&#39;', "'")
        .replace(/\s+/g, ' ')
        .trim(),
    );
}

const questions: readonly (readonly [question: string, runs: string, answer: RegExp])[] = [
  [
    'Does it run on 1 GB with strict overcommit?',
    'default',
    /^512M–2G overcommit 2 9 environments ◐ runs smaller table pool needs 1531 MiB, CommitLimit leaves [\d–]+ MiB proven/,
  ],
  [
    'Does it run fully anywhere?',
    'default',
    /^overcommit 0\/1 24 environments ● runs fully 3\.94 TiB reserved proven/,
  ],
  [
    'What must I change?',
    'default',
    /^Proven here: With vm\.overcommit_memory 0 or 1, and nothing else changed, all 9 cells reached standard\./,
  ],
  ['Do transparent huge pages matter?', 'default', /^transparent huge pages 0 of 36$/],
  [
    'Which host survives ulimit -v 8G?',
    'hosts',
    /^512M, addressSpace 8G ○ runs without a pool .* ⊘ does not start memory pool .* ✓ runs ⊘ does not start /,
  ],
  [
    'Does ours survive it?',
    'limits',
    /^2G, addressSpace 8G\/12G, node 20\/22\/24\/26 8 environments ◐ runs smaller memory pool needs 3\.94 TiB, RLIMIT_AS leaves/,
  ],
  [
    'Where does Node 24 not even start?',
    'limits',
    /^512M\/1G, overcommit 2, engine v8, node 26 512M\/1G, overcommit 2, node 24 4 environments ⊘ does not start the process itself needs 563–564 MiB/,
  ],
  ['Is that much, or little?', 'limits', /^The host runs fully in 23 of 79 environments, runs smaller in 25/],
  [
    'What does the lower tier cost a program?',
    'overhead',
    /^conservative\/explicit, wasmtime : real programs \+44\.6 %$/,
  ],
  ['What does it cost a request of my server?', 'requests', /^on-demand, spin-sizes : a request \+103\.3 %$/],
  [
    'What has changed since last week?',
    'limits limits-before',
    /^Limits, engines and Node versions , 2026-11-28 against 2026-11-24 : 79 cells compared with the run before: 79 the same\.$/,
  ],
  ['Was it emulated?', 'limits', /all were decided in emulated guests, whose times say nothing about speed/],
  [
    'When was it tested?',
    'default',
    /^2026-11-28 \d\d:\d\d UTC · QEMU 7\.2\.\d+, emulated guests · poolproof/,
  ],
  ['Which Node and engine were inside?', 'limits', /^In the guests Linux 6\.1.*wasmtime.*Node 18.*26/],
  [
    'How do I repeat this cell?',
    'default',
    /^poolproof run matrices\/default\.yaml --only memory=1G,overcommit=2,thp=always,engine=wasmtime,node=22 poolproof shell memory=1G/,
  ],
  [
    'Where are the numbers for my own tables?',
    'default',
    /run \S+: CSV ?; JSON, compressed ?; again with poolproof run matrices\/default\.yaml/,
  ],
  [
    'How is it known?',
    'default',
    /Proven: by our host, which uses it; seen: in the mappings of the process; told:/,
  ],
];

t.test('the questions of a newcomer have their answer on the page', async (t) => {
  const names = [...new Set(questions.map(([, name]) => name))];
  const pages = new Map(await Promise.all(names.map(async (name) => [name, await readTexts(name)] as const)));
  for (const [question, name, answer] of questions)
    t.equal(
      pages.get(name)?.some((text) => answer.test(text)),
      true,
      question,
    );
});
