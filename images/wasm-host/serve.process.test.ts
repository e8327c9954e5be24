import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import t from 'tap';
import { scratch, wasmtime } from '../fixtures/run-host.ts';
import { runServer, type RunningServer } from '../fixtures/run-server.ts';
import { cgiModule, messageModule } from '../fixtures/serve-modules.ts';

const message = path.join(scratch, 'message.wasm');
const cgi = path.join(scratch, 'cgi.wasm');
writeFileSync(message, messageModule);
writeFileSync(cgi, cgiModule);

const v8 = { engine: 'v8' };
const engines = [
  ['wasmtime', wasmtime],
  ['v8', v8],
] as const;

async function stop(server: RunningServer): Promise<number | string | null> {
  server.kill('SIGTERM');
  return server.ended;
}

/** Everything the server sends on one connection until it closes it. */
async function converse(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    let heard = '';
    socket.on('data', (chunk) => (heard += chunk.toString('latin1')));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(heard));
  });
}

/** Until an instance has begun: it is counted, also where it has ended by now. */
async function untilBegun(server: RunningServer): Promise<void> {
  while (!/^wasm_host_instances_in_use_high_water 1$/m.test((await server.ask('/metrics')).body))
    await setTimeout(10);
}

const isListening = async (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

for (const [name, options] of engines) {
  t.test(
    `${name}: a request is an instance of its own, in every tier, and the host says which`,
    async (t) => {
      for (const tier of ['standard', 'conservative', 'on-demand']) {
        const server = await runServer({ options, module: message, env: { SPIN_ALLOCATOR: tier } });
        for (let count = 0; count < 40; count += 1) {
          const { status, body } = await server.ask(`/a?${count}`, { method: 'POST', body: 'some' });
          t.equal(status, 200, `${tier} ${count}`);
          t.match(body, /^POST \/a\?\d+ HTTP\/1\.1\r\nhost: 127[\s\S]*\r\ncontent-length: 4\r\n\r\nsome$/);
        }
        const { headers, body } = await server.ask('/healthz');
        t.equal(headers['content-type'], 'application/json');
        t.match(JSON.parse(body), {
          status: 'serving',
          tier,
          why: `${tier} was requested and works`,
          slots:
            tier === 'on-demand' ? null : Number(/"slots":(\d+),"reservedBytes"/.exec(server.stdout())?.[1]),
          engine: { kind: name },
          module: 'message.wasm',
          inUse: 0,
          queued: 0,
        });
        const metrics = (await server.ask('/metrics')).body;
        t.match(metrics, /^wasm_host_requests_total\{status="200"\} 41$/m);
        t.match(metrics, /^wasm_host_request_duration_seconds_count 41$/m);
        t.match(metrics, new RegExp(`^wasm_host_info\\{tier="${tier}",engine="${name} [\\d.]+`, 'm'));
        t.match(metrics, /^wasm_host_instances_in_use_high_water 1$/m);
        t.match(metrics, /^wasm_host_process_minor_page_faults_total [1-9]\d*$/m);
        t.equal(await stop(server), 0);
        t.equal(server.stderr(), 'wasm host: SIGTERM: stopping\n');
      }
    },
  );

  t.test(
    `${name}: what fails in an instance is a 500 with its reason in the log, and no more than that`,
    async (t) => {
      const server = await runServer({ options, module: message });
      for (const path of ['/t', '/m', '/n', '/o']) {
        const { status, body } = await server.ask(path);
        t.equal(status, 500, path);
        t.equal(body, 'the application failed\n');
      }
      t.equal((await server.ask('/a')).status, 200);
      const log = server.stderr();
      t.match(log, /^wasm host: 500 GET \/t: .*unreachable/m);
      t.match(log, /^wasm host: 500 GET \/m: .*out of bounds/m);
      t.match(log, /^wasm host: 500 GET \/n: its answer has no empty line/m);
      t.match(log, /^wasm host: 500 GET \/o: its answer lies outside of its memory: 16 bytes at 2147483647/m);
      t.equal(await stop(server), 0);
    },
  );

  t.test(`${name}: an instance that loops for ever is a 504, and the others go on`, async (t) => {
    const server = await runServer({ options, module: message, limits: 'seconds=2,threads=2' });
    const late = [server.ask('/l1'), server.ask('/l2'), server.ask('/l3')];
    const others = await Promise.all([server.ask('/a'), server.ask('/a')]);
    // Behind three that loop, on two threads: they wait for no more than the time of an instance.
    t.same(
      others.map(({ status }) => status).filter((status) => status !== 200 && status !== 503),
      [],
    );
    const statuses = (await Promise.all(late)).map(({ status }) => status);
    t.ok(statuses.includes(504), statuses.join(' '));
    t.same(
      statuses.filter((status) => status !== 504 && status !== 503),
      [],
    );
    // A thread that was given up comes back, or another in its place.
    while (!/"threads":2.*"stuck":0/.test((await server.ask('/healthz')).body)) await setTimeout(50);
    for (let count = 0; count < 10; count += 1) t.equal((await server.ask('/a')).status, 200);
    t.equal(await stop(server), 0);
  });

  t.test(`${name}: a WASI command is a CGI program`, async (t) => {
    const server = await runServer({ options, module: cgi, limits: 'seconds=1,answer=1000000' });
    const good = await server.ask('/a%20b?c=d', {
      method: 'PUT',
      body: 'given',
      headers: { 'X-One': '1', Proxy: 'evil' },
    });
    t.equal(good.status, 201);
    t.equal(good.headers['content-type'], 'text/plain');
    const parts = good.body.split('\0');
    t.equal(parts.pop(), 'given');
    for (const variable of [
      'GATEWAY_INTERFACE=CGI/1.1',
      'REQUEST_METHOD=PUT',
      'PATH_INFO=/a b',
      'QUERY_STRING=c=d',
      'CONTENT_LENGTH=5',
      'HTTP_X_ONE=1',
    ])
      t.ok(parts.includes(variable), variable);
    t.notOk(parts.some((part) => part.startsWith('HTTP_PROXY')));
    t.equal((await server.ask('/%00')).status, 400);
    t.equal((await server.ask('/', { method: 'POST', body: 'x' })).status, 500);
    t.match(server.stderr(), /^wasm host: 500 POST \/: it ended with code 3; standard error: no good$/m);
    // Wasmtime writes to a file, whose length only time bounds.
    const endless = await server.ask('/', { method: 'POST', body: 's' });
    t.equal(endless.status, name === 'v8' ? 500 : 504);
    if (name === 'v8') t.match(server.stderr(), /its answer has more than 1000000 bytes/);
    t.equal((await server.ask('/', { method: 'POST', body: 'l' })).status, 504);
    t.equal((await server.ask('/')).status, 201);
    t.equal(await stop(server), 0);
  });
}

t.test(
  'more connections than slots wait, and more than the queue are a 503 that says when to come again',
  async (t) => {
    const server = await runServer({
      options: { ...wasmtime, parameters: 'memories=16' },
      module: message,
      env: { SPIN_ALLOCATOR: 'conservative' },
      limits: 'threads=64,queue=48,seconds=60',
    });
    t.match(server.stdout(), /\(16 threads, queue of 48\)/, 'no more threads than slots');
    const fit = await Promise.all(Array.from({ length: 64 }, async () => server.ask('/a')));
    t.same(
      fit.filter(({ status }) => status !== 200),
      [],
    );
    const many = await Promise.all(Array.from({ length: 90 }, async () => server.ask('/w')));
    const refused = many.filter(({ status }) => status !== 200);
    t.ok(refused.length > 0 && refused.length <= 26, `${refused.length} refused`);
    for (const { status, headers } of refused)
      t.match({ status, headers }, { status: 503, headers: { 'retry-after': '1' } });
    t.match((await server.ask('/metrics')).body, /^wasm_host_queue_length_high_water 48$/m);
    t.equal(await stop(server), 0);
  },
);

t.test(
  'large bodies are a 413; slow, endless and broken requests end, and nobody else waits for them',
  async (t) => {
    const server = await runServer({ module: message, limits: 'client=1,body=200000' });
    const slow = converse(server.port, 'GET /a HTTP/1.1\r\nho');
    const endless = converse(
      server.port,
      'POST /a HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n4\r\nsome\r\n',
    );
    const short = converse(server.port, 'POST /a HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nsome');
    t.equal((await server.ask('/a', { method: 'POST', body: 'a'.repeat(200_000) })).status, 200);
    t.match(await slow, /^HTTP\/1\.1 408 /);
    t.match(await endless, /^HTTP\/1\.1 408 /);
    t.match(await short, /^HTTP\/1\.1 408 /);
    t.match(await converse(server.port, 'nonsense\r\n\r\n'), /^HTTP\/1\.1 400 /);
    const head = 'POST /a HTTP/1.1\r\nhost: a\r\n';
    t.match(await converse(server.port, `${head}content-length: 200001\r\n\r\n`), /^HTTP\/1\.1 413 /);
    const chunk = `${(300_000).toString(16)}\r\n${'a'.repeat(300_000)}\r\n`;
    t.match(
      await converse(server.port, `${head}transfer-encoding: chunked\r\n\r\n${chunk}`),
      /^HTTP\/1\.1 413 /,
    );
    t.match(
      await converse(server.port, `GET /a HTTP/1.1\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`),
      /^HTTP\/1\.1 431 /,
    );
    t.equal((await server.ask('/a')).status, 200);
    t.equal(await stop(server), 0);
  },
);

t.test(
  'SIGTERM: what runs finishes, nothing new begins, and no more than the limit is waited for',
  async (t) => {
    const server = await runServer({ module: message, limits: 'threads=1' });
    const running = server.ask('/w');
    await untilBegun(server);
    t.equal(
      await Promise.all([running, stop(server)]).then(([{ status }, code]) => `${status} ${String(code)}`),
      '200 0',
    );
    t.notOk(await isListening(server.port));

    const stubborn = await runServer({ module: message, limits: 'threads=1,drain=0' });
    const cut = stubborn.ask('/l').catch(() => null);
    await untilBegun(stubborn);
    stubborn.kill('SIGINT');
    t.equal(await stubborn.ended, 0);
    t.equal(await cut, null);
    t.match(stubborn.stderr(), /SIGTERM: stopping\nwasm host: connections were cut off after 0 s/);
  },
);

t.test('SIGKILL of the server or its launcher frees the port and leaves nothing', async (t) => {
  const server = await runServer({ module: message });
  process.kill(server.worker(), 'SIGKILL');
  t.equal(await server.ended, 137);
  t.notOk(await isListening(server.port));

  const orphan = await runServer({ module: message });
  const worker = orphan.worker();
  orphan.kill('SIGKILL');
  while (existsSync(`/proc/${worker}/status`)) await setTimeout(20);
  t.notOk(await isListening(orphan.port));
  t.same(
    readdirSync(scratch).filter((name) => name.startsWith('wasm-host.')),
    [],
  );
});

t.test('what cannot be served ends with 2, a code, and before anything listens', async (t) => {
  const write = (name: string, data: Uint8Array | string): string => {
    const file = path.join(scratch, name);
    writeFileSync(file, data);
    return file;
  };
  const bad: readonly (readonly [string, string, RegExp])[] = [
    [path.join(scratch, 'absent.wasm'), '', /^wasm host: BAD_MODULE: .*no such file/m],
    [write('text.wasm', '(module)'), '', /BAD_MODULE: .*is a text/],
    [write('cut.wasm', messageModule.subarray(0, 60)), '', /BAD_MODULE: .*ends early/],
    // The code section of a module whose outline is right.
    [
      write(
        'broken.wasm',
        messageModule.map((byte, at) => (at > messageModule.length - 90 ? 0xff : byte)),
      ),
      '',
      /BAD_MODULE: /,
    ],
    [message, 'speed=9', /BAD_LIMIT: --limits speed=9: must be one of threads, queue/],
  ];
  for (const [module, limits, words] of bad) {
    for (const [name, options] of engines) {
      const server = await runServer({ options, module, limits });
      t.equal(await server.ended, 2, name);
      t.match(server.stderr(), words);
      t.equal(server.stdout(), '');
    }
  }
});
