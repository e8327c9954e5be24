/**
 * Tables of files in READMEs: one row per file and per folder that has a README. The words are the file's own.
 *
 * A README that wants the table has the markers `<!-- files -->` and `<!-- end of files -->`. A file's words are the
 * first sentence of the comment at its head, a folder's the title of its README. Rows keep their order, which is the
 * order to read in; new files come last.
 */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { GeneratedFiles } from './generate.ts';

const begin = '<!-- files -->';
const end = '<!-- end of files -->';
const roots = ['harness', 'images', 'scripts'];

/** The mark of comment lines, by extension; a file without extension is a shell script. */
const lineComments: Readonly<Record<string, string>> = {
  '.sh': '#',
  '.awk': '#',
  '.s': '#',
  '.wat': ';;',
  '': '#',
};

const isListed = (name: string) =>
  /(?:\.ts|\.sh|\.awk|\.s|\.wat|^[a-z-]+)$/.test(name) && !/\.test\.ts$|\.d\.ts$/.test(name);

/** The text of the comment at the head of a file; null where there is none. */
function readHeadComment(name: string, source: string): string | null {
  const mark = lineComments[path.extname(name)];
  if (mark === undefined) {
    const block = /^(?:#!.*\n)?\/\*\*([^]*?)\*\//.exec(source)?.[1];
    return block?.replace(/^\s*\* ?/gm, '').trim() ?? null;
  }
  const lines = source.split('\n').filter((line) => !/^#!|^# shellcheck /.test(line));
  const past = lines.findIndex((line) => !line.startsWith(mark));
  const comment = lines
    .slice(0, past === -1 ? undefined : past)
    .map((line) => line.slice(mark.length).trim());
  return comment.join('\n').trim() || null;
}

/** First sentence of a comment on one line, as a cell of a table: without its full stop, or the name it starts with. */
export function readWords(name: string, source: string): string | null {
  const paragraph = readHeadComment(name, source)?.split(/\n\s*\n/)[0];
  const sentence = paragraph?.replace(/\s+/g, ' ').split(/(?<=[^.][.?!]) /)[0];
  const itself = `${path.parse(name).name}: `;
  const words = sentence?.startsWith(itself) === true ? sentence.slice(itself.length) : sentence;
  return (
    words
      ?.replace(/\.$/, '')
      .replaceAll('|', '\\|')
      .replace(/<(?=[^`]*(?:`[^`]*`[^`]*)*$)/g, '\\<') ?? null
  );
}

/** The part of a README's title after the colon. */
function readTitle(readme: string): string | null {
  return /^# [^\n:]*: (.*)$/m.exec(readme)?.[1] ?? null;
}

type Row = Readonly<{ name: string; target: string; words: string | null }>;

/** Rows of a folder: its files, its folders with a README as one row each, the files of others by their path. */
async function listRows(folder: string, prefix = ''): Promise<readonly Row[]> {
  const entries = (await readdir(folder, { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1));
  const rows: Row[] = [];
  for (const entry of entries) {
    const [place, name] = [path.join(folder, entry.name), `${prefix}${entry.name}`];
    if (entry.isDirectory()) {
      if (entry.name === 'fixtures') continue;
      const readme = await readFile(path.join(place, 'README.md'), 'utf8').catch(() => null);
      if (readme === null) rows.push(...(await listRows(place, `${name}/`)));
      else rows.push({ name: `${name}/`, target: `${name}/README.md`, words: readTitle(readme) });
    } else if (isListed(entry.name)) {
      rows.push({ name, target: name, words: readWords(entry.name, await readFile(place, 'utf8')) });
    }
  }
  return rows;
}

/** A README with its table as the files have it now. @throws Error naming what has no words. */
export function replaceTable(file: string, readme: string, rows: readonly Row[]): string {
  const [from, to] = [readme.indexOf(begin), readme.indexOf(end)];
  if (from === -1 || to < from) throw new Error(`${file}: the markers of its table are not in order`);
  const silent = rows.filter(({ words }) => words === null).map(({ name }) => name);
  if (silent.length > 0)
    throw new Error(
      `${file}: no comment at the head (of a folder: no title with a colon): ${silent.join(', ')}`,
    );
  const before = readme.slice(from, to);
  const place = ({ name }: Row) => {
    const index = before.indexOf(`| [\`${name}\`]`);
    return index === -1 ? before.length : index;
  };
  const lines = [...rows]
    .sort((a, b) => place(a) - place(b))
    .map(({ name, target, words }) => `| [\`${name}\`](${target}) | ${words ?? ''} |`);
  const table = ['<!-- prettier-ignore-start -->', '| file | what it is |', '| --- | --- |', ...lines];
  const text = [begin, ...table, '<!-- prettier-ignore-end -->', ''].join('\n');
  return readme.slice(0, from) + text + readme.slice(to);
}

/** Every README with a table, below the folders of the project. */
export async function renderFileTables(root: string): Promise<GeneratedFiles> {
  const files: Record<string, string> = {};
  for (const folder of roots) {
    const names = await readdir(path.join(root, folder), { recursive: true });
    for (const name of names.filter((each) => path.basename(each) === 'README.md').sort()) {
      const [file, place] = [path.join(folder, name), path.join(root, folder, name)];
      const readme = await readFile(place, 'utf8');
      if (readme.includes(begin))
        files[file] = replaceTable(file, readme, await listRows(path.dirname(place)));
    }
  }
  return files;
}
