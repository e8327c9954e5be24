import { execFileSync } from 'node:child_process';
import t from 'tap';
import { findNodeBinary } from './package-files.ts';

t.test('Node of a pinned line is a program of that line', async (t) => {
  const file = await findNodeBinary('20');
  t.match(execFileSync(file, ['--version'], { encoding: 'utf8' }), /^v20\.\d+\.\d+\n$/);
  t.equal(await findNodeBinary('20'), file, 'and kept');
});

t.test('another line is refused, with those that are known', async (t) => {
  await t.rejects(findNodeBinary('19'), {
    code: 'IMAGE_UNKNOWN',
    message: /Node 19 is not pinned/,
    details: { hint: /known are 26, 24, 22, 20, 18; --node/ },
  });
});
