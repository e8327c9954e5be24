/** The results as files inside the page, and the command that repeats the run. */
import { gzipSync, strToU8 } from 'fflate';
import { csv } from '../format/csv.ts';
import { json } from '../format/json.ts';
import type { RunView } from '../run-view.ts';
import { formatRunCommand } from './commands.ts';
import { type Html, html, markup } from './html.ts';

/** Of more the page names the command that writes the files. */
const mostResults = 500;
/** Bytes of a file that a page carries: what a guest wrote may be long. */
const mostBytes = 512 * 1024;
/** Most characters of a file before it is packed: packing 100 MB takes seconds, and unpacking gives 100 MB. */
const mostCharacters = 20 * mostBytes;

const kinds = [
  { name: 'CSV', end: 'csv', type: 'text/csv', format: csv, pack: strToU8 },
  {
    name: 'JSON, compressed',
    end: 'json.gz',
    type: 'application/gzip',
    format: json,
    // Without a time: equal results give equal bytes. A tenth of the text, which a page carries a third larger.
    pack: (text: string) => gzipSync(strToU8(text), { mtime: 0 }),
  },
] as const;

export function renderDownloads(runs: readonly RunView[]): Html {
  return html`<ul class="files">
    ${runs.map((run) => {
      const { id, matrix, options } = run.record;
      const again = formatRunCommand(run.record);
      return html`<li>
        ${matrix.title}, run ${id}: ${kinds.map((kind) => renderFile(run, kind))}
        ${again === null ? 'made by' : 'again with'}
        <code>${again ?? `poolproof ${String(options['command'])}`}</code>
      </li>`;
    })}
  </ul>`;
}

function renderFile(run: RunView, { name, end, type, format, pack }: (typeof kinds)[number]): Html {
  const { id } = run.record;
  const text = run.results.length > mostResults ? null : format.render(run);
  const bytes = text === null || text.length > mostCharacters ? null : pack(text);
  if (bytes === null || bytes.length > mostBytes)
    return html`${name} with <code>poolproof report ${id} --format ${end.replace('.gz', '')}</code>; `;
  const data = `data:${type};base64,${Buffer.from(bytes).toString('base64')}`;
  return html`<a download="poolproof-${id}.${end}" href="${markup(data)}">${name}</a>; `;
}
