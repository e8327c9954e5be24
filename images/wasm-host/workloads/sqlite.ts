/** SQLite of sql.js, through its raw exports: a database in memory, three queries a round. */
import type { Instance, Start } from './instance.ts';

/** Minified names of the pinned version (dist/sql-wasm.js names them). */
const names = {
  memory: 'O',
  construct: 'P',
  prepare: 'T',
  step: 'U',
  reset: 'V',
  execute: 'W',
  text: 'Z',
  open: 'Ha',
  malloc: 'Ia',
} as const;

/** Enough that malloc never grows the memory: that would be an imported function. */
const roomPages = 128;

const resultOk = 0;
const resultRow = 100;

/** 2000 rows with names that sort differently from their keys. */
export const tables = `
CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT, price INTEGER, kind INTEGER);
CREATE TABLE kind (id INTEGER PRIMARY KEY, title TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
INSERT INTO item SELECT i, 'item ' || (i * 7919 % 2000), i * i % 997, i % 13 FROM n;
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 12)
INSERT INTO kind SELECT i, 'kind ' || i FROM n;
`;

/** A join with grouping, a sort, and a search in text; each gives one number. */
export const queries: readonly string[] = [
  'SELECT sum(s * n) FROM (SELECT k.title, sum(price) AS s, count(*) AS n FROM item JOIN kind k ON k.id = kind GROUP BY k.title)',
  'SELECT sum(id * place) % 1000003 FROM (SELECT id, row_number() OVER (ORDER BY name, id) AS place FROM item)',
  "SELECT sum(price) FROM item WHERE name LIKE '%9%1%'",
];

export const startSqlite: Start = ({ load }) => {
  const instance = load('sqlite').instantiate({ memory: names.memory });
  instance.grow(roomPages);
  instance.call(names.construct);
  const out = instance.call(names.malloc, 4);
  check('open', instance.call(names.open, writeText(instance, ':memory:'), out));
  const database = readWord(instance, out);
  check('execute', instance.call(names.execute, database, writeText(instance, tables), 0, 0, 0));
  const statements = queries.map((query) => {
    check('prepare', instance.call(names.prepare, database, writeText(instance, query), -1, out, 0));
    return readWord(instance, out);
  });
  const ask = (statement: number): number => {
    const code = instance.call(names.step, statement);
    if (code !== resultRow) throw new Error(`sqlite: step gave ${code}`);
    const value = Number(readText(instance, instance.call(names.text, statement, 0)));
    check('reset', instance.call(names.reset, statement));
    return value;
  };
  const round = () => statements.map(ask);
  return {
    run: (length) => {
      let sum = 0;
      for (let count = 0; count < length; count += 1) {
        for (const value of round()) sum = (sum + value) | 0;
      }
      return sum;
    },
    output: () => round().join(' '),
    drop: instance.drop,
  };
};

function check(what: string, code: number): void {
  if (code !== resultOk) throw new Error(`sqlite: ${what} gave ${code}`);
}

/** Copies a C string into the module's memory; never freed. */
function writeText(instance: Instance, text: string): number {
  const bytes = Buffer.from(`${text}\0`);
  const at = instance.call(names.malloc, bytes.length);
  instance.memory().set(bytes, at);
  return at;
}

function readText(instance: Instance, at: number): string {
  const memory = instance.memory();
  return Buffer.from(memory.subarray(at, memory.indexOf(0, at))).toString('latin1');
}

function readWord(instance: Instance, at: number): number {
  const memory = instance.memory();
  return new DataView(memory.buffer, memory.byteOffset).getInt32(at, true);
}
