/** The record of a selftest as a page of facts, in Markdown: to keep, and to paste into an issue. */
import { escapeMarkdown, markdownTable } from '../report/markdown.ts';
import { isPassed, type SelftestRecord } from './selftest.ts';

/** Signs and words: never a colour alone. */
const signs = { holds: '✓ holds', fails: '✗ fails', noted: '· noted' } as const;

export function renderPage(record: SelftestRecord): string {
  const { computer, checks, accelerator } = record;
  const failed = checks.filter(({ status }) => status === 'fails').length;
  const facts: readonly (readonly [string, string])[] = [
    ['poolproof', record.poolproof],
    ['accelerator', `${accelerator.kind}: ${accelerator.reason}`],
    ['QEMU', record.qemu],
    [
      'CPU',
      `${computer.cpuModel} (${computer.hardware}), ${computer.cores} cores, ${computer.memTotalMib} MiB`,
    ],
    ['system', `${computer.os}, Linux ${computer.kernel}`],
    ['guest', `Linux ${record.guestKernel}, ${record.boots} boots and ${record.clones} clones`],
    ['when', `${record.startedAt.slice(0, 16)}Z, ${record.seconds} s`],
  ];
  const rows = checks.map(({ name, status, assumes, found, beside, seconds }) => [
    name,
    signs[status],
    escapeMarkdown(assumes),
    escapeMarkdown(found),
    `\`${beside}\``,
    seconds.toFixed(1),
  ]);
  return [
    `# Selftest: ${isPassed(record) ? `all ${checks.length} checks passed` : `${failed} of ${checks.length} checks failed`}`,
    markdownTable(
      ['', ''],
      facts.map(([name, text]) => [name, escapeMarkdown(text)]),
    ),
    markdownTable(['check', '', 'what is relied on', 'found', 'where', 's'], rows),
    '',
  ].join('\n\n');
}
