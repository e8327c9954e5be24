/**
 * Makes text from a guest, a file or a bundle harmless. All are hostile: they may hold escape sequences, control
 * characters, bidirectional overrides or megabytes of anything.
 */
import { stripVTControlCharacters, toUSVString } from 'node:util';

/** Control characters, but for tab and newline. */
// eslint-disable-next-line no-control-regex -- removing them is the point
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** Invisible characters that reorder or hide text, line separators, the byte-order mark, noncharacters. */
const invisible =
  /[\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff]/g;

/** Code points the first pattern cannot name: noncharacters of the upper planes and Unicode tags. */
const astral = /[\u{1fffe}\u{1ffff}\u{2fffe}\u{2ffff}\u{e0000}-\u{e007f}\u{effff}-\u{10ffff}]/gu;

/** Characters that a terminal could take for a command, or that reorder text; also half a character. */
const unshowable =
  // eslint-disable-next-line no-control-regex -- finding them is the point
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff]|[\u{e0000}-\u{e007f}]|\p{Cs}/gu;

/** The colours and styles that poolproof writes itself: none hides text. */
// eslint-disable-next-line no-control-regex -- ESC begins them
const ownStyles = /(\u001b\[(?:0|1|2|9|22|29|39|3[1-7])m)/;

/**
 * Text on its way to a terminal, where strings of files, guests and bundles are among it: what a terminal would obey
 * is shown as `\u001b`. That is also how JSON writes it, so printed JSON keeps its meaning.
 * @param color whether poolproof's own colours pass
 */
export function showable(text: string, color: boolean): string {
  if (harmless.test(text)) return text;
  const parts = color ? text.split(ownStyles) : [text];
  return parts.map((part, at) => (at % 2 === 1 ? part : part.replace(unshowable, writeOut))).join('');
}

/** Each half of a character of two, as JSON writes it. */
const writeOut = (char: string): string =>
  Array.from({ length: char.length }, (_, at) => {
    return `\\u${char.charCodeAt(at).toString(16).padStart(4, '0')}`;
  }).join('');

/** Nearly all text is this, and ten thousand cells have much of it. */
const harmless = /^[\n -~]*$/;

/** Text with several lines, without anything a terminal, XML or a browser could take for a command. */
export function plainLines(text: string, limit = 65_536): string {
  // Cut before cleaning, so that ten megabytes cost what the limit costs.
  const cut = text.length > limit ? `${text.slice(0, limit)}…` : text;
  if (harmless.test(cut)) return cut;
  return stripVTControlCharacters(toUSVString(cut))
    .replace(/\r\n?/g, '\n')
    .replace(controls, '')
    .replace(invisible, '')
    .replace(astral, '');
}

/** The same on one line: white space collapsed, cut at `limit` characters. */
export function plainLine(text: string, limit = 1000): string {
  const line = plainLines(text, limit * 4)
    .replace(/\s+/g, ' ')
    .trim();
  return line.length > limit ? `${toUSVString(line.slice(0, limit - 1))}…` : line;
}

/**
 * Frames of a stack trace and the rules around them, as V8 and Node print them: addresses carry no information, and
 * differ each time.
 */
const noise =
  /^(?:\d+: 0x[\da-f]+\b.*|#+|#?FailureMessage Object: .*|[-=# ]*(?:native|js|c) stack ?trace[-=: ]*|[-=]{3,})$/i;

/** The last meaningful lines as one line; for the tail of a standard error. */
export function plainTail(text: string, limit = 300): string {
  const line = plainLines(text.slice(-limit * 40), limit * 40)
    .split('\n')
    .map((part) => part.replace(/\s+/g, ' ').trim())
    .filter((part) => part !== '' && !noise.test(part))
    .join(' | ');
  return line.length > limit ? `…${toUSVString(line.slice(-limit + 1))}` : line;
}
