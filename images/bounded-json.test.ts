import t from 'tap';
import { parseShallowJson } from './bounded-json.ts';

const nest = (depth: number, inner: unknown): unknown => (depth === 0 ? inner : [nest(depth - 1, inner)]);

t.test('what is as deep as allowed is parsed, and one list more is not', (t) => {
  const strings = ['', '[[[[', '"', '\\', '\\"[', '"\\\\"{{', '\n\u2028[', ']]]]'];
  for (const text of strings)
    for (const inner of [text, { [text]: text }]) {
      const depth = typeof inner === 'string' ? 3 : 2;
      const whole = JSON.stringify(nest(depth, inner));
      t.same(parseShallowJson(whole, 3), nest(depth, inner));
      t.throws(() => parseShallowJson(JSON.stringify(nest(depth + 1, inner)), 3), {
        name: 'SyntaxError',
        message: 'lists in lists, more than 3 deep',
      });
    }
  t.end();
});

t.test('lists beside each other are not in each other', (t) => {
  t.same(parseShallowJson('[[1],[2],{"a":[3]}]', 3), [[1], [2], { a: [3] }]);
  t.end();
});

t.test('text that is no JSON is left to the parser, also a string without an end', (t) => {
  for (const text of ['["', '["\\"', '[', ']', '']) t.throws(() => parseShallowJson(text, 3), SyntaxError);
  t.end();
});
