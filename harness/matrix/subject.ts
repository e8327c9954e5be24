/** Definitions of programs that a cell may run instead of the wasm host. */
import type { HostName } from '../../images/allocator/hosts.ts';
import type { ArchitectureName } from '../../images/architectures.ts';
import type { Mapped } from './mapped.ts';

/** The sign that a program is up. */
export type Ready =
  /** It ends with this code. */
  | Readonly<{ kind: 'exit'; code: number }>
  /** A line of its output fits the pattern; the program is ended then. `extended`: the same for grep -E. */
  | Readonly<{ kind: 'line'; pattern: string; extended: string }>
  /** Something listens on this TCP port inside the guest; the program is ended then. */
  | Readonly<{ kind: 'port'; port: number }>
  /**
   * It answers a request for `path` on that port of 127.0.0.1 with `status`, and its body has a line that fits `body`;
   * the program is ended then. After `answers` answers of another status it is ended as well: it serves nothing.
   */
  | Readonly<{
      kind: 'http';
      port: number;
      path: string;
      status: number;
      body: string | null;
      answers: number;
    }>;

/** A file of the disk: its path there, and where it comes from. */
export type SubjectFile = Readonly<{
  to: string;
  from: string;
  /** Of its contents; others are refused. */
  sha256?: string;
  /** Whose package it is, where the subject names another one than that of x86-64. */
  architecture?: ArchitectureName;
}>;

/** A version of a program that its subject pins: what it says of itself, and the digest that this is true of. */
export type ProgramPin = Readonly<{ version: string; says: string; sha256: string }>;

/** A word, and the signs that mean it: a tier of the table, or a class of failure. */
export type SubjectWord = Readonly<{
  word: string;
  patterns: readonly string[];
  /** Of a tier: what the largest mapping of its process shows instead, or as well. */
  mapped?: readonly Mapped[];
}>;

export type Subject = Readonly<{
  /** Its value of the axis `subject`. */
  name: string;
  title: string | null;
  /** `from` is an absolute path, or a package of a registry: `npm:<name>@<version>/<path>`. */
  files: readonly SubjectFile[];
  /** The row of the model that predicts it; absent where the model knows nothing of it. */
  host?: HostName;
  /**
   * Program and arguments; `{node}`, `{engine}` and `{files}` stand for paths in the guest, and the word `{options}`
   * for the options of the cell's pool, as `host` has them.
   */
  run: readonly string[];
  /** The pinned version that its files are; absent where none is. */
  program?: ProgramPin;
  ready: Ready;
  words: readonly SubjectWord[];
  /** Milliseconds in which the guest could run; null for the default. */
  timeoutMs: number | null;
  /** The subject on other architectures, where it has files of its own there. */
  elsewhere?: Readonly<Partial<Record<ArchitectureName, Subject>>>;
}>;

/** The subject as guests of an architecture have it. */
export const subjectOn = (subject: Subject, arch: ArchitectureName): Subject =>
  subject.elsewhere?.[arch] ?? subject;

/** Word of `run` in whose place the options of the cell's pool stand. */
export const optionsWord = '{options}';

/** A package of a registry as the source of a file. */
export const packagePattern =
  /^(npm|pip):((?:@[\w.-]+\/)?[\w.-]+)@(\d[\w.+-]*)\/([\w.@+-]+(?:\/[\w.@+-]+)*)$/;

/** Classes of RE2 that grep writes otherwise. */
const classes: Readonly<Record<string, string>> = { d: '[0-9]', s: '[[:space:]]', w: '[[:alnum:]_]' };

/** A class of POSIX inside brackets, which both write alike. */
const namedClass = /^\[:\^?[a-z]+:\]/;

const repetition = /^\{\d+(?:,\d*)?\}/;

/** Characters that a backslash makes plain for grep; before others it may mean something: `\<`, "\`". */
const special = /[.[\](){}*+?|^$\\]/;

/**
 * A pattern of RE2 for grep -E, which looks for it inside the guest, by bytes.
 * @returns null where grep has nothing like it: `\b`, named groups, flags, characters of several bytes in brackets
 */
export function toExtended(pattern: string): string | null {
  let extended = '';
  for (let at = 0; at < pattern.length;) {
    const part = pattern.startsWith('[', at) ? takeBrackets(pattern, at) : takePlain(pattern, at);
    if (part === null) return null;
    extended += part.text;
    at += part.length;
  }
  return extended;
}

/** A piece for grep, and how many characters of the pattern it stands for. */
type Piece = Readonly<{ text: string; length: number }>;

function takePlain(pattern: string, at: number): Piece | null {
  const rest = pattern.slice(at, at + 20);
  const char = rest.charAt(0);
  const next = rest.charAt(1);
  if (char === '\\') {
    const known = classes[next];
    if (known !== undefined) return { text: known, length: 2 };
    if (/[A-Za-z0-9]/.test(next)) return null;
    return { text: special.test(next) ? `\\${next}` : next, length: 2 };
  }
  if (char === '(' && next === '?') return rest.startsWith('(?:') ? { text: '(', length: 3 } : null;
  if (char === '{') {
    // Greedy or not makes no difference to whether there is a match.
    const [text] = repetition.exec(rest) ?? [];
    return text === undefined
      ? null
      : { text, length: text.length + Number(rest.startsWith('?', text.length)) };
  }
  if (/[*+?]/.test(char)) return { text: char, length: next === '?' ? 2 : 1 };
  const [whole = ''] = rest;
  // By bytes, a repetition would mean the last one only.
  return { text: /[^\0-\x7f]/.test(whole) ? `(${whole})` : whole, length: whole.length };
}

function takeBrackets(pattern: string, start: number): Piece | null {
  let text = pattern.startsWith('[^', start) ? '[^' : '[';
  let at = start + text.length;
  for (let first = true; first || !pattern.startsWith(']', at); first = false) {
    const [named] = namedClass.exec(pattern.slice(at, at + 20)) ?? [];
    const char = pattern.charAt(at);
    if (named !== undefined) {
      if (named.includes('^')) return null;
      text += named;
      at += named.length;
    } else if (char === '\\') {
      // Inside brackets a backslash is a character of its own there.
      const known = classes[pattern.charAt(at + 1)];
      if (known === undefined) return null;
      text += known.slice(1, -1);
      at += 2;
    } else {
      // `[=a=]` and `[.a.]` mean something to grep.
      if (char === '' || /[^\0-\x7f]/.test(char) || /^\[[=.]/.test(pattern.slice(at))) return null;
      text += char;
      at += 1;
    }
  }
  return { text: `${text}]`, length: at + 1 - start };
}
