/** The machines of a cell, the evidence they left behind, and the commands that reproduce it. */
import { ownPhases } from '../../plan/shard-durations.ts';
import type { Result } from '../../store/result.ts';
import { type EvidenceByCell, evidenceFolder, evidenceKey, shownTexts } from '../evidence.ts';
import { formatRunCommand, formatShellCommand } from './commands.ts';
import { type Html, html, markup, text } from './html.ts';
import type { PageCell } from './page-view.ts';

export function renderAttempts({ attempts, timings, startedAt }: Result): readonly Html[] {
  return [
    markup('<h3>Machines</h3>'),
    attempts.length === 0 ? markup('<p>No machine was started.</p>') : markup('<ol>'),
    ...attempts.map(
      ({ start, outcome, detail, machineEnd }) =>
        html`<li>
          ${start === 'clone' ? 'clone of a template' : 'boot of its own'}: ${outcome},
          ${detail}${machineEnd === null ? '' : ` (machine ${machineEnd.kind}: ${machineEnd.detail})`}
        </li>`,
    ),
    ...(attempts.length === 0 ? [] : [markup('</ol>')]),
    markup('<p>Started '),
    // In two pieces, of which one is the same for a minute and the other every minute.
    text(startedAt.slice(0, 16)),
    text(startedAt.slice(16).replace(/\.\d+(?=Z$)/, '')),
    markup("; by the test machine's clock: "),
    ...ownPhases({ timings }).map(([phase, ms]) => text(` ${phase} ${formatDuration(ms)}`)),
    markup('</p>'),
  ];
}

const formatDuration = (ms: number): string =>
  ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;

export function renderWarnings({ host }: Result): readonly Html[] {
  const warnings = host?.warnings ?? [];
  if (warnings.length === 0) return [];
  return [
    markup('<h3>What the wasm host tells its operator</h3><ul>'),
    ...warnings.map((warning) => html`<li>${warning}</li>`),
    markup('</ul>'),
  ];
}

export function renderEvidence(
  result: Result,
  evidence: EvidenceByCell,
  base: string | null,
): readonly Html[] {
  const texts = evidence.get(evidenceKey(result)) ?? {};
  const folder = evidenceFolder(result);
  const shown = [
    ...(folder === null || base === null
      ? []
      : [
          markup('<p>Everything it left behind: <a href="'),
          // The end is a digest and no two cells share it; the rest is the cell's id.
          text(`${base}${folder.slice(0, -10)}`),
          text(folder.slice(-10)),
          markup('/">folder of evidence</a></p>'),
        ]),
    ...shownTexts.flatMap(({ name, title }) => {
      const content = texts[name];
      if (content === undefined) return [];
      const shown = name === 'qemuCommand' ? wrapCommand(content) : content;
      // A failure is read from its last words; a success is looked up when in doubt.
      const open = name === 'stderr' && result.outcome !== 'reached' ? ' open' : '';
      return [
        markup(`<details class="fold"${open}><summary>${title}</summary>`),
        ...showText(shown),
        markup('</details>'),
      ];
    }),
  ];
  return shown.length === 0 ? [] : [markup('<h3>Evidence</h3>'), ...shown];
}

/** Line by line, since most lines of most cells are the same. */
function showText(content: string): readonly Html[] {
  return [markup('<pre>'), ...content.split('\n').map((line) => text(`${line}\n`)), markup('</pre>')];
}

/** One option per line, still ready to paste; unchanged where the words cannot be separated. */
export function wrapCommand(command: string): string {
  const words = [...command.matchAll(/(?:[^\s'"\\]|'[^']*')+/g)].map(([word]) => word);
  if (words.join(' ') !== command.trim()) return command;
  return words
    .map((word, index) => (index === 0 ? '' : /^-[a-z]/.test(word) ? ' \\\n  ' : ' ') + word)
    .join('');
}

export function renderReproduction({ id, run: { record } }: PageCell): readonly Html[] {
  const again = formatRunCommand(record, [id]);
  return [
    markup('<h3>Reproduce</h3>'),
    markup('<pre>'),
    ...(again === null ? [] : [text(`${again}\n`)]),
    text(formatShellCommand(record, id)),
    markup('</pre>'),
  ];
}
