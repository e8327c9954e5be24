import { access, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import t from 'tap';

const root = path.join(import.meta.dirname, '..');
const folders = ['.', '.github', 'harness', 'images', 'matrices', 'results', 'scripts'];

/** As GitHub makes it of a heading. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');

async function listDocuments(): Promise<readonly string[]> {
  const found = await Promise.all(
    folders.map(async (folder) =>
      (await readdir(path.join(root, folder), { recursive: folder !== '.' }))
        .filter((name) => name.endsWith('.md') && !name.startsWith('reference'))
        .map((name) => path.join(folder, name)),
    ),
  );
  return found.flat();
}

/** Links of a document to places of this repository: file, and heading or ''. */
const linksOf = (text: string): readonly (readonly [file: string, anchor: string])[] =>
  [...text.replace(/```[^]*?```/g, '').matchAll(/\]\((?!https?:)([^)\s#]*)#?([^)\s]*)\)/g)].map(
    ([, file = '', anchor = '']) => [file, anchor],
  );

t.test('every link between documents leads to a file, and to a heading of it', async (t) => {
  const documents = await listDocuments();
  t.ok(documents.length > 20, 'documents are found');
  for (const document of documents) {
    for (const [file, anchor] of linksOf(await readFile(path.join(root, document), 'utf8'))) {
      const target = path.join(root, file === '' ? document : path.join(path.dirname(document), file));
      await t.resolves(access(target), `${document}: ${file}`);
      if (anchor === '') continue;
      const headings = [...(await readFile(target, 'utf8')).matchAll(/^#+ (.*)$/gm)];
      t.ok(
        headings.some(([, heading = '']) => anchorOf(heading) === anchor),
        `${document}: ${file}#${anchor}`,
      );
    }
  }
});

t.test('the ten questions of a newcomer are one click away from either front page', async (t) => {
  for (const page of ['README.md', 'harness/README.md']) {
    const anchors = new Set(
      linksOf(await readFile(path.join(root, page), 'utf8')).map(([, anchor]) => anchor),
    );
    for (const question of [
      'where-is-the-qemu-command-line-made',
      'what-decides-a-verdict',
      'how-do-i-add-an-axis',
      'how-do-i-add-a-report',
      'how-do-i-add-a-kernel',
      'how-do-i-add-a-subject',
      'how-do-i-add-an-architecture',
      'where-does-a-guests-clock-come-from',
      'what-may-a-subject-do',
      'how-is-a-figure-measured',
    ])
      t.ok(anchors.has(question), `${page}: ${question}`);
  }
});
