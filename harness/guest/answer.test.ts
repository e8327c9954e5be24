import t from 'tap';
import { readAnswer, type Answer } from './answer.ts';

const read = (answer: string, values: Readonly<Record<string, string>> = {}): Answer | null =>
  readAnswer({
    seq: 1,
    ok: true,
    values: { answers: '1', answered: '200', open: '0', ...values },
    texts: {},
    data: { answer: Buffer.from(answer) },
  });

t.test('an answer is its status, the beginning of its body, and whether it came to its end', (t) => {
  t.strictSame(read('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'), {
    status: 200,
    count: 1,
    body: 'hello',
    whole: true,
  });
  t.match(read('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello'), { body: 'hello', whole: false });
  t.match(read('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello', { open: '1' }), { whole: true });
  t.match(
    read('HTTP/1.0 200 OK\r\n\r\nhello'),
    { body: 'hello', whole: true },
    'up to the end of the connection',
  );
  t.match(read('HTTP/1.1 200 OK\r\nContent-Le'), { body: '', whole: false }, 'a head without end');
  t.match(read('HTTP/1.1 304 \r\ncontent-length: 6\r\n\r\n', { answered: '304' }), { whole: true });
  t.match(read('', { answered: '0', answers: '7' }), { status: 0, count: 7, body: '', whole: false });
  t.equal(read('', { answers: '0' }), null, 'nobody answered');
  t.end();
});

t.test('chunks are put together, and the last one is missed', (t) => {
  const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
  t.match(read(`${head}3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n`), { body: 'hello', whole: true });
  t.match(read(`${head}3\r\nhel\r\n2\r\nlo\r\n`), { body: 'hello', whole: false });
  t.match(read(`${head}3\r\nhel\r\nA\r\nlo`), { body: 'hello', whole: false });
  t.match(read(`${head}zz\r\nhel`), { body: '', whole: false });
  t.end();
});
