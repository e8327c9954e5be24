import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { findEngineLibrary } from '../../images/package-files.ts';
import { openContext } from './context.ts';
import { overhead } from './overhead.ts';

// The compiled command: what measures runs from there.
const cli = fileURLToPath(new URL('../../dist/harness/cli.js', import.meta.url));

t.test('a library of another version than was asked for is refused, also of another minor one', async (t) => {
  const library = await findEngineLibrary('50.0.1');
  const context = await openContext();
  t.teardown(() => context.close());
  await t.rejects(overhead(context, [], { engine: 'wasmtime@50.0.2', library }), {
    code: 'USAGE',
    message: '--engine wasmtime@50.0.2: this is wasmtime 50.0.1, by its digest',
  });
  await t.rejects(overhead(context, [], { engine: 'wasmtime', library: `${library}.none` }), {
    code: 'USAGE',
    details: { file: `${library}.none` },
  });
});

t.test('it says at once what it does, and shows what it measured until it is stopped', async (t) => {
  const words = 'overhead --engine v8 --tier on-demand --workloads register-loop --processes 3'.split(' ');
  const stopAt = async (line: RegExp) => {
    const child = spawn(process.execPath, [cli, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
    let [out, err, stopped] = ['', '', false];
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => {
      err += chunk.toString();
      if (stopped || !line.test(err)) return;
      stopped = true;
      child.kill('SIGINT');
    });
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, out, err };
  };
  t.match(await stopAt(/^measuring start/m), {
    code: 130,
    out: /register-loop/,
    err: /^measuring v8 in 3 processes.*\nmeasured 1 of 3 [^]*\ninterrupted after 3 of 3 processes\n$/,
  });
  t.match(await stopAt(/^measured 1 of 3/m), {
    code: 130,
    out: 'nothing was measured\n',
    err: /\ninterrupted after 1 of 3 processes\n$/,
  });
});
