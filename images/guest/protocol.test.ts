import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t from 'tap';
import {
  formatRequest,
  formatStop,
  maxReplyBytes,
  maxReplyLineBytes,
  maxRequestLineBytes,
  quoteWord,
  ReplyReader,
  type Reply,
  type Until,
} from './protocol.ts';
import { buildProgram } from './programs/build-program.ts';
import { formatWakeMessage, seedBytes } from './wake.ts';

t.test('a quoted word reaches a shell as it is', (t) => {
  const words = ['plain', '', 'two words', "it's", '$HOME `id` \\ "x"', '*', 'ü☃', '-n', ';reboot', '\t'];
  const out = execFileSync('/bin/sh', [
    '-c',
    `eval "set -- $1"; printf '%s\\n' "$@"`,
    'sh',
    words.map(quoteWord).join(' '),
  ]);
  t.same(out.toString().split('\n').slice(0, -1), words);
  for (const word of ['a\nb', 'a\rb', 'a\0b']) t.throws(() => quoteWord(word), RangeError);
  t.end();
});

t.test('what a run waits for goes before its other words', (t) => {
  const line = (until: Until): string =>
    formatRequest('tok', 4, {
      verb: 'run',
      backstopSeconds: 5,
      limits: {},
      factPaths: [],
      env: {},
      command: ['server'],
      until,
    });
  t.equal(line({ kind: 'line', pattern: 'up$' }), "tok 4 serve line 'up$' 5 262144 '' '' server\n");
  t.equal(line({ kind: 'port', port: 3000 }), "tok 4 serve port 0BB8 5 262144 '' '' server\n");
  t.equal(
    line({ kind: 'http', port: 8080, path: '/a?b=*', status: 200, answers: 10 }),
    "tok 4 serve http '8080 200 10 /a?b=*' 5 262144 '' '' server\n",
  );
  const load = [
    { page: '/1/1', requests: [10, 30] },
    { page: '/32/1', requests: [5] },
  ];
  t.equal(
    line({ kind: 'http', port: 8080, path: '/1/1', status: 200, answers: 10, load }),
    "tok 4 load '10,30:/1/1 5:/32/1' http '8080 200 10 /1/1' 5 262144 '' '' server\n",
  );
  t.end();
});

t.test('requests are one line each and of bounded length', (t) => {
  t.equal(
    formatRequest('tok', 3, {
      verb: 'apply',
      settings: [{ path: '/proc/sys/vm/overcommit_memory', value: '2' }],
    }),
    'tok 3 apply /proc/sys/vm/overcommit_memory 2\n',
  );
  t.match(
    formatRequest('-', 1, {
      verb: 'hello',
      token: 'tok',
      epochMs: 1500,
      seed: new Uint8Array(seedBytes).fill(255),
    }),
    /^poolproof\/1 1 hello tok '\\001\\000(\\000){6}\\000\\145\\315\\035(\\000){4}(\\377){32}'\n$/,
    '1.5 s: second 1, nanosecond 500,000,000; then the seed',
  );
  t.equal(
    formatRequest('tok', 4, {
      verb: 'run',
      backstopSeconds: 5,
      limits: { c: '0', v: '2097152' },
      factPaths: ['/proc/meminfo'],
      env: { A: 'b c' },
      command: ['/bin/sh', '-c', 'exit 3'],
    }),
    "tok 4 run 5 262144 'c=0 v=2097152' /proc/meminfo 'A=b c' /bin/sh -c 'exit 3'\n",
  );
  t.equal(
    formatRequest('tok', 5, { verb: 'shell', limits: {}, env: { PS1: '# ' } }),
    "tok 5 shell '' 'PS1=# '\n",
  );
  t.equal(formatRequest('tok', 6, { verb: 'read', paths: ['/proc/uptime'] }), 'tok 6 read /proc/uptime\n');
  t.equal(formatStop('tok', 4), 'tok 4 stop\n');
  const long = { verb: 'read', paths: ['x'.repeat(maxRequestLineBytes)] } as const;
  t.throws(() => formatRequest('tok', 7, long), { message: /a request of 16\d+ bytes/ });
  t.end();
});

function read(chunks: readonly string[]): { replies: Reply[]; noise: string[]; reader: ReplyReader } {
  const replies: Reply[] = [];
  const noise: string[] = [];
  const reader = new ReplyReader(
    'tok',
    (reply) => replies.push(reply),
    (line) => noise.push(line),
  );
  for (const chunk of chunks) reader.push(Buffer.from(chunk));
  return { replies, noise, reader };
}

t.test('a reply is put together from pieces of any size', (t) => {
  const text =
    'tok 1 text /a:one\ntok 1 begin text\n/a:two: three\n/b:\n/proc/17/stat:17 (x)\ntok 1 end\ntok 1 begin data out\naGVs\nbG8=\ntok 1 end\ntok 1 ok exit=0 empty= word\n';
  for (const size of [1, 7, text.length]) {
    const chunks = Array.from({ length: Math.ceil(text.length / size) }, (_, index) =>
      text.slice(index * size, (index + 1) * size),
    );
    const { replies, noise } = read(chunks);
    t.same(noise, []);
    t.equal(replies.length, 1);
    t.match(replies[0], {
      seq: 1,
      ok: true,
      values: { exit: '0', empty: '' },
      texts: { '/a': 'one\ntwo: three', '/b': '', '/proc/self/stat': '17 (x)' },
    });
    t.equal(replies[0]?.data['out']?.toString(), 'hello');
  }
  t.match(read(['tok 2 error cannot write 7 to /x\n']).replies, [
    { seq: 2, ok: false, values: { error: 'cannot write 7 to /x' } },
  ]);
  t.end();
});

t.test('nothing without the token is a message', (t) => {
  const { replies, noise } = read([
    'other 1 ok exit=0\n',
    'ok\n',
    '\n',
    'tok one ok\n',
    'tok 1 unknown x\n',
    '\u0000\u0001\u0002 tok 1 ok\n',
    'tok 1 begin what\n',
    'neither text nor data\n',
    'tok 1 begin text\n',
    'no path\n',
    'tok 1 end\n',
    'after the block:1\n',
  ]);
  t.same(replies, []);
  t.equal(noise.length, 9);
  t.end();
});

t.test('a line without end is refused, and what was read before stays', (t) => {
  const { reader, replies } = read(['tok 1 ok\n', 'tok 2 begin text\n/a:kept\n']);
  t.throws(() => reader.push(Buffer.alloc(maxReplyLineBytes + 1, 'x')), RangeError);
  t.equal(replies.length, 1);
  t.same(reader.unfinishedTexts, { '/a': 'kept' });
  t.end();
});

t.test('a reply without end is refused, whatever its lines are', (t) => {
  for (const line of ['tok 1 text /a:x', 'tok 1 begin data out', 'AAAA'.repeat(750), '', 'noise']) {
    const { reader, replies } = read(line.startsWith('A') ? ['tok 1 begin data out\n'] : []);
    const chunk = Buffer.from(`${line}\n`.repeat(1000));
    let pushed = 0;
    t.throws(() => {
      for (; pushed <= maxReplyBytes; pushed += chunk.length) reader.push(chunk);
    }, /a reply of more than \d+ bytes/);
    t.ok(pushed > maxReplyBytes - 2 * chunk.length, 'not before');
    t.same(replies, []);
    reader.push(Buffer.from('tok 2 ok exit=0\n'));
    t.match(replies, [{ seq: 2, values: { exit: '0' }, data: {}, texts: {} }], 'nothing of it is left');
  }
  t.end();
});

t.test(
  'the confining program forbids memory both writable and executable, by a filter or by the kernel',
  (t) => {
    const dir = mkdtempSync(path.join(tmpdir(), 'poolproof-test-'));
    t.teardown(() => rmSync(dir, { recursive: true, force: true }));
    const file = path.join(dir, 'confine');
    writeFileSync(file, buildProgram('confine'), { mode: 0o755 });
    const run = (...words: string[]): number | null => spawnSync(file, words).status;
    t.equal(run('read'), 0, 'nothing is forbidden here');
    t.equal(run('seccomp', file, 'read'), 1, 'EPERM');
    // 125: this machine's kernel is older than 6.3.
    t.ok([13, 125].includes(run('prctl', file, 'read') ?? -1));
    const node = spawnSync(file, ['seccomp', process.execPath, '-e', '0'], { encoding: 'utf8' });
    t.match(node.stderr, /Check failed/, 'V8 does not start');
    t.equal(
      spawnSync(file, ['seccomp', '/bin/sh', '-c', 'exit 7']).status,
      7,
      'a program without a compiler runs',
    );
    t.end();
  },
);

t.test('the program that reads files prints what grep -H does', (t) => {
  const dir = mkdtempSync(path.join(tmpdir(), 'poolproof-test-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const program = path.join(dir, 'read-files');
  writeFileSync(program, buildProgram('read-files'), { mode: 0o755 });
  const contents = {
    plain: 'a\n\n b:c\n',
    empty: '',
    open: 'no break at the end',
    bytes: Buffer.from([0, 255, 10, 1]),
    // More than it holds at a time: of line breaks alone, and of none.
    breaks: '\n'.repeat(20_000),
    long: 'z'.repeat(100_000),
    edge: `${'y'.repeat(4095)}\n${'x'.repeat(4096)}`,
  };
  for (const [name, content] of Object.entries(contents)) writeFileSync(path.join(dir, name), content);
  const files = [...Object.keys(contents).map((name) => path.join(dir, name)), '/proc/self/limits'];
  const run = (command: string, args: readonly string[]): Buffer =>
    spawnSync(command, args, { maxBuffer: 64 * 1024 ** 2 }).stdout;
  for (const file of files) {
    t.ok(run(program, [file]).equals(run('grep', ['-aHF', '', file])), path.basename(file));
  }
  const absent = path.join(dir, 'absent');
  const readable = files.slice(0, -1);
  t.ok(
    run(program, [absent, dir, ...readable]).equals(run('grep', ['-aHF', '', ...readable])),
    'one after another',
  );
  t.equal(run(program, []).length, 0);
  t.end();
});

t.test('the wake program is a working executable', (t) => {
  const dir = mkdtempSync(path.join(tmpdir(), 'poolproof-test-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const file = path.join(dir, 'wake');
  const program = buildProgram('wake');
  t.equal(program.length, 269);
  writeFileSync(file, program, { mode: 0o755 });
  // A whole message would set this machine's clock; any other must change nothing and be called a failure.
  for (const input of ['', 'x'.repeat(47)]) {
    const before = Date.now() - performance.now();
    const { status, stdout } = spawnSync(file, { input, encoding: 'utf8' });
    t.equal(status, 1);
    t.equal(stdout, '\n', 'it says when it is about to read');
    t.ok(Math.abs(Date.now() - performance.now() - before) < 60_000, 'the clock is as it was');
  }
  t.equal(formatWakeMessage(0, new Uint8Array(seedBytes)), '\\000'.repeat(16 + seedBytes));
  t.throws(() => formatWakeMessage(0, new Uint8Array(8)), RangeError);
  t.end();
});
