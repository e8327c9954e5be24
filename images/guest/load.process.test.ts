/** The program that sends requests to a server and counts its processor time, against servers on this computer. */
import { rmSync } from 'node:fs';
import type { Server } from 'node:net';
import path from 'node:path';
import t from 'tap';
import { openHttpProgram } from '../fixtures/http-program.ts';

const { folder, listen, run } = openHttpProgram(t, 'load');

type Event = Readonly<{ wanted: number; right: number; opened: number; cpuNs: number; status: number }>;

/** Runs it until it ends, and reads its events. It counts the time of this very process, where the servers are. */
async function load(server: Server, counts: readonly number[], pid = process.pid) {
  const { code, events } = await run(server, [String(pid), '200', ...counts.map(String)]);
  return {
    code,
    events: events.map((line): Event => {
      const [word, ...numbers] = line.split(' ');
      t.equal(word, '.load');
      const [wanted = NaN, right = NaN, opened = NaN, cpuNs = NaN, status = NaN] = numbers.map(Number);
      return { wanted, right, opened, cpuNs, status };
    }),
  };
}

const sized = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello';
const chunked = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n';

t.test('requests share a connection, and the time of the server is counted', async (t) => {
  const server = await listen((socket) => {
    const end = process.cpuUsage();
    // Work of a known length: a tenth of a millisecond.
    for (;;) {
      const { user, system } = process.cpuUsage(end);
      if (user + system >= 100) break;
    }
    socket.write(sized);
  });
  const { code, events } = await load(server, [1, 1000, 3000]);
  t.equal(code, 0);
  t.match(events, [
    { wanted: 1, right: 1, opened: 1, status: 200 },
    { wanted: 1000, right: 1000, opened: 0, status: 200 },
    { wanted: 3000, right: 3000, opened: 0, status: 200 },
  ]);
  // So many that some milliseconds of V8's own threads, which compile and collect meanwhile, do not count.
  const [, few, many] = events;
  const slope = ((many?.cpuNs ?? 0) - (few?.cpuNs ?? 0)) / 2000;
  t.ok(slope > 90_000, `${slope} ns a request, of which 100,000 are known`);
});

t.test('an answer in chunks and in parts ends by its last chunk', async (t) => {
  const server = await listen((socket, count) => {
    const cut = count % chunked.length;
    socket.write(chunked.slice(0, cut));
    setTimeout(() => socket.write(chunked.slice(cut)), 2);
  });
  const { code, events } = await load(server, [chunked.length]);
  t.match({ code, events }, { code: 0, events: [{ right: chunked.length, opened: 1, status: 200 }] });
});

t.test('a server may close a connection after an answer, or end the answer by that', async (t) => {
  const closing = await listen((socket) => socket.end(sized));
  t.match(await load(closing, [5]), { code: 0, events: [{ right: 5, opened: 5 }] });
  const endless = await listen((socket) => socket.end('HTTP/1.0 200 OK\r\n\r\nhello'));
  t.match(await load(endless, [3]), { code: 0, events: [{ right: 3, opened: 3 }] });
});

t.test('the first wrong answer is the end, with its status', async (t) => {
  const server = await listen((socket, count) =>
    socket.write(count === 4 ? 'HTTP/1.1 500 Internal\r\nContent-Length: 0\r\n\r\n' : sized),
  );
  t.match(await load(server, [2, 8, 8]), {
    code: 1,
    events: [
      { wanted: 2, right: 2, status: 200 },
      { wanted: 8, right: 1, status: 500 },
    ],
  });
});

t.test('what is no HTTP, is cut short or is too long is no answer', async (t) => {
  for (const wrong of ['', 'garbage', sized.slice(0, -1), chunked.slice(0, -1), sized + 'x'.repeat(8192)]) {
    const server = await listen((socket, count) =>
      socket.end(count === 1 ? wrong.replace(': 5', ': 9000') : ''),
    );
    const { code, events } = await load(server, [1]);
    t.match(
      { code, events },
      { code: 1, events: [{ right: 0, status: 0 }] },
      JSON.stringify(wrong.slice(0, 80)),
    );
  }
});

t.test('without the process or the request there is no figure', async (t) => {
  const server = await listen((socket) => socket.write(sized));
  t.match(await load(server, [1], 2 ** 22 + 1), { code: 1, events: [] });
  rmSync(path.join(folder, 'request'));
  t.match(await load(server, [1]), { code: 1, events: [] });
});
