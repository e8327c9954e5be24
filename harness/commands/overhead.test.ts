import t from 'tap';
import { findEngineLibrary } from '../../images/package-files.ts';
import { openContext } from './context.ts';
import { overhead } from './overhead.ts';

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
