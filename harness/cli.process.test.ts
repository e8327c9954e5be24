import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import t from 'tap';
import { renderError } from './errors.ts';

// The compiled command, as users run it: through the loader of the tests each call would take seconds.
const cli = fileURLToPath(new URL('../dist/harness/cli.js', import.meta.url));
const command = [process.execPath, cli] as const;

/** What hung before fails here. */
const bounds = { timeout: 25_000, killSignal: 'SIGKILL', maxBuffer: 64 * 2 ** 20 } as const;

/** Runs the command line. */
function poolproof(
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
  before: readonly string[] = [],
) {
  const [program = '', ...args] = [...before, ...command, ...words];
  const { status, stdout, stderr, signal } = spawnSync(program, args, {
    ...bounds,
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  return { status, stdout, stderr, signal };
}

const hasTrace = /^\s+at .+:\d+/m;
/** Whether a file system can be mounted here, tried in a mount namespace of its own. */
const canMount = spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0;

t.test('what the terminal would obey in a matrix is shown, not sent', (t) => {
  const file = path.join(t.testdir(), 'matrix.yaml');
  const title = 'a\u202eb\u009bc';
  writeFileSync(
    file,
    `title: "${title}\\e]0;owned\\a"\naxes: { memory: [1G] }\nsubject: { run: [x], title: "\\e[2J" }\n`,
  );
  for (const words of [
    ['plan', file],
    ['plan', file, '--json'],
    ['run', file, '--resume', '\u001b[31mx'],
  ]) {
    const { stdout, stderr } = poolproof(words, { POOLPROOF_CACHE: path.join(t.testdirName, 'cache') });
    // eslint-disable-next-line no-control-regex -- these must not be there
    t.notMatch(stdout + stderr, /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/, words.join(' '));
  }
  const bad = path.join(t.testdirName, 'bad\u001b[2J\u202e.yaml');
  const { status, stderr } = poolproof(['plan', bad]);
  t.equal(status, 2);
  t.match(stderr, /^MATRIX_NOT_FOUND: /);
  // eslint-disable-next-line no-control-regex -- these must not be there
  t.notMatch(stderr, /[\u001b\u202e]/);
  t.end();
});

t.test('what nobody caught is one sentence and exit code 2; the trace comes with --verbose', (t) => {
  const preload = path.join(t.testdir(), 'fault.mjs');
  for (const fault of ['throw new Error("a fault")', 'void Promise.reject(new Error("a fault"))']) {
    // When the version is written everything is loaded.
    writeFileSync(
      preload,
      `const write = process.stdout.write;
process.stdout.write = (...words) => { setImmediate(() => { ${fault} }); return write.apply(process.stdout, words); };\n`,
    );
    const env = { NODE_OPTIONS: `--import=${preload}` };
    const plain = poolproof(['--version'], env);
    t.match(plain, {
      status: 2,
      signal: null,
      stderr: /^UNEXPECTED: a fault\n {2}this is a fault of poolproof; --verbose/m,
    });
    t.notMatch(plain.stderr, hasTrace);
    t.match(poolproof(['--version', '--verbose'], env), { status: 2, stderr: hasTrace });
  }
  t.end();
});

t.test('a Node that is too old is refused before anything is loaded', (t) => {
  const preload = path.join(t.testdir(), 'old.mjs');
  writeFileSync(
    preload,
    `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.20.2' } });\n`,
  );
  const env = { NODE_OPTIONS: `--import=${preload}` };
  t.match(poolproof(['--version'], env), {
    status: 3,
    stdout: '',
    stderr: /^NODE_TOO_OLD: .* Node 22 or later; this is 20\.20\.2\n/,
  });
  t.end();
});

t.test('surroundings that are broken give a sentence, a code and its exit code', async (t) => {
  const folder = t.testdir();
  const matrix = path.join(folder, 'matrix.yaml');
  writeFileSync(matrix, 'axes: { memory: [1G] }\n');
  execFileSync('mkfifo', [path.join(folder, 'pipe.yaml')]);
  writeFileSync(path.join(folder, 'bundle.tgz'), '');
  const qemu = path.join(folder, 'qemu');
  writeFileSync(qemu, '#!/bin/sh\nexec yes\n');
  chmodSync(qemu, 0o755);
  const table: readonly (readonly [
    title: string,
    words: readonly string[],
    env: Record<string, string>,
    RegExp,
    status: number,
  ])[] = [
    ['a pipe as a matrix', ['plan', path.join(folder, 'pipe.yaml')], {}, /^MATRIX_/, 2],
    ['a device as a matrix', ['plan', '/dev/zero'], {}, /^MATRIX_TOO_LARGE/, 2],
    ['a folder as a matrix', ['plan', folder], {}, /^MATRIX_NOT_FOUND/, 2],
    [
      'a pipe as a bundle',
      ['unpack', path.join(folder, 'pipe.yaml')],
      {},
      /^BUNDLE_INVALID: .*named pipe/,
      2,
    ],
    [
      'a pipe as images',
      ['images', 'import', path.join(folder, 'pipe.yaml')],
      {},
      /^IMAGE_ARCHIVE: .*pipe/,
      3,
    ],
    ['a pipe as a report of the field', ['repro', path.join(folder, 'pipe.yaml')], {}, /^FIELD_/, 2],
    [
      'a QEMU without end',
      ['run', matrix],
      { POOLPROOF_QEMU: qemu },
      /^QEMU_FAILED: .*wrote more than 256 KiB/,
      3,
    ],
    [
      'no TMPDIR',
      ['repro', path.join(folder, 'bundle.tgz')],
      { TMPDIR: path.join(matrix, 'none') },
      /^TMPDIR_UNWRITABLE: .*matrix\.yaml\/none \(ENOTDIR\)/m,
      3,
    ],
  ];
  // At a time: most of them wait, for a pipe or a QEMU.
  const ends = table.map(([, words, env]) =>
    execa(process.execPath, [cli, ...words], {
      ...bounds,
      env: { POOLPROOF_CACHE: path.join(folder, 'cache'), ...env },
      reject: false,
    }),
  );
  for (const [place, { exitCode, signal, stderr }] of (await Promise.all(ends)).entries()) {
    const [title, , , message, status] = table[place]!;
    t.match({ exitCode, signal, stderr }, { exitCode: status, signal: undefined, stderr: message }, title);
    t.notMatch(stderr, hasTrace, `${title}: no trace`);
  }
  const run = fileURLToPath(new URL('fixtures/runs/whole', import.meta.url));
  for (const words of [
    ['plan', matrix],
    ['report', run, '--format', 'json'],
  ]) {
    const full = spawnSync('sh', ['-c', '"$@" >/dev/full', 'sh', ...command, ...words], { encoding: 'utf8' });
    t.match(full, { status: 3, stderr: /^DISK_FULL: no space left/ }, `${words[0]} on a full disk`);
    t.notMatch(full.stderr, hasTrace);
  }
});

t.test(
  'a full disk under the cache is a sentence',
  { skip: !canMount && 'nothing can be mounted here' },
  (t) => {
    const cache = path.join(t.testdir(), 'cache');
    mkdirSync(cache);
    // In a mount namespace of its own, which ends with it.
    const script = 'mount -t tmpfs -o size=16k,mode=0700 tmpfs "$0" && exec "$@"';
    const before = ['unshare', '--mount', 'sh', '-c', script, cache];
    const end = poolproof(['images', 'build'], { POOLPROOF_CACHE: cache }, before);
    t.match(end, { status: 3, signal: null, stderr: /^DISK_FULL: /m });
    t.notMatch(end.stderr, hasTrace);
    t.end();
  },
);

t.test(
  'few open files are a sentence',
  { skip: spawnSync('prlimit', ['--version']).status === 0 ? false : 'no prlimit' },
  (t) => {
    const cache = path.join(t.testdir(), 'cache');
    const run = (files: number, args: readonly string[]): ReturnType<typeof poolproof> =>
      poolproof(args, { POOLPROOF_CACHE: cache }, ['prlimit', `--nofile=${files}`]);
    // With enough files the command ends as ever.
    const rows: readonly (readonly [args: readonly string[], usual: RegExp, most: number, step: number])[] = [
      [['images', 'list'], /^$/, 32, 2],
      // These hold hardly more files open than Node itself.
      [['plan', 'matrices/smoke.yaml'], /^$/, 24, 1],
      [['compare', 'a', 'b'], /^STORE_NOT_FOUND: /, 24, 1],
    ];
    let refused = 0;
    for (const [args, usual, most, step] of rows) {
      // Downwards: too few for the files that the command reads, for its code, for its packages, whose package.json
      // Node then finds nowhere; at last for Node itself, which crashes or hangs before the first line of poolproof.
      for (let files = most; files > 0; files -= step) {
        const end = run(files, args);
        if (end.status === 0 || (end.status === 2 && usual.test(end.stderr))) continue;
        if (end.status !== 3) break;
        refused += 1;
        const title = `${args.join(' ')}: ${files} files`;
        t.match(end, { signal: null, stdout: '', stderr: /^TOO_MANY_FILES: .*\n {2}raise/ }, title);
        t.notMatch(end.stderr, hasTrace, `${title}: no trace`);
      }
    }
    t.ok(refused > 2, `${refused} limits`);
    t.end();
  },
);

t.test('a package that is not there is no want of open files', (t) => {
  const packages = fileURLToPath(new URL('../node_modules', import.meta.url));
  const render = (name: string): string =>
    renderError(
      Object.assign(new Error(`Cannot find package '${packages}/${name}/index.js' imported from /x.js`), {
        code: 'ERR_MODULE_NOT_FOUND',
      }),
    );
  t.match(render('yaml'), /^TOO_MANY_FILES: /);
  t.match(render('@types/node'), /^TOO_MANY_FILES: /);
  t.match(render('not-there'), /^UNEXPECTED: Cannot find package/);
  t.end();
});

t.test('a command without cells to save ends at the first signal', async (t) => {
  const folder = t.testdir();
  const qemu = path.join(folder, 'qemu');
  writeFileSync(qemu, '#!/bin/sh\necho started >&2\nexec sleep 77\n');
  chmodSync(qemu, 0o755);
  const [program, ...args] = command;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    const child = spawn(program, [...args, 'doctor'], {
      env: { ...process.env, POOLPROOF_QEMU: qemu, POOLPROOF_CACHE: path.join(folder, 'cache') },
      stdio: 'ignore',
    });
    // It waits for the version of this QEMU, for 20 s.
    while (spawnSync('pgrep', ['-P', String(child.pid), 'sleep']).status !== 0)
      await new Promise((r) => setTimeout(r, 100));
    const ended = once(child, 'exit');
    child.kill(signal);
    t.strictSame(await ended, [130, null], signal);
  }
});

t.test('the cache is private from the start, and made so where the group could write to it', (t) => {
  const folder = t.testdir();
  const cache = path.join(folder, 'cache');
  const list = (): ReturnType<typeof poolproof> =>
    poolproof(['images', 'list'], { POOLPROOF_CACHE: cache }, ['sh', '-c', 'umask 0; exec "$@"', 'sh']);
  const modes = (): number[] =>
    [cache, path.join(cache, 'blobs')].map((place) => statSync(place).mode & 0o777);
  t.match(list(), { status: 0, stderr: '' });
  t.same(modes(), [0o700, 0o700], 'whatever the umask');
  chmodSync(cache, 0o775);
  t.match(list(), { status: 0, stderr: /others could write to the cache/ });
  t.same(modes(), [0o700, 0o700]);
  t.match(list(), { status: 0, stderr: '' }, 'said once');
  chmodSync(cache, 0o755);
  chmodSync(path.join(cache, 'blobs'), 0o757);
  t.match(list(), { status: 3, stderr: /^NOT_PRIVATE: .*others may write here \(mode 757\)/ });
  t.same(modes(), [0o755, 0o757], 'left as it is');
  t.end();
});
