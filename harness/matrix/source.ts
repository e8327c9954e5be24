/**
 * YAML text → plain value, with the place of every part of it. Bounded: hostile text of any kind is
 * answered in a fraction of a second.
 */
import { Composer, isAlias, isMap, isNode, isPair, isScalar, isSeq, Lexer, LineCounter, Parser } from 'yaml';
import type { Document, Range } from 'yaml';
import type { Problem } from './diagnostics.ts';
import { quote } from './diagnostics.ts';

/** Measured: composing as many takes 0.2 s, 0.6 s when all are errors; a row of `include` has about twenty. */
export const maxTokens = 60_000;
const maxAliases = 100;
/** Deeper than any matrix; the composer itself gives up at some thousands. */
const maxDepth = 20;
const maxSyntaxErrors = 20;
const maxReported = 200;

export type Path = readonly PropertyKey[];
export type Place = Readonly<{ line: number; column: number; length: number }>;

export type Source = Readonly<{
  /** Maps without prototype, arrays, scalars. Undefined where nothing could be read. */
  value: unknown;
  /**
   * Place of the value at a path or, `of: 'key'`, of the key that leads to it. The nearest parent's if there is none.
   */
  placeOf(path: Path, of?: 'key'): Place;
  problems: readonly Problem[];
}>;

/** For each map or list of a changed value: which of its keys has another name in the file. */
export type Origins = WeakMap<object, ReadonlyMap<PropertyKey, PropertyKey>>;

/** The source with a changed value; places stay those of the file. */
export function changeValue(source: Source, value: unknown, origins: Origins): Source {
  const original = (path: Path): Path => {
    let node: unknown = value;
    return path.map((step) => {
      if (typeof node !== 'object' || node === null) return step;
      const origin = origins.get(node)?.get(step);
      node = (node as Readonly<Record<PropertyKey, unknown>>)[step];
      return origin ?? step;
    });
  };
  return { ...source, value, placeOf: (path, of) => source.placeOf(original(path), of) };
}

/** `value` is undefined when the YAML is broken; then `problems` says where. */
export function parseSource(text: string): Source {
  const counter = new LineCounter();
  const place = (start: number, end: number): Place => {
    const { line, col } = counter.linePos(start);
    const stop = /[\r\n]/.exec(text.slice(start, end))?.index ?? end - start;
    return {
      line: Math.max(line, 1),
      column: countCharacters(text, start - col + 1, start) + 1,
      length: Math.max(1, countCharacters(text, start, start + stop)),
    };
  };
  const problems: Problem[] = [];
  const broken = (): Source => ({ value: undefined, placeOf: () => place(0, 0), problems });

  let offset = 0;
  let tokens = 0;
  for (const token of new Lexer().lex(text)) {
    offset += token.length;
    tokens += 1;
    if (tokens > maxTokens) {
      for (const match of text.matchAll(/\n/g)) counter.addNewLine(match.index + 1);
      const message = `more than ${maxTokens} YAML tokens`;
      problems.push({
        code: 'MATRIX_TOO_LARGE',
        message,
        ...place(offset, offset + 1),
        hint: 'split the matrix',
      });
      return broken();
    }
  }

  const documents = compose(text, counter);
  const document = documents[0];
  for (const { errors, warnings } of documents) {
    for (const error of [...errors, ...warnings].slice(0, maxSyntaxErrors - problems.length)) {
      problems.push({ code: 'MATRIX_SYNTAX', message: syntaxMessage(error), ...place(...error.pos) });
    }
  }
  const second = documents[1];
  if (second !== undefined) {
    const message = 'a second YAML document; a matrix is one';
    problems.push({ code: 'MATRIX_SYNTAX', message, ...place(second.range[0], second.range[0] + 3) });
  }
  if (document === undefined || problems.length > 0) return broken();

  const value = toPlain(document, (problem, range) => {
    if (problems.length < maxReported) problems.push({ ...problem, ...place(range[0], range[1]) });
  });
  return {
    value,
    problems,
    placeOf: (path, of) => {
      const range = rangeOf(document, path, of);
      return place(range[0], range[1]);
    },
  };
}

/** Offsets count UTF-16 units, people count characters: a pair of surrogates is one. */
function countCharacters(text: string, start: number, end: number): number {
  let count = end - start;
  for (let index = start; index < end; index += 1)
    if ((text.charCodeAt(index) & 0xfc00) === 0xdc00) count -= 1;
  return count;
}

/** Stops early: composing each of a million errors would take ten seconds. */
function compose(text: string, counter: LineCounter): Document.Parsed[] {
  const parser = new Parser(counter.addNewLine);
  // uniqueKeys compares every pair of keys (200 s for 1 MiB of keys); toPlain checks them with a set.
  const composer = new Composer({ uniqueKeys: false, prettyErrors: false });
  const documents: Document.Parsed[] = [];
  let errors = 0;
  for (const token of parser.parse(text)) {
    if (token.type === 'error' && (errors += 1) > maxSyntaxErrors) break;
    for (const document of composer.next(token)) documents.push(document);
    if (documents.length > 1) return documents;
  }
  documents.push(...composer.end(true, text.length));
  return documents;
}

function syntaxMessage(error: Readonly<{ code: string; message: string }>): string {
  if (error.code === 'RESOURCE_EXHAUSTION') return 'nested too deeply';
  if (error.code === 'TAG_RESOLVE_FAILED') return 'a tag; a matrix has none';
  const [first = ''] = error.message.split('\n');
  return first.charAt(0).toLowerCase() + first.slice(1);
}

type Report = (problem: Pick<Problem, 'code' | 'message' | 'hint'>, range: Range) => void;

/** Numbers below these keys keep the text of the file: `1.10` is no number when it is a variable's value. */
const textKeys: readonly string[] = ['env'];

/** Undefined when going on would only give errors that follow from the first one. */
function toPlain(document: Document.Parsed, report: Report): unknown {
  const counts = { aliases: 0, nodes: 0, fatal: 0 };
  const stop = (message: string, range: Range, hint?: string): null => {
    counts.fatal += 1;
    report({ code: 'MATRIX_SYNTAX', message, ...(hint === undefined ? {} : { hint }) }, range);
    return null;
  };
  const convert = (node: unknown, depth: number, asText: boolean): unknown => {
    if (counts.fatal > 0) return null;
    const range = rangeOfNode(node, [0, 0, 0]);
    counts.nodes += 1;
    if (isAlias(node)) {
      counts.aliases += 1;
      // Without aliases there are never more nodes than tokens.
      if (counts.aliases > maxAliases || counts.nodes > maxTokens) {
        const message = `aliases stand for too much: more than ${maxAliases} of them, or ${maxTokens} values`;
        return stop(message, range, 'write the values out');
      }
      const target = node.resolve(document);
      return target === undefined
        ? stop(`the alias ${quote(node.source)} names no anchor`, range)
        : convert(target, depth, asText);
    }
    if (depth > maxDepth) return stop('nested too deeply', range);
    if (isSeq(node)) return node.items.map((item) => convert(item, depth + 1, asText));
    if (isMap(node)) {
      const map = Object.create(null) as Record<string, unknown>;
      for (const { key, value } of node.items) {
        const name = keyText(key);
        const keyRange = rangeOfNode(key, range);
        if (name === null) {
          report({ code: 'MATRIX_SYNTAX', message: 'a key is a plain word' }, keyRange);
        } else if (name in map) {
          const message = `${quote(name)} stands twice in this map`;
          report({ code: 'MATRIX_DUPLICATE_KEY', message, hint: 'join the two' }, keyRange);
        } else {
          map[name] = convert(value, depth + 1, asText || textKeys.includes(name));
        }
      }
      return map;
    }
    if (!isScalar(node)) return null;
    return asText && typeof node.value === 'number' ? String(node.source) : node.value;
  };
  const plain = convert(document.contents, 0, false);
  return counts.fatal > 0 ? undefined : plain;
}

/** Numbers, `true` and `null` as keys are read as the words they look like. */
function keyText(key: unknown): string | null {
  // zod drops `__proto__` from a map without a word.
  if (!isScalar(key) || key.value === '__proto__' || key.source === undefined) return null;
  return key.source;
}

function rangeOfNode(node: unknown, otherwise: Range): Range {
  return (isNode(node) ? node.range : null) ?? otherwise;
}

function rangeOf(document: Document.Parsed, path: Path, of?: 'key'): Range {
  const follow = (node: unknown): unknown => (isAlias(node) ? node.resolve(document) : node);
  let node: unknown = follow(document.contents);
  let range: Range = rangeOfNode(node, [0, 0, 0]);
  path.forEach((step, index) => {
    let next: unknown = null;
    if (isSeq(node) && typeof step === 'number') next = node.items[step];
    if (isMap(node)) {
      const pair = node.items.find((item) => isPair(item) && keyText(item.key) === step);
      next = pair?.value;
      range = rangeOfNode(pair?.key, range);
      if (of === 'key' && index === path.length - 1) return;
    }
    node = follow(next);
    const found = rangeOfNode(node, range);
    // An empty value has an empty range: its key is what one sees.
    if (found[1] > found[0]) range = found;
  });
  return range;
}
