import t from 'tap';
import {
  buildDefaultResults,
  buildStandard,
  record,
  recordOf,
  viewOf,
} from '../../fixtures/report/results.ts';
import { renderHtml } from '../format/html.ts';
import { formatRunCommand } from './commands.ts';
import { buildPageView } from './page-view.ts';
import { drawPicture } from './picture.ts';

const view = viewOf(buildDefaultResults(), record);
const page = 'https://example.org/runs/a/report.html';

t.test('a page says where it is and shows a picture only where that is known', (t) => {
  const nowhere = renderHtml([view]);
  t.match(
    nowhere,
    '<meta property="og:title" content="Spin&#39;s defaults on small machines: supported environments" />',
  );
  t.ok(!/og:url|og:image|twitter/.test(nowhere));
  const published = renderHtml([view], { published: { page, picture: null } });
  t.match(published, `<meta property="og:url" content="${page}" />`);
  t.notMatch(published, 'og:image');
  const picture = 'https://example.org/runs/a/picture.png';
  const shown = renderHtml([view], { published: { page, picture } });
  t.match(shown, `<meta property="og:image" content="${picture}" />`);
  t.match(shown, '<meta property="og:image:width" content="1200" />');
  t.match(
    shown,
    /og:image:alt" content="The host runs fully in 24 of 36 environments, runs smaller in 12\."/,
  );
  t.end();
});

t.test('the picture has the title, the sentence and the share of each word', (t) => {
  const svg = drawPicture(buildPageView([view])).text;
  t.match(svg, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" viewBox="0 0 1200 630"/);
  t.match(svg, '>Spin&#39;s defaults on small machines:</text>');
  t.match(svg, '>supported environments</text>', 'a long title has two lines');
  t.match(svg, '>The host runs fully in 24 of 36 environments, runs smaller</text>');
  t.match(svg, /<rect x="60" y="400" width="716" height="90" fill="#0b4f8a"[^>]*><text[^>]*>standard 24</);
  t.match(
    svg,
    /<rect x="780" y="400" width="356" height="90" fill="#8fc1ea"[^>]*><text[^>]*>conservative 12</,
  );
  const many = [
    ...buildDefaultResults(),
    buildStandard({ id: 'x', outcome: 'crashed', tier: null }, { cpus: 2 }),
  ];
  const narrow = drawPicture(buildPageView([viewOf(many)])).text;
  t.match(narrow, 'fill="#8a3200"');
  t.notMatch(narrow, 'crashed 1', 'no word where it has no room');
  t.end();
});

t.test('the project is linked where its record names it, and nowhere else', (t) => {
  const linked = (homepage: string) =>
    renderHtml([viewOf(buildDefaultResults(), { ...record, tool: { ...record.tool, homepage } })]);
  t.match(
    linked('https://example.org/'),
    'Made by <a href="https://example.org/" rel="noreferrer">poolproof</a> 0.1.0',
  );
  t.match(linked('javascript:alert(1)'), 'Made by poolproof 0.1.0');
  t.match(renderHtml([view]), 'Made by poolproof 0.1.0');
  t.end();
});

t.test('a run of another command has no matrix that could be run again', (t) => {
  const page = renderHtml([viewOf(buildDefaultResults(), { ...record, options: { command: 'explore' } })]);
  t.match(page, 'made by <code>poolproof explore</code>');
  t.notMatch(page, /poolproof run/);
  t.match(page, 'poolproof shell memory=512M');
  t.end();
});

t.test('the command that repeats a run names its part of the matrix', (t) => {
  t.equal(formatRunCommand(record), 'poolproof run matrices/default.yaml');
  const selection = {
    of: 36,
    repeat: 1,
    only: ['memory=1G', "env.A='b'"],
    shard: { index: 2, count: 3, of: 18, plan: 'x' },
    cells: null,
  };
  t.equal(
    formatRunCommand({ ...recordOf([]), selection }),
    "poolproof run matrices/default.yaml --only memory=1G --only 'env.A='\\''b'\\''' --shard 2/3",
  );
  const options = { cold: true, retries: 2, kernel: 'bzImage', disks: 'data more' };
  t.equal(
    formatRunCommand({ ...record, options, selection }, ['memory=1G']),
    "poolproof run matrices/default.yaml --only memory=1G --cold --retries 2 --kernel bzImage --disk 'data=<path>' --disk 'more=<path>'",
    'one cell, as it was run',
  );
  t.end();
});
