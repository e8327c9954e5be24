/** The program that asks a server in a guest, against servers on this computer. */
import { readFileSync, rmSync } from 'node:fs';
import type { Server } from 'node:net';
import path from 'node:path';
import t from 'tap';
import { openHttpProgram } from '../fixtures/http-program.ts';

const { folder, listen, run } = openHttpProgram(t, 'ask');

/** Runs it until it ends; its status, its events and the answer it kept. */
async function ask(server: Server, status = '200') {
  return { ...(await run(server, [status])), answer: readFileSync(path.join(folder, 'answer')) };
}

t.test('it asks until the status is the one that is waited for', async (t) => {
  const answers = [
    '',
    'garbage that is no HTTP',
    'HTTP/1.1 404 no\r\n\r\nfirst',
    'HTTP/1.0 200 OK\r\n\r\nhello',
  ];
  const server = await listen((socket, count) => socket.end(answers[count - 1] ?? 'none'));
  const ended = await ask(server);
  t.equal(ended.code, 0);
  t.strictSame(ended.events, ['.answer 0 1 0', '.answer 0 2 0', '.answer 404 3 0', '.answer 200 4 0']);
  t.equal(ended.answer.toString(), 'HTTP/1.0 200 OK\r\n\r\nhello', 'the last answer and nothing before it');
});

t.test('an answer comes in parts, and may never end', async (t) => {
  const server = await listen((socket) => {
    socket.write('HTTP/1.1 20');
    setTimeout(() => socket.write('0 OK\r\n\r\npart'), 50);
  });
  t.match(await ask(server), {
    code: 0,
    events: ['.answer 200 1 1'],
    answer: /^HTTP\/1.1 200 OK\r\n\r\npart$/,
  });
});

t.test('of a long answer the beginning is kept', async (t) => {
  const head = 'HTTP/1.1 503 Busy\r\n\r\n';
  const server = await listen((socket) => socket.end(head + 'x'.repeat(100_000)));
  const ended = await ask(server, '503');
  t.match(ended, { code: 0, events: ['.answer 503 1 1'] });
  t.equal(ended.answer.toString(), (head + 'x'.repeat(8192)).slice(0, 8192));
});

t.test('without a request to send it ends at once, with an error', async (t) => {
  rmSync(path.join(folder, 'request'));
  const server = await listen(() => undefined);
  t.match(await ask(server), { code: 1, events: [] });
});
