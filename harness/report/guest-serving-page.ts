/** The part of the overhead page on requests counted in guests: Markdown from a stored run. Pure. */
import { tiers } from '../../images/allocator/tier.ts';
import { servingWorks } from '../measure/serving-plan.ts';
import { formatFactorInterval } from '../outcome/format-figure.ts';
import type { Result } from '../store/result.ts';
import { formatServingNotes } from './format-serving.ts';
import { groupBy } from './group-by.ts';
import { escapeMarkdown, markdownTable } from './markdown.ts';
import { renderState } from './format/md.ts';
import type { RunView } from './run-view.ts';

export function renderGuestServing(view: RunView): string {
  const priced = view.results
    .filter(({ serving }) => serving !== undefined)
    .toSorted((a, b) => rankOf(a) - rankOf(b));
  const works = servingWorks.filter(({ name }) =>
    priced.some((result) => findPrice(result, name) !== undefined),
  );
  const notes = formatServingNotes(priced);
  return [
    '## A request in a guest, counted',
    formatOrigin(view),
    ...renderState(view),
    'Instructions of all threads of the server, kernel included, as a multiple of those with the pool that the host has by itself (`standard`), counted in the same guest; in brackets the extremes of both halves of the count. Of a component it is the slope between short and long batches of requests; of the wasm host the median of single requests, because V8 compiles and collects garbage in some of them, in bursts that are no part of the figure. Instructions are not time: a page fault of few instructions waits for memory.',
    markdownTable(
      ['host', 'tier', ...works.map(({ name }) => name)],
      [...groupBy(priced, hostOf)].flatMap(([host, results]) =>
        results.map((result) => [
          escapeMarkdown(host),
          result.tier ?? result.outcome,
          ...works.map(({ name }) => formatPrice(result, name)),
        ]),
      ),
    ),
    ...(notes.length === 0 ? [] : [notes.map((note) => `- ${escapeMarkdown(note)}`).join('\n')]),
  ].join('\n\n');
}

/** Best first. */
const rankOf = ({ tier }: Result): number => (tier === null ? tiers.length : tiers.indexOf(tier));

const hostOf = ({ settings: { subject, engine } }: Result): string =>
  subject === 'wasm-host' ? `${subject}, ${engine}` : subject;

const findPrice = ({ serving }: Result, work: string) => serving?.prices.find((price) => price.work === work);

/** Of the baseline the count itself. */
function formatPrice(result: Result, work: string): string {
  const price = findPrice(result, work);
  if (price === undefined) return 'not measured';
  const text =
    result.serving?.kind === 'baseline'
      ? `${Math.round(price.instructions / 1000)} k instructions`
      : escapeMarkdown(formatFactorInterval(price.ratio));
  return price.stable ? text : `~~${text}~~ unstable`;
}

function formatOrigin({ record: { id, matrix, startedAt, tool, qemu } }: RunView): string {
  const from = `Run ${id} of ${matrix.file}, ${startedAt.slice(0, 10)}, poolproof ${tool.version}, QEMU ${qemu.version}.`;
  return escapeMarkdown(from);
}
