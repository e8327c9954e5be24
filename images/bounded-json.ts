/** Parses JSON from a stranger: 30 MB of `[` take 1.5 GB, so its depth is checked first. */

/**
 * @param maxDepth of lists and objects in each other
 * @throws SyntaxError also when it is deeper
 */
export function parseShallowJson(text: string, maxDepth: number): unknown {
  if (isDeeper(text, maxDepth)) throw new SyntaxError(`lists in lists, more than ${maxDepth} deep`);
  return JSON.parse(text);
}

/** Brackets in strings do not count; other text is left to the parser. */
function isDeeper(text: string, maxDepth: number): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 0x22) at = findStringEnd(text, at + 1);
    else if (code === 0x5b || code === 0x7b) {
      depth += 1;
      if (depth > maxDepth) return true;
    } else if (code === 0x5d || code === 0x7d) depth -= 1;
  }
  return false;
}

/** The place of the quote that ends the string from `start` on; the end of the text where none does. */
function findStringEnd(text: string, start: number): number {
  for (let end = text.indexOf('"', start); end !== -1; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === 0x5c) backslashes += 1;
    if (backslashes % 2 === 0) return end;
  }
  return text.length;
}
