/** The picture that others show beside a link to a page: its title, its sentence, its cells by their words. */
import { formatTime } from '../format-run.ts';
import { type Html, html } from './html.ts';
import { classOf, countWords } from './legend.ts';
import { describeEmulator } from './overview.ts';
import type { PageView } from './page-view.ts';
import { styles } from './styles.ts';
import { renderSummary, titlePage } from './verdict.ts';

/** As every reader of `og:image` takes it, pixels. */
export const pictureSize = { width: 1200, height: 630 } as const;

const margin = 60;
const inner = pictureSize.width - 2 * margin;

/** SVG. Its texts need a font on the computer that makes an image of it. */
export function drawPicture(page: PageView): Html {
  const { width, height } = pictureSize;
  const { record } = page.newest;
  const lines = (text: string, most: number, y: number, size: number): readonly Html[] =>
    wrap(text, most).map(
      (line, index) =>
        html`<text x="${margin}" y="${y + index * size * 1.25}" font-size="${size}">${line}</text>`,
    );
  return html`<svg
    xmlns="http://www.w3.org/2000/svg"
    viewBox="0 0 ${width} ${height}"
    font-family="sans-serif"
    fill="${colorOf('fg')}"
  >
    <rect width="${width}" height="${height}" fill="${colorOf('bg')}" />
    <g font-weight="bold">${lines(titlePage(page), 42, 110, 46)}</g>
    ${lines(renderSummary(page), 58, 245, 34)}${drawShares(page)}
    ${lines(`poolproof · ${formatTime(record.startedAt)} · ${describeEmulator(record)}`, 90, 570, 24)}
  </svg>`;
}

function drawShares({ cells }: PageView): readonly Html[] {
  let x = margin;
  return countWords(cells).map(({ word, count }) => {
    const width = (count / cells.length) * inner;
    const from = x;
    x += width;
    const label = `${word} ${count}`;
    const class_ = classOf[word];
    return html`<rect
        x="${from}"
        y="400"
        width="${width - 4}"
        height="90"
        fill="${colorOf(class_)}"
        stroke="${colorOf('line')}"
      />${
        width < label.length * 16
          ? null
          : html`<text x="${from + 18}" y="455" font-size="28" fill="${colorOf(`${class_}t`)}"
              >${label}</text
            >`
      }`;
  });
}

/** The page's own, of its light scheme. */
function colorOf(token: string): string {
  const start = `--${token}:`;
  return styles.slice(styles.indexOf(start) + start.length).replace(/[;}].*/s, '');
}

/** Lines of at most so many characters; a longer word has one of its own. */
function wrap(text: string, most: number): readonly string[] {
  return text.split(' ').reduce<readonly string[]>((lines, word) => {
    const last = lines.at(-1);
    const joined = last === undefined ? word : `${last} ${word}`;
    return last === undefined || joined.length > most ? [...lines, word] : [...lines.slice(0, -1), joined];
  }, []);
}
