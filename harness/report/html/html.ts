/** A template tag that cannot forget to escape: every value is made harmless on its way in. */
import { plainLines } from '../../outcome/plain-text.ts';
import { zip } from '../group-by.ts';

/** Markup. Only `html` and `markup` make it, so that text cannot be taken for it. */
export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** Null is nothing; text is cleaned (see `plainLines`) and escaped; lists are joined without anything between. */
export type HtmlValue = Html | string | number | null | readonly HtmlValue[];

/**
 * Markup from a template literal. Values may stand in text and in quoted attributes, nowhere else. A line
 * break in the template, with the indent around it, is one space: templates may be laid out to be read,
 * ten thousand cells need no indent. Where white space counts, it comes as a value.
 */
export function html(strings: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  return new Html(String.raw({ raw: collapse(strings) }, ...values.map(show)));
}

/** Elements around which white space means nothing. */
const block =
  '(?:caption|dd|details|div|dl|dt|h[1-6]|header|li|main|ol|p|section|summary|t[dhr]|table|tbody|thead|ul)';
const beforeBlock = new RegExp(`\\s*\\n\\s*(?=</?${block}\\b)`, 'g');
const afterBlock = new RegExp(`(</?${block}>)\\s*\\n\\s*`, 'g');

const collapsed = new WeakMap<TemplateStringsArray, readonly string[]>();

function collapse(strings: TemplateStringsArray): readonly string[] {
  const known = collapsed.get(strings);
  if (known !== undefined) return known;
  const parts = strings.map((part) =>
    part
      .replace(beforeBlock, '')
      .replace(afterBlock, '$1')
      .replace(/\s*\n\s*/g, ' '),
  );
  collapsed.set(strings, parts);
  return parts;
}

/** Markup that comes from this program's own text: a style sheet, a script, a number of pieces put together. */
export function markup(text: string): Html {
  return new Html(text);
}

/** One text as markup, white space kept. */
export function text(value: string): Html {
  return new Html(showText(value));
}

/** Markup that most of ten thousand cells share, made once. */
export function keepMarkup(): (key: string, make: () => Html) => Html {
  const kept = new Map<string, Html>();
  return (key, make) => {
    const made = kept.get(key) ?? make();
    if (kept.size < 1000) kept.set(key, made);
    return made;
  };
}

/** An address of the web: any other in a matrix or a record from elsewhere may say anything. */
export const isWebLink = (link: string | null | undefined): link is string =>
  link != null && /^https?:\/\/[^\s"'<>]+$/.test(link);

export const nothing = new Html('');

/** A table with a head; the first value of a row is its header. On a narrow screen each row is a card. */
export function table(
  heads: readonly string[],
  rows: readonly (readonly [HtmlValue, ...(readonly HtmlValue[])])[],
): Html {
  return html`<table class="plain ${heads.length > 3 ? 'wide' : 'narrow'}">
    <thead>
      <tr>
        ${heads.map((head) => html`<th scope="col">${head}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${rows.map(
        ([first, ...rest]) =>
          html`<tr>
            <th scope="row">${first}</th>
            ${zip(rest, heads.slice(1)).map(([value, head]) => html`<td data-c="${head}">${value}</td>`)}
          </tr>`,
      )}
    </tbody>
  </table>`;
}

function show(value: HtmlValue): string {
  if (value instanceof Html) return value.text;
  if (typeof value === 'string') return showText(value);
  if (typeof value === 'number') return String(value);
  return value === null ? '' : value.map(show).join('');
}

/** Nearly all text is this, and short. */
const plain = /^[\n !#-%(-;=?-~]*$/;

const showText = (value: string): string =>
  value.length < 1000 && plain.test(value) ? value : escapeMarkup(plainLines(value));

/** For HTML and XML; `plainLines` drops what both forbid. */
export const escapeMarkup = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');

/** JSON for a data block: nothing in it can end the script element or begin a comment. */
export function embedJson(value: unknown): Html {
  return new Html(
    JSON.stringify(value)
      .replaceAll('<', '\\u003c')
      .replaceAll('\u2028', '\\u2028')
      .replaceAll('\u2029', '\\u2029'),
  );
}
