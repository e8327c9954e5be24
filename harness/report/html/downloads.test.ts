import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import t from 'tap';
import { buildResult, record, viewOf } from '../../fixtures/report/results.ts';
import type { Result } from '../../store/result.ts';
import { renderDownloads } from './downloads.ts';

const render = (results: readonly Result[]): string => renderDownloads([viewOf(results)]).text;
const commands = `CSV with <code>poolproof report ${record.id} --format csv</code>`;
const jsonCommand = `JSON, compressed with <code>poolproof report ${record.id} --format json</code>`;

t.test('a page carries its results as CSV and as compressed JSON', (t) => {
  const page = render([buildResult()]);
  const [, base64 = ''] = /data:application\/gzip;base64,([^"]+)"/.exec(page) ?? [];
  t.match(JSON.parse(gunzipSync(Buffer.from(base64, 'base64')).toString()), { cells: { length: 1 } });
  t.match(page, /href="data:text\/csv;base64,/);
  t.notMatch(page, /--format/);
  t.end();
});

t.test('what is too much for a page has the command that writes it', (t) => {
  // A text that hardly packs, and one that packs to nearly nothing but is long when it is unpacked.
  const noise = Array.from({ length: 20_000 }, (_, at) => createHash('sha256').update(`${at}`).digest('hex'));
  for (const reason of [noise.join(''), 'x'.repeat(11 * 2 ** 20)])
    t.match(render([buildResult({ reason })]), jsonCommand);
  const many = Array.from({ length: 501 }, (_, at) => buildResult({ id: `cell-${at}` }));
  t.match(render(many), commands);
  t.match(render(many), jsonCommand);
  t.end();
});
