/** The expressions of a workflow, `${{ … }}`, as far as this repository's own workflows use them. */

/** Values by path: `inputs.part`, `steps.plan.outputs.matrix`. */
export type Contexts = Readonly<Record<string, unknown>>;

export type Functions = Readonly<Record<string, (...args: readonly unknown[]) => unknown>>;

const token = /\s*(?:('(?:[^']|'')*')|(\d+)|(==|!=|&&|\|\||[!(),])|([A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)*))/y;

type Token = Readonly<{ kind: 'text' | 'number' | 'sign' | 'name'; text: string }>;

function tokenize(expression: string): Token[] {
  const tokens: Token[] = [];
  token.lastIndex = 0;
  while (token.lastIndex < expression.trimEnd().length) {
    const start = token.lastIndex;
    const found = token.exec(expression);
    if (found === null) throw new Error(`${expression}: cannot read from ${expression.slice(start)}`);
    const [, text, number, sign, name] = found;
    if (text !== undefined) tokens.push({ kind: 'text', text: text.slice(1, -1).replaceAll("''", "'") });
    else if (number !== undefined) tokens.push({ kind: 'number', text: number });
    else if (sign !== undefined) tokens.push({ kind: 'sign', text: sign });
    else tokens.push({ kind: 'name', text: name ?? '' });
  }
  return tokens;
}

const lookUp = (contexts: Contexts, name: string): unknown =>
  name
    .split('.')
    .reduce<unknown>(
      (value, key) =>
        typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined,
      contexts,
    ) ?? '';

/** @throws Error for what is not part of the language, or of this part of it */
export function evaluate(expression: string, contexts: Contexts, functions: Functions = {}): unknown {
  const tokens = tokenize(expression);
  let at = 0;
  const fail = (): never => {
    throw new Error(`${expression}: unexpected ${tokens[at]?.text ?? 'end'}`);
  };
  const take = (sign: string): boolean => {
    const is = tokens[at]?.kind === 'sign' && tokens[at]?.text === sign;
    if (is) at += 1;
    return is;
  };
  const or = (): unknown => {
    let value = and();
    while (take('||')) {
      const right = and();
      value = isTrue(value) ? value : right;
    }
    return value;
  };
  const and = (): unknown => {
    let value = equal();
    while (take('&&')) {
      const right = equal();
      value = isTrue(value) ? right : value;
    }
    return value;
  };
  const equal = (): unknown => {
    const value = unary();
    if (take('==')) return value === unary();
    return take('!=') ? value !== unary() : value;
  };
  const unary = (): unknown => (take('!') ? !isTrue(unary()) : primary());
  const call = (name: string): unknown => {
    const args: unknown[] = [];
    while (!take(')')) {
      if (args.length > 0 && !take(',')) fail();
      args.push(or());
    }
    const found = functions[name] ?? fail();
    return found(...args);
  };
  const primary = (): unknown => {
    if (take('(')) {
      const value = or();
      return take(')') ? value : fail();
    }
    const next = tokens[at] ?? fail();
    at += 1;
    if (next.kind === 'text') return next.text;
    if (next.kind === 'number') return Number(next.text);
    if (next.kind === 'sign') return fail();
    return take('(') ? call(next.text) : lookUp(contexts, next.text);
  };
  const value = or();
  return at === tokens.length ? value : fail();
}

export const isTrue = (value: unknown): boolean => value !== '' && Boolean(value);

/** A text with its expressions replaced; one that is an expression and nothing else keeps the value's type. */
export function fill(text: string, contexts: Contexts, functions: Functions = {}): unknown {
  const whole = /^\s*\$\{\{((?:(?!\}\})[^])*)\}\}\s*$/.exec(text)?.[1];
  if (whole !== undefined) return evaluate(whole, contexts, functions);
  return text.replace(/\$\{\{([^]*?)\}\}/g, (_, inner: string) =>
    String(evaluate(inner, contexts, functions)),
  );
}
