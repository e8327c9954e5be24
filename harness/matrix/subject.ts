/** Programs a cell may run instead of the wasm host: what their definition holds. */

/** How one knows that a program is up. */
export type Ready =
  /** It ends with this code. */
  | Readonly<{ kind: 'exit'; code: number }>
  /** A line of its output fits the pattern; the program is ended then. `extended`: the same for grep -E. */
  | Readonly<{ kind: 'line'; pattern: string; extended: string }>
  /** Something listens on this TCP port inside the guest; the program is ended then. */
  | Readonly<{ kind: 'port'; port: number }>;

/** A file of the disk: its path there, and where it comes from. */
export type SubjectFile = Readonly<{ to: string; from: string }>;

/** A word, and the patterns of lines that mean it: a tier of the table, or a class of failure. */
export type SubjectWord = Readonly<{ word: string; patterns: readonly string[] }>;

export type Subject = Readonly<{
  /** Its value of the axis `subject`. */
  name: string;
  title: string | null;
  /** `from` is an absolute path, or a package of a registry: `npm:<name>@<version>/<path>`. */
  files: readonly SubjectFile[];
  /** Program and arguments; `{node}`, `{engine}` and `{files}` stand for paths in the guest. */
  run: readonly string[];
  ready: Ready;
  words: readonly SubjectWord[];
  /** Milliseconds by the guest's clock; null for the default. */
  timeoutMs: number | null;
}>;

/** Value of the axis where nothing else is named: the wasm host. */
export const hostSubject = 'wasm-host';

export const subjectNamePattern = /^[a-z][a-z0-9-]{0,39}$/;

/** A package of a registry as the source of a file. */
export const packagePattern =
  /^(npm|pip):((?:@[\w.-]+\/)?[\w.-]+)@(\d[\w.+-]*)\/([\w.@+-]+(?:\/[\w.@+-]+)*)$/;

const classes: Readonly<Record<string, string>> = { d: '[0-9]', s: '[[:space:]]', w: '[[:alnum:]_]' };

/**
 * A pattern of JavaScript for grep -E, which looks for it inside the guest.
 * @returns null where grep has nothing like it: look-around, back references, `\b`, named groups
 */
export function toExtended(pattern: string): string | null {
  let extended = '';
  let inClass = false;
  for (let at = 0; at < pattern.length; at += 1) {
    const char = pattern.charAt(at);
    const next = pattern.charAt(at + 1);
    if (char === '\\') {
      at += 1;
      const known = classes[next];
      if (/[A-Za-z0-9]/.test(next) && known === undefined) return null;
      // Inside brackets a backslash is a character of its own there.
      if (inClass && known !== undefined) extended += known.slice(1, -1);
      else if (inClass) return null;
      else extended += known ?? (next === '/' || next === '-' ? next : `\\${next}`);
    } else if (inClass) {
      if (char === ']') inClass = false;
      extended += char;
    } else if (char === '[') {
      inClass = true;
      extended += char;
    } else if (char === '(' && next === '?') {
      if (pattern.charAt(at + 2) !== ':') return null;
      extended += '(';
      at += 2;
    } else if (/[*+?}]/.test(char) && next === '?') {
      // Greedy or not makes no difference to whether there is a match.
      extended += char;
      at += 1;
    } else {
      extended += char;
    }
  }
  return extended;
}
